"""The rules that every part keeps, one function each. `aezoo.testing` runs them."""

from __future__ import annotations

import hashlib
import math
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from aezoo.config.run import RunConfig
from aezoo.data.loading import load_dataset
from aezoo.errors import ConfigError
from aezoo.parts.interfaces import FittedPrior, HasDensity, moved_weights
from aezoo.parts.measures import Extractor, Metric, ModelMetric, PairMetric, SetMetric
from aezoo.parts.types import Data
from aezoo.randomness import mix
from aezoo.registry import registry
from aezoo.reproduction.evidence import methods_of
from aezoo.reproduction.experiment import cells_of
from aezoo.reproduction.experiment import named as named_experiment
from aezoo.resolve import check_part, read, resolve
from aezoo.testing.specimen import (
    ROWS,
    Specimen,
    can_sample,
    levels,
    outputs,
    rows,
    seeded,
    terms_of,
    trained,
    trainer_of,
)
from aezoo.training.assemble import Assembly

PARTS = ("backbone", "encoder", "decoder", "prior", "divergence", "regularizer", "reconstruction")


class Fault(Exception):
    """A rule is broken: what was seen, and where the rule's own remedy is too general, how to mend it."""

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what)
        self.what, self.fix = what, fix


class NotApplicable(Exception):
    """A rule about something that this part does not do."""


@dataclass(frozen=True)
class Rule:
    """One thing that every part of some kinds does.

    claim:  the rule in a line
    fix:    the usual remedy
    """

    name: str
    kinds: tuple[str, ...]
    claim: str
    fix: str
    check: Callable[[Specimen], None]


RULES: dict[str, Rule] = {}


def _rule(
    name: str, *kinds: str, fix: str
) -> Callable[[Callable[[Specimen], None]], Callable[[Specimen], None]]:
    def add(check: Callable[[Specimen], None]) -> Callable[[Specimen], None]:
        claim = (check.__doc__ or "").partition("\n")[0]
        RULES[name] = Rule(name, kinds or PARTS, claim, fix, check)
        return check

    return add


# --- before anything is built


@_rule(
    "import",
    *(*PARTS, "dataset", "extractor", "metric", "recipe", "experiment"),
    fix="let the module that the entry point names only register; a part's module is imported on use",
)
def _import(specimen: Specimen) -> None:
    """Importing the plugin's module imports no torch."""
    module = _plugin_module(specimen)
    if not module:
        raise NotApplicable("no entry point registers it")
    loaded = _loaded_by(module)
    if loaded:
        raise Fault(f"importing {module} imports {loaded}")


@_rule(
    "settings",
    *(*PARTS, "dataset", "extractor", "metric"),
    fix="take plain numbers, strings and lists; keep them as they come",
)
def _settings(specimen: Specimen) -> None:
    """Settings go through TOML and back, and unknown ones are refused."""
    part = check_part(specimen.kind, specimen.section(), specimen.kind)
    again = check_part(specimen.kind, tomllib.loads(tomli_w.dumps(part.model_dump())), specimen.kind)
    if again != part:
        raise Fault(f"the settings {part.settings} come back from TOML as {again.settings}")
    try:
        check_part(specimen.kind, {**specimen.section(), "no_such_setting": 1}, specimen.kind)
    except ConfigError:
        return
    raise Fault("an unknown setting is accepted", "state each setting as an argument of the constructor")


@_rule("config", fix="make the part of its settings alone: no clock, no global state, no hidden default")
def _config(specimen: Specimen) -> None:
    """A whole config goes through TOML and back, and makes the same model again."""
    _goes_through_toml(specimen.config())
    with _shaken():
        one = specimen.assembled()[0].model.state_dict()
    with _shaken(1):
        other = specimen.assembled()[0].model.state_dict()
    changed = _differing(one, other)
    if changed:
        raise Fault(
            f"made twice from one config and seed, its {changed} differs",
            "draw weights with torch alone, which aezoo seeds while parts are made",
        )


# --- shapes, ranges, dtypes


