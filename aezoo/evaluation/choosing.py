"""Names of metrics and extractors to the things themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from aezoo.config.run import RunConfig
from aezoo.errors import ConfigError
from aezoo.evaluation.measuring import Named
from aezoo.evaluation.space import Space
from aezoo.parts.measures import Extractor, Metric
from aezoo.parts.types import Data
from aezoo.paths import cache_dir
from aezoo.registry import registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.registry.names import in_file_of, is_class
from aezoo.registry.packages import default_metrics, measuring
from aezoo.registry.registry import full_name_of
from aezoo.resolve import check_part, make, part_class, settings_class

Chosen = Sequence[str] | Mapping[str, Mapping[str, Any]]
"""Names, or names with settings of their own."""


def named_metrics(chosen: Chosen = ()) -> list[Named]:
    """Metrics by name, with all their settings; none named: those that are used by default.

    Raises:  ConfigError for unknown names and settings
    """
    asked = _choices("metric", chosen, "--metrics") if chosen else {key: {} for key in default_metrics()}
    return [_metric(name, settings) for name, settings in asked.items()]


def _metric(name: str, settings: Mapping[str, Any]) -> Named:
    part = check_part("metric", {"name": name, **settings}, f"metric.{name}", lambda key: "--metrics")
    found = part_class("metric", name, "--metrics")
    if not issubclass(found, Metric):
        raise ConfigError(
            f"{found.__name__} is no Metric",
            where="--metrics",
            fix="derive the class from aezoo.api.SetMetric, PairMetric or ModelMetric",
        )
    metric = make("metric", part, (Metric,), section=f"metric.{name}")
    return Named(name, metric, part.settings.model_dump(exclude_none=True), measuring([name], []))


def named_spaces(
    chosen: Chosen,
    config: RunConfig,
    data: Data,
    device: torch.device,
    *,
    weights: str = "",
    download: bool = False,
) -> dict[str, Space]:
    """Extractors by name; none named: the one that the dataset brings along, else the default for such rows.

    Raises:  ConfigError for unknown names, and for an extractor that does not take such rows
             MissingError for absent weights
    """
    asked = _choices("extractor", chosen, "--extractor") if chosen else {_default_extractor(config, data): {}}
    more = {**({"weights": weights} if weights else {}), **({"download": True} if download else {})}
    return {
        name: _space(name, {**settings, **_accept(name, more)}, data, device)
        for name, settings in asked.items()
    }


def _space(name: str, settings: Mapping[str, Any], data: Data, device: torch.device) -> Space:
    if not _takes(name, data):
        known = [full_name_of(info) for info in registry.list_components("extractor")]
        fitting = [other for other in known if _takes(other, data)]
        raise ConfigError(
            f"the extractor '{name}' takes no rows of shape {data.shape}, such as those of {data.name}",
            where="--extractor",
            fix=f"choose one of {', '.join(fitting)}",
        )
    part = check_part("extractor", {"name": name, **settings}, f"extractor.{name}", lambda key: "--extractor")
    extractor = make("extractor", part, (Extractor,), {"shape": data.shape}, f"extractor.{name}")
    return Space(
        name,
        extractor,
        settings=part.model_dump(),
        device=device,
        cache=cache_dir() / "features",
        packages=measuring([], [name]),
    )


def _choices(kind: str, chosen: Chosen, where: str) -> dict[str, Mapping[str, Any]]:
    """Names as they were typed, each of one distribution's part alone."""
    if isinstance(chosen, str):
        raise ConfigError(f"'{chosen}' is no list of names", where=where, fix=f"write ['{chosen}']")
    for name in chosen:
        if not isinstance(name, str):
            raise ConfigError(
                f"{name!r} is no name of a {kind}",
                where=where,
                fix="with settings, give one table of all: {NAME: {SETTING: VALUE}, ...}",
            )
        registry.typed_name(kind, name, where)
    return dict(chosen) if isinstance(chosen, Mapping) else {name: {} for name in chosen}


def _default_extractor(config: RunConfig, data: Data) -> str:
    dataset = config.dataset.name
    brought = [] if is_class("dataset", dataset) else [_brought_by(registry.find("dataset", dataset))]
    general = [full_name_of(info) for info in registry.list_components("extractor") if info.default]
    for name in [*filter(None, brought), *general]:
        if _takes(name, data):
            return name
    raise ConfigError(
        f"no extractor is used by default for rows of shape {data.shape}",
        where="--extractor",
        fix="name one; `aezoo list extractor` shows them",
    )


def _brought_by(dataset: ComponentInfo) -> str:
    """The extractor that a dataset brings along: of its own distribution, if that has one of the name."""
    name = dataset.defaults.get("extractor", "")
    return in_file_of(dataset)("extractor", name, "extractor")


def _takes(name: str, data: Data) -> bool:
    extractor = part_class("extractor", name, "--extractor")
    if not issubclass(extractor, Extractor):
        raise ConfigError(
            f"{extractor.__name__} is no Extractor",
            where="--extractor",
            fix="derive the class from aezoo.api.Extractor",
        )
    return extractor.takes in ("any", "images" if data.is_image else "vectors")


def _accept(name: str, more: dict[str, Any]) -> dict[str, Any]:
    """The options, which an extractor without such settings refuses."""
    known = settings_class("extractor", name, "--extractor").model_fields
    for key in more:
        if key not in known:
            raise ConfigError(
                f"the extractor '{name}' takes no {key}", where=f"--{key}", fix="leave the option out"
            )
    return more
