"""Before anything else: a part can be made, has what it must have, and its methods give what they should."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from torch import Tensor

from aezoo.config.base import Config
from aezoo.errors import PartError, ShapeError
from aezoo.parts.doors import take_latent_dim
from aezoo.parts.interfaces import LatentPrior, Reconstruction, Regularizer
from aezoo.parts.measures import Extractor, Measure, Metric
from aezoo.parts.types import Data
from aezoo.registry import registry
from aezoo.registry.catalogue import KINDS
from aezoo.registry.names import is_class
from aezoo.resolve import part_class, settings_class
from aezoo.testing.metrics import give
from aezoo.testing.rule import CONFIGURED, PARTS, Fault, rule
from aezoo.testing.specimen import ROWS, Specimen, levels

_INTERFACES = {
    "prior": LatentPrior,
    "divergence": Regularizer,
    "regularizer": Regularizer,
    "reconstruction": Reconstruction,
    "extractor": Extractor,
    "metric": Metric,
}
_METHODS = {"backbone": ("encoder", "decoder"), "dataset": ("load",)}  # of kinds that derive from nothing


@rule("built", *CONFIGURED, fix="mend the constructor", method="__init__", ends=True)
def built(specimen: Specimen) -> None:
    """It can be built with its settings."""
    if missing := needed(specimen):
        word = missing[0]
        raise Fault(
            f"it needs settings that have no default: {', '.join(missing)}",
            f"give them: aezoo plugin check PLUGIN --set {word}=VALUE; in a test ({word}=VALUE)",
        )
    specimen.alone()


@rule("attributes", *CONFIGURED, fix="set it in the constructor", method="__init__", ends=True)
def attributes(specimen: Specimen) -> None:
    """It derives from the class of its kind, and has the attributes that others ask it for."""
    part, kind = specimen.alone(), specimen.kind
    name, base = type(part).__name__, _INTERFACES.get(kind)
    if base is not None and not isinstance(part, base):
        raise Fault(f"{name} is no {base.__name__}", f"derive it from aezoo.api.{base.__name__}")
    for method in _METHODS.get(kind, ()):
        if not callable(getattr(part, method, None)):
            raise Fault(
                f"{name} has no method `{method}`", f"write {method}; docs/plugins.md says what it gives"
            )
    if kind in ("encoder", "prior"):
        take_latent_dim(part)
    if isinstance(part, Metric):
        said = getattr(part, "measures", None)
        if not isinstance(said, Mapping) or not said or not all(map(_is_measure, said.values())):
            raise Fault(
                f"{name}.measures is {said!r}", "write measures = {'name': Measure('lower', 'unit, range')}"
            )


@rule("joined", fix="let its constructor and its `attach` accept the plainest parts beside it", ends=True)
def joined(specimen: Specimen) -> None:
    """It can be joined with other parts to a model."""
    try:
        specimen.assemble()
    except PartError:
        return  # what its methods give wrongly is said by the rules about that


@rule("hooks", *CONFIGURED, fix="return what its kind gives, of every method", ends=True)
def hooks(specimen: Specimen) -> None:
    """Every method runs, and gives what parts of its kind give."""
    if specimen.kind in PARTS:
        fault = specimen.first_fault()
        if fault is not None and not isinstance(fault, ShapeError):
            raise fault
    elif specimen.kind == "dataset":
        _check_type(specimen.alone().load(), Data, "load", "return Data(...)")
    elif specimen.kind == "extractor":
        for extractor, shape in specimen.extractors():
            _check_type(extractor(levels(ROWS, shape)), Tensor, "forward", "return the features [B, d]")
    else:
        metric = specimen.metric()
        method, given = give(metric)
        kinds = Iterable if method == "measure" else Mapping
        _check_type(given, kinds, method, "return {'measure': number}, or yield each Value of a ModelMetric")


@rule("defaults", *CONFIGURED, fix="say each default once, in the constructor", method="__init__")
def defaults(specimen: Specimen) -> None:
    """A setting has one default, and its row brings along parts that exist."""
    part = part_class(specimen.kind, specimen.name)
    hints = get_type_hints(part.__init__, include_extras=True)  # type: ignore[misc]
    fields = settings_class(specimen.kind, specimen.name).model_fields
    for name, argument in inspect.signature(part).parameters.items():
        if name not in fields:
            continue
        for said in filter(_has_default, getattr(hints.get(name), "__metadata__", ())):
            if said.default != argument.default:
                own = "none" if argument.default is argument.empty else f"{argument.default!r}"
                raise Fault(f"the default of '{name}' is {said.default!r} in Field(...), and {own} after it")
        if isinstance(argument.default, Config) and argument.default != type(argument.default)():
            raise Fault(
                f"the default of '{name}' is {argument.default!r}, and its own class says otherwise: "
                f"whoever sets one key of '{name}' would change others too",
                f"state the defaults in {type(argument.default).__name__}",
            )
    _check_brought(specimen)


def needed(specimen: Specimen) -> list[str]:
    """Settings that have no default and are not given."""
    if specimen.kind not in CONFIGURED:
        return []
    fields = settings_class(specimen.kind, specimen.name).model_fields
    return [name for name, one in fields.items() if one.is_required() and name not in specimen.settings]


def _check_brought(specimen: Specimen) -> None:
    """The row's `defaults` name sections and parts; a setting's default there would be read by nobody."""
    if is_class(specimen.kind, specimen.name):
        return
    for section, name in registry.find(specimen.kind, specimen.name).defaults.items():
        if section not in KINDS:
            raise Fault(
                f"its row has defaults={{'{section}': '{name}'}}, and '{section}' is no kind of part",
                "defaults name the parts that it brings along, such as {'divergence': 'NAME'}; "
                "the defaults of settings stand in the constructor",
            )
        registry.find(section, name, f"defaults of {specimen.kind} '{specimen.name}'")


def _has_default(said: object) -> bool:
    return isinstance(said, FieldInfo) and said.default is not PydanticUndefined


def _is_measure(said: object) -> bool:
    return isinstance(said, Measure)


def _check_type(given: Any, kind: Any, method: str, fix: str) -> None:
    if not isinstance(given, kind):
        raise Fault(
            f"`{method}` gives {given if given is None else type(given).__name__}, no {kind.__name__}", fix
        )