@_rule("shapes", fix="z is [B, latent_dim], always flat; x_hat is [B, *shape]; log_q and log_prob are [B]")
def _shapes(specimen: Specimen) -> None:
    """Codes, images and densities have the shapes that the other parts expect."""
    found, shape = specimen.assembled()
    model = found.model
    posterior = model.encode(rows(ROWS, shape))
    m = model.latent_dim
    _has_shape("the encoder's z", posterior.z, (ROWS, m))
    _has_shape("the posterior's mean", posterior.mean, (ROWS, m))
    _has_shape("the posterior's log_var", posterior.log_var, (ROWS, m))
    _has_shape("the posterior's log_q", posterior.log_q, (ROWS,))
    _has_shape("the decoder's x_hat", model.decode(posterior.z), (ROWS, *shape))
    if can_sample(model):
        _has_shape("the prior's sample", model.prior_in_force.sample(ROWS, seeded()), (ROWS, m))


@_rule("features", "backbone", fix="set `features` on the module to the width of what it gives")
def _features(specimen: Specimen) -> None:
    """The encoder's body gives as many features as it says."""
    found, shape = specimen.assembled()
    body = found.model.encoder.body
    assert isinstance(body, nn.Module)
    said: Any = body.features
    _has_shape("the body's output", body(rows(ROWS, shape)), (ROWS, said))


@_rule("range", fix="end the decoder in a squashing function of the dataset's range, such as a sigmoid")
def _range(specimen: Specimen) -> None:
    """Images come out in the dataset's range, also of codes far out."""
    model = specimen.assembled()[0].model
    x = model.decode(100 * torch.randn(ROWS, model.latent_dim, generator=seeded()))
    low, high = float(x.min()), float(x.max())
    if not (low >= 0 and high <= 1):
        raise Fault(f"values reach from {low:g} to {high:g}, and the range is 0 to 1")


@_rule(
    "dtype-device",
    fix="name dtype and device wherever a tensor is made: "
    "device=generator.device, torch.zeros_like(z), z.new_ones(n)",
)
def _dtype_device(specimen: Specimen) -> None:
    """What comes in as float32 goes out as float32, on the device it came on."""
    found, shape = specimen.assembled()
    _are_float32(outputs(found.model, shape), torch.device("cpu"))
    try:  # a tensor made without a device lands elsewhere than its neighbours, as it would on a GPU
        with torch.device("meta"):
            given = outputs(found.model, shape)
    except Exception as err:
        raise Fault(f"a tensor is made without naming its device: {_first_line(err)}") from err
    _are_float32(given, torch.device("cpu"))
    if torch.cuda.is_available():
        cuda = torch.device("cuda")
        _are_float32(outputs(found.model.to(cuda), shape, device=cuda), cuda)


# --- randomness


@_rule(
    "randomness",
    fix="draw everything from the generator that is passed in: torch.randn(..., generator=generator)",
)
def _randomness(specimen: Specimen) -> None:
    """The same generator gives the same, and no global random state is read."""
    found, shape = specimen.assembled()
    for training in _modes(found.model):
        state = _copied(found.model)
        one = _without_global(lambda: outputs(found.model, shape, training))  # noqa: B023  # called at once
        found.model.load_state_dict(state)
        other = _without_global(lambda: outputs(found.model, shape, training), 1)  # noqa: B023
        found.model.load_state_dict(state)
        changed = _differing(one, other)
        if changed:
            raise Fault(f"under two equal generators {changed} differs")
    if len(_modes(found.model)) == 2:
        _trains_without_global(found, shape)


def _trains_without_global(found: Assembly, shape: tuple[int, ...]) -> None:
    """Terms and phases draw from the step's generator alone."""
    with _shaken():
        trainer = trainer_of(found, shape)
        before = _global_states()
        trainer.iterate()
        after = _global_states()
        torch.default_generator.manual_seed(mix(0, 0, "layers"))  # as the trainer does, for dropout
        before["torch"] = _global_states()["torch"]
    for library in before:
        if before[library] != after[library]:
            raise Fault(
                f"while it trains it draws from the global generator of {library}",
                "draw from step.generator: torch.rand(..., generator=step.generator)",
            )


@_rule("sampling", "prior", fix="use the generator that is passed in, every time")
def _sampling(specimen: Specimen) -> None:
    """Different generators give different codes."""
    model = specimen.assembled()[0].model
    if not can_sample(model):
        raise NotApplicable("no prior is in force while this one waits")
    one, other = (model.prior_in_force.sample(ROWS, seeded(seed)) for seed in (1, 2))
    if torch.equal(one, other):
        raise Fault("generators of two seeds give the same codes")


