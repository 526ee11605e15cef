"""All rules in the order they are checked, and who asks: a test, pytest, `aezoo plugin check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from aezoo.errors import AezooError, ConfigError, MissingError, did_you_mean
from aezoo.registry import registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.testing import (
    any_part,
    construction,
    costs,
    datasets,
    densities,
    extractors,
    metrics,
    networks,
    priors,
    recipes,
    resuming,
)
from aezoo.testing.construction import needed
from aezoo.testing.place import place_of
from aezoo.testing.rule import Fault, NotApplicable, Rule
from aezoo.testing.settings import settings_of
from aezoo.testing.specimen import Specimen, name_of

_IN_ORDER = (  # first what the others rest on
    *(construction.built, construction.attributes, networks.features, construction.joined),
    *(construction.hooks, costs.terms, any_part.shapes),
    *(any_part.light_import, any_part.settings, construction.defaults, any_part.config),
    *(any_part.image_range, any_part.dtype_device, any_part.randomness, priors.sampling, networks.noise),
    *(any_part.gradients, any_part.repeats, resuming.resume, any_part.state),
    *(priors.density, densities.agreement, priors.fit),
    *(extractors.extraction, extractors.batches, extractors.constancy, extractors.weights),
    *(metrics.measures, metrics.repeatable),
    *(datasets.rows, recipes.recipe, recipes.experiment),
)
RULES = {rule.name: rule for rule in _IN_ORDER}


class BrokenRule(AezooError, AssertionError):
    """A part breaks a rule of its kind; `rule` names it, and `where` says the line of its code."""

    def __init__(self, rule: Rule, specimen: Specimen, what: str, fix: str, err: Exception) -> None:
        super().__init__(
            f"{specimen.kind} '{specimen.name}' breaks the rule '{rule.name}': {what}",
            where=place_of(specimen, err, rule.method),
            fix=fix or rule.fix,
        )
        self.rule, self.claim = rule.name, rule.claim


@dataclass(frozen=True)
class Finding:
    """How one part did on one rule; `what`, `fix` and the author's line say more where it is not ok."""

    kind: str
    name: str
    rule: str
    status: Literal["ok", "skipped", "FAILED"]
    what: str = ""
    fix: str = ""
    where: str = ""


def rules(kind: str) -> list[str]:
    """The names of the rules for a kind, in the order they are checked."""
    return [rule.name for rule in RULES.values() if kind in rule.kinds]


def check_component(
    kind: str, part: str | type, *, rule: str | None = None, latent_dim: int = 4, **settings: Any
) -> None:
    """Check a part against every rule of its kind, or against one.

    part:        a registered name, or a class at the top of a module
    latent_dim:  of the model it is tried in
    settings:    of the part; those without a default must be given

    Raises:  BrokenRule naming the rule and the remedy; ConfigError for a rule that does not exist
    """
    specimen = _specimen(kind, part, {"latent_dim": latent_dim, **settings})
    if missing := needed(specimen):
        raise ConfigError(
            f"{kind} '{specimen.name}' has settings without a default: {', '.join(missing)}",
            where="check_component",
            fix=f"give them: {missing[0]}=...",
        )
    for name in [_known(rule, kind)] if rule else rules(kind):
        try:
            _run(RULES[name], specimen)
        except NotApplicable:
            continue


def parametrize_with_checks(*parts: tuple[Any, ...]) -> Any:
    """A pytest decorator: one test for each part and rule, with the argument `check` to call.

    parts:  (kind, name or class), or (kind, name or class, settings)
    """
    import pytest

    cases = [(rule, _specimen(*part)) for part in parts for rule in rules(part[0])]
    found = [
        pytest.param(_check(RULES[rule], specimen), id=f"{specimen.kind}/{specimen.name}-{rule}")
        for rule, specimen in cases
    ]
    return pytest.mark.parametrize("check", found)


def examine(components: Iterable[ComponentInfo], settings: Sequence[str] = ()) -> Iterator[Finding]:
    """Every rule on every part, one finding each; nothing is raised for what a part does wrong.

    A part that cannot be tried any further has no findings of the rules that are left; one of which nothing
    could be tried at all FAILED.

    settings:  "key=value" texts, as `aezoo.testing.settings` reads them

    Raises:  ConfigError for a setting that no part has
    """
    rows = list(components)
    for info, own in zip(rows, settings_of(rows, settings), strict=True):
        specimen = _specimen(info.kind, registry.full_name_of(info), own)
        tried = False
        for name in rules(info.kind):
            finding = _finding(RULES[name], specimen)
            tried = tried or finding.status != "skipped"
            yield finding
            if finding.status == "FAILED" and RULES[name].ends:
                break
        if not tried:
            yield Finding(
                *(info.kind, info.name, "any", "FAILED", "every rule was skipped: nothing is known of it"),
                "give it what the skipped rules ask for",
            )


def _finding(rule: Rule, specimen: Specimen) -> Finding:
    found = partial(Finding, specimen.kind, registry.bare_name(specimen.kind, specimen.name), rule.name)
    try:
        _run(rule, specimen)
    except NotApplicable as why:
        return found("skipped", str(why))
    except MissingError as err:
        return found("skipped", err.what, err.fix)
    except BrokenRule as err:
        return found("FAILED", err.what, err.fix, err.where)
    return found("ok")


def _check(rule: Rule, specimen: Specimen) -> Callable[[], None]:
    def check() -> None:
        import pytest

        try:
            _run(rule, specimen)
        except (NotApplicable, MissingError) as why:
            pytest.skip(str(why))

    return check


def _run(rule: Rule, specimen: Specimen) -> None:
    """One rule on one part; whatever the part raises is its fault."""
    try:
        rule.check(specimen)
    except (NotApplicable, MissingError):
        raise
    except (Fault, AezooError) as err:
        raise BrokenRule(rule, specimen, err.what, err.fix, err) from err
    except Exception as err:
        raise BrokenRule(rule, specimen, f"{type(err).__name__}: {err}", "", err) from err


def _specimen(kind: str, part: str | type, settings: dict[str, Any] | None = None) -> Specimen:
    own = dict(settings or {})
    name = part if isinstance(part, str) else name_of(part)
    return Specimen(kind, name, latent_dim=own.pop("latent_dim", 4), settings=own)


def _known(rule: str, kind: str) -> str:
    if rule not in rules(kind):
        hint = did_you_mean(rule, rules(kind))
        raise ConfigError(
            f"there is no rule '{rule}' for a {kind}",
            where="rule",
            fix=f"{hint}the rules are {', '.join(rules(kind))}",
        )
    return rule