@_rule("noise", "encoder", fix="add noise only where there is a generator; without one z is the mean")
def _noise(specimen: Specimen) -> None:
    """Without a generator an encoder adds no noise, and every row keeps its place."""
    found, shape = specimen.assembled()
    encoder, x = found.model.encoder.eval(), rows(ROWS, shape)
    one, other = encoder(x), encoder(x)
    if not torch.equal(one.z, other.z):
        raise Fault("two passes without a generator differ")
    if one.mean is not None and not torch.equal(one.z, one.mean):
        raise Fault("without a generator z is not the mean")
    order = torch.randperm(ROWS, generator=seeded())
    if not torch.allclose(encoder(x[order]).z, one.z[order], rtol=1e-4, atol=1e-5):
        raise Fault("in evaluation mode a row's code depends on the other rows", "mix no rows of a batch")


# --- training


@_rule(
    "gradients",
    fix="let a loss reach every weight: freeze what is not trained (requires_grad_(False) or a buffer), "
    "or name the divergence that trains a prior in ComponentInfo(defaults=...)",
)
def _gradients(specimen: Specimen) -> None:
    """Every weight is reached by a loss, every term is finite, every phase moves something."""
    found, shape = specimen.assembled()
    before = _copied(found.model)
    logged = {key.partition("/")[0] for key in trained(found, shape)[0]}
    after = found.model.state_dict()
    names = {id(weight): name for name, weight in found.model.named_parameters()}
    for phase in found.phases:
        if phase.name not in logged:
            raise Fault(f"the phase '{phase.name}' never ran", "name it in the schedule")
        mine = [names[id(weight)] for weight in moved_weights(phase) if id(weight) in names]
        if all(torch.equal(before[name], after[name]) for name in mine):
            raise Fault(f"the phase '{phase.name}' moves none of its weights")


@_rule("repeats", *PARTS[1:], fix="draw from step.generator, and keep nothing outside weights and buffers")
def _repeats(specimen: Specimen) -> None:
    """Two trainings from one seed give the same numbers."""
    one, other = (trained(*specimen.assembled()) for _ in range(2))
    if one != other:
        raise Fault("two trainings from one seed log different terms")


@_rule(
    "terms",
    *("regularizer", "divergence", "reconstruction"),
    fix="give one scalar per term, a mean over the batch; change buffers in `after` only",
)
def _terms(specimen: Specimen) -> None:
    """Terms are finite scalars, and asking for them changes no state."""
    found, shape = specimen.assembled()
    model = found.model
    part: Any = model.reconstruction
    if specimen.kind != "reconstruction":
        label = model.divergence if specimen.kind == "divergence" else specimen.label
        part = model.regularizer[str(label)]
    before = _copied(part)
    terms = terms_of(model, part, shape)
    for name, term in terms.items():
        if term.dim() != 0:
            raise Fault(f"the term '{name}' has shape {tuple(term.shape)}")
        if not bool(term.isfinite()):
            raise Fault(f"the term '{name}' is {float(term)}")
    changed = _differing(before, part.state_dict())
    if changed:
        raise Fault(f"asking for the terms changes the buffer {changed}")


# --- state


@_rule(
    "state",
    fix="keep everything that outputs depend on in parameters or buffers (register_buffer), "
    "and every tensor in its own memory",
)
def _state(specimen: Specimen) -> None:
    """Weights and buffers go through a safetensors file and give equal outputs."""
    found, shape = specimen.assembled()
    trained(found, shape)  # so that what training changes must be saved too
    other, _ = specimen.assembled(seed=1)
    other.model.load_state_dict(load(_packed(found.model)))
    for training in _modes(found.model):
        changed = _differing(outputs(found.model, shape, training), outputs(other.model, shape, training))
        if changed:
            raise Fault(f"saved and loaded, {changed} differs")


# --- priors


@_rule("density", "prior", fix="let log_prob give log p(z) in nats, [n], without drawing anything")
def _density(specimen: Specimen) -> None:
    """A density is finite on the prior's own samples, one number each, the same each time."""
    prior = specimen.fitted()
    if not isinstance(prior, HasDensity):
        raise NotApplicable("it has no log_prob")
    z = prior.sample(50, seeded()).detach()
    log_prob = prior.log_prob(z)
    _has_shape("log_prob", log_prob, (50,))
    if not bool(log_prob.isfinite().all()):
        raise Fault("log_prob is not finite on the prior's own samples")
    if not torch.equal(log_prob, prior.log_prob(z)):
        raise Fault("log_prob differs when it is asked twice")


@_rule(
    "fit",
    "prior",
    fix="keep a bool buffer `fitted`, and raise ConfigError(what, where=, fix=) in `sample` "
    "until `fit` has set it",
)
def _fit(specimen: Specimen) -> None:
    """A fitted prior refuses to sample before its fit; the fit repeats and goes through a file."""
    waiting = specimen.prior()
    if not isinstance(waiting, FittedPrior):
        if hasattr(waiting, "fit"):
            raise Fault("it has `fit`, which is never called", "give it the attributes `during` and `reads`")
        raise NotApplicable("it is not fitted")
    _refuses(waiting)
    one = _without_global(specimen.fitted)
    other = _without_global(specimen.fitted, 1)
    if not isinstance(getattr(one, "fitted", None), Tensor) or not bool(one.fitted):
        raise Fault("after its fit the buffer `fitted` is not true")
    sample = one.sample(ROWS, seeded())
    if not torch.equal(sample, other.sample(ROWS, seeded())):
        raise Fault("two fits to the same codes differ", "draw from fitting.generator")
    fresh = specimen.prior().eval()
    fresh.load_state_dict(load(_packed(one)))
    if not torch.equal(sample, fresh.sample(ROWS, seeded())):
        raise Fault("saved and loaded, the fitted prior's samples differ", "keep what was fitted in buffers")


def _refuses(prior: Any) -> None:
    try:
        prior.sample(1, seeded())
    except ConfigError as err:
        if not (err.where and err.fix):
            raise Fault("its refusal does not say where and how to mend it") from err
        return
    except Exception as err:
        raise Fault(f"sampling before the fit raises {type(err).__name__}, not ConfigError") from err
    raise Fault("it samples before its fit")


# --- extractors


@_rule("extraction", "extractor", fix="end in flatten(1), and keep divisions and logarithms away from 0")
def _extraction(specimen: Specimen) -> None:
    """Features are floats [B, d], finite, and the images that they are of stay as they were."""
    for extractor, shape in specimen.extractors():
        x = levels(ROWS, shape)
        before = x.clone()
        found = _features_of(extractor, x)
        if found.dim() != 2 or len(found) != ROWS or not found.is_floating_point():
            raise Fault(f"features of {ROWS} rows {shape} are {found.dtype} of shape {tuple(found.shape)}")
        if not bool(found.isfinite().all()):
            raise Fault("features are not finite")
        if not torch.equal(x, before):
            raise Fault("what is given is changed in place", "compute with copies: x * 2, never x.mul_(2)")


@_rule(
    "batches", "extractor", fix="mix no rows of a batch: normalise with fixed numbers, not the batch's own"
)
def _batches(specimen: Specimen) -> None:
    """An image has the same features in any batch, up to rounding."""
    for extractor, shape in specimen.extractors():
        x = levels(ROWS, shape)
        whole = _features_of(extractor, x)
        single = torch.cat([_features_of(extractor, row) for row in x.split(1)])
        turned = _features_of(extractor, x.flip(0)).flip(0)
        for other in (single, turned):
            gap, size = float((whole - other).abs().max()), float(whole.abs().max())
            if not gap <= 1e-5 * size:
                raise Fault(f"in another batch features of up to {size:g} differ by {gap:g}")


@_rule(
    "constancy",
    "extractor",
    fix="draw random weights from a generator of your own with a fixed seed, freeze all weights "
    "(requires_grad_(False)), and keep layers that learn as they go in evaluation mode",
)
def _constancy(specimen: Specimen) -> None:
    """Features are the same at each construction and use; nothing is drawn, changed or trained by it."""
    with _shaken():  # a network may be drawn at random and then loaded: what counts is what comes out
        ones = specimen.extractors()
    with _shaken(1):
        others = specimen.extractors()
    for (one, shape), (other, _) in zip(ones, others, strict=True):
        before, x = _copied(one), levels(ROWS, shape)
        first = _without_global(lambda: _features_of(one, x))  # noqa: B023  # called at once
        second = _without_global(lambda: _features_of(other, x), 1)  # noqa: B023
        if not torch.equal(first, second) or not torch.equal(first, _features_of(one, x)):
            raise Fault("the same images have other features the second time")
        if changed := _differing(before, one.state_dict()):
            raise Fault(f"using it changes its {changed}")
        if open_ := [name for name, weight in one.named_parameters() if weight.requires_grad]:
            raise Fault(f"its {open_[0]} asks for gradients, as if it were to be trained")


@_rule(
    "weights", "extractor", fix="set `weights` to the file's path, `sha256` to hashlib.sha256 of its bytes"
)
def _weights(specimen: Specimen) -> None:
    """Where features come from a file of weights, `sha256` is that file's."""
    extractor, _ = specimen.extractors()[0]
    if not extractor.weights and not extractor.sha256:
        raise NotApplicable("it has no weights of its own")
    if not Path(extractor.weights).is_file():
        raise Fault(f"its weights are said to be in '{extractor.weights}', which is no file")
    found = hashlib.sha256(Path(extractor.weights).read_bytes()).hexdigest()
    if found != extractor.sha256:
        raise Fault(f"it gives the sha256 '{extractor.sha256}', and that of {extractor.weights} is {found}")


def _features_of(extractor: Extractor, x: Tensor) -> Tensor:
    with torch.no_grad():
        return extractor(x)


# --- metrics


@_rule(
    "measures",
    "metric",
    fix="name each measure in `measures`, with aezoo.api.Measure, and give a finite number for it",
)
def _measures(specimen: Specimen) -> None:
    """Every number belongs to a declared measure and is finite."""
    metric = specimen.metric()
    found = _values_of(metric, specimen)
    if not found:
        raise Fault("of a small model and made-up rows it measures nothing")
    for name, value in found:
        if name not in metric.measures:
            raise Fault(f"it gives '{name}', which is none of its measures {', '.join(metric.measures)}")
        if not math.isfinite(value):
            raise Fault(f"its '{name}' is {value}")


@_rule(
    "repeatable",
    "metric",
    fix="draw from a generator made of the seed that is passed in, and compute with copies",
)
def _repeatable(specimen: Specimen) -> None:
    """The same rows and seed give the same numbers; nothing is read from a global generator."""
    first = _without_global(lambda: _values_of(specimen.metric(), specimen))
    second = _without_global(lambda: _values_of(specimen.metric(), specimen), 1)
    if first != second:
        raise Fault(f"the same rows give {first} and then {second}")


def _values_of(metric: Metric, specimen: Specimen) -> list[tuple[str, float]]:
    """What it measures of made-up rows; the rows stay as they were."""
    if isinstance(metric, ModelMetric):
        return [(value.measure, value.value) for value in metric.measure(specimen.evaluation())]
    a, b = rows(40, (1, 8, 8)), rows(39, (1, 8, 8))[:40]
    if isinstance(metric, SetMetric):
        a, b = a.flatten(1)[:39, :6], b.flatten(1)[:, :6]
        given = (a.clone(), b.clone())
        found = {name: float(value) for name, value in metric.compare(a, b, 0).items()}
    elif isinstance(metric, PairMetric):
        a = a[:39]
        given = (a.clone(), b.clone())
        found = {name: float(value.mean()) for name, value in metric.compare(a, b).items()}
    else:
        raise Fault(f"{type(metric).__name__} is no SetMetric, PairMetric or ModelMetric")
    if not torch.equal(a, given[0]) or not torch.equal(b, given[1]):
        raise Fault("the rows that it is given are changed in place", "compute with copies")
    return list(found.items())


# --- data and recipes


@_rule("rows", "dataset", fix="give uint8 or float32 rows [N, *shape], and the range that x has")
def _rows(specimen: Specimen) -> None:
    """Rows have the declared shape and range, and are the same at each load."""
    one, other = _loaded_data(specimen), _loaded_data(specimen)
    for part, again in ((one.train, other.train), (one.test, other.test)):
        values, same = part.values[:256], again.values[:256]  # rows may be read from disk
        _has_shape("the rows", values, (min(256, len(part)), *one.shape))
        if not torch.equal(values, same):
            raise Fault("loaded twice, the rows differ", "seed whatever is drawn, and sort what is listed")
        x = one.x(values)
        low, high = one.range or (-torch.inf, torch.inf)
        if len(x) == 0 or not bool(x.isfinite().all()) or float(x.min()) < low or float(x.max()) > high:
            raise Fault(f"x is empty, or not within its range {one.range}")


@_rule("recipe", "recipe", fix="`aezoo train NAME --dry-run` says which key is wrong")
def _recipe(specimen: Specimen) -> None:
    """A recipe resolves to a complete config that goes through TOML and back."""
    _goes_through_toml(resolve(specimen.name))


@_rule("experiment", "experiment", fix="`aezoo reproduce NAME --dry-run` says which key is wrong")
def _experiment(specimen: Specimen) -> None:
    """Everything that an experiment trains resolves, and each claim speaks of something that it trains."""
    experiment = named_experiment(specimen.name)
    grids = [cells_of(experiment, scale, Path()) for scale in experiment.scales]
    trained = {cell.method for grid in grids for cell in grid.cells}
    for claim in experiment.claim:
        if unknown := [method for method in methods_of(claim) if method not in trained]:
            raise Fault(f"the claim '{claim.text}' speaks of {unknown[0]}, which is never trained")


def _goes_through_toml(config: RunConfig) -> None:
    table = tomllib.loads(tomli_w.dumps(config.model_dump(exclude_none=True)))
    if read(table) != config:
        raise Fault("the config comes back from TOML as another one")


def _loaded_data(specimen: Specimen) -> Data:
    return load_dataset(specimen.name, **specimen.settings)


# --- how they look


def _has_shape(what: str, value: Tensor | None, expected: tuple[int, ...]) -> None:
    if value is not None and tuple(value.shape) != expected:
        raise Fault(f"{what} has shape {tuple(value.shape)} where {expected} is needed")


def _are_float32(values: Mapping[str, Tensor], device: torch.device) -> None:
    for what, value in values.items():
        if value.dtype != torch.float32:
            raise Fault(f"{what} is {value.dtype}, not float32")
        if value.device.type != device.type:
            raise Fault(f"{what} is not on the device of what came in")


def _differing(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> str:
    """The first name whose tensors are not equal; empty when all are."""
    return next((name for name in one if not torch.equal(one[name], other[name])), "")


def _copied(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def _packed(module: nn.Module) -> bytes:
    return save({name: value.contiguous().clone() for name, value in module.state_dict().items()})


def _modes(module: nn.Module) -> tuple[bool, ...]:
    """Evaluation and training; not the latter with dropout, which the trainer seeds."""
    dropout = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in module.modules())
    return (False,) if dropout else (False, True)


def _first_line(err: BaseException) -> str:
    return (str(err) or type(err).__name__).partition("\n")[0]


def _without_global(compute: Callable[[], Any], seed: int = 0) -> Any:
    """A value, computed without touching any global generator.

    Raises:  Fault naming the library whose generator was used
    """
    with _shaken(seed):
        before = _global_states()
        value = compute()
        for library, state in _global_states().items():
            if state != before[library]:
                raise Fault(f"it draws from the global generator of {library}")
    return value


@contextmanager
def _shaken(seed: int = 0) -> Any:
    """Global generators seeded otherwise than usual; put back at the end."""
    kept = random.getstate(), np.random.get_state(), torch.get_rng_state()
    random.seed(seed)
    np.random.seed(seed)
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        random.setstate(kept[0])
        np.random.set_state(kept[1])
        torch.set_rng_state(kept[2])


def _global_states() -> dict[str, str]:
    """A fingerprint of each library's generator."""
    states = {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": repr(np.random.get_state(legacy=False)).encode() + _numpy_keys(),
        "random": repr(random.getstate()).encode(),
    }
    return {library: hashlib.sha256(state).hexdigest() for library, state in states.items()}


def _numpy_keys() -> bytes:
    state: Any = np.random.get_state(legacy=False)
    found: bytes = state["state"]["key"].tobytes()
    return found


def _plugin_module(specimen: Specimen) -> str:
    """The module whose import registers a part; empty for what no entry point names."""
    record = registry.owner(specimen.kind, specimen.name)
    return record.module if record is not None and record.version else ""


@cache
def _loaded_by(module: str) -> str:
    """The heavy library that importing a module loads, in a fresh interpreter; empty for none."""
    probe = f"import sys, {module.partition(':')[0]}\nprint('torch' if 'torch' in sys.modules else '')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise Fault(f"{module} cannot be imported by itself: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip()
