"""All rules in the order they are checked, and who asks: a test, pytest, `aezoo plugin check`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from aezoo.errors import AezooError, ConfigError, MissingError, did_you_mean
from aezoo.registry.catalogue import ComponentInfo
from aezoo.resolve import settings_class
from aezoo.testing import any_part, costs, datasets, extractors, metrics, networks, priors, recipes
from aezoo.testing.rule import CONFIGURED, Fault, NotApplicable, Rule
from aezoo.testing.specimen import Specimen, name_of

_IN_ORDER = (
    *(any_part.light_import, any_part.settings),
    *(any_part.config, any_part.shapes, networks.features, any_part.image_range),
    *(any_part.dtype_device, any_part.randomness, priors.sampling, networks.noise),
    *(any_part.gradients, any_part.repeats, costs.terms, any_part.state),
    *(priors.density, priors.fit),
    *(extractors.extraction, extractors.batches, extractors.constancy, extractors.weights),
    *(metrics.measures, metrics.repeatable),
    *(datasets.rows, recipes.recipe, recipes.experiment),
)
RULES = {rule.name: rule for rule in _IN_ORDER}


class BrokenRule(AezooError, AssertionError):
    """A part breaks a rule of its kind; `rule` names it."""

    def __init__(self, rule: Rule, specimen: Specimen, what: str, fix: str = "") -> None:
        super().__init__(
            f"{specimen.kind} '{specimen.name}' breaks the rule '{rule.name}': {what}",
            where=rule.claim,
            fix=fix or rule.fix,
        )
        self.rule = rule.name


@dataclass(frozen=True)
class Finding:
    """How one part did on one rule; `what` and `fix` say more where it is not ok."""

    kind: str
    name: str
    rule: str
    status: Literal["ok", "skipped", "FAILED"]
    what: str = ""
    fix: str = ""


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
    if missing := _missing(specimen):
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


def examine(components: Iterable[ComponentInfo]) -> Iterator[Finding]:
    """Every rule on every part, one finding each; nothing is raised for what a part does wrong."""
    for info in components:
        specimen = Specimen(info.kind, info.name)
        try:
            missing = _missing(specimen)
        except AezooError as err:
            yield Finding(info.kind, info.name, "import", "FAILED", err.what, err.fix)
            continue
        for name in rules(info.kind):
            yield _finding(RULES[name], specimen, missing)


def _finding(rule: Rule, specimen: Specimen, missing: list[str]) -> Finding:
    found = partial(Finding, specimen.kind, specimen.name, rule.name)
    if missing:
        needs = f"it needs settings: {', '.join(missing)}"
        return found("skipped", needs, "give them in a test: check_component(...)")
    try:
        _run(rule, specimen)
    except NotApplicable as why:
        return found("skipped", str(why))
    except (MissingError, BrokenRule) as err:
        return found("FAILED" if isinstance(err, BrokenRule) else "skipped", err.what, err.fix)
    return found("ok")


def _missing(specimen: Specimen) -> list[str]:
    """Settings that have no default and are not given."""
    if specimen.kind not in CONFIGURED:
        return []
    fields = settings_class(specimen.kind, specimen.name).model_fields
    return [name for name, one in fields.items() if one.is_required() and name not in specimen.settings]


def _check(rule: Rule, specimen: Specimen) -> Callable[[], None]:
    def check() -> None:
        import pytest

        if missing := _missing(specimen):
            pytest.skip(f"it needs settings: {', '.join(missing)}")
        try:
            _run(rule, specimen)
        except (NotApplicable, MissingError) as why:
            pytest.skip(str(why))

    return check


def _run(rule: Rule, specimen: Specimen) -> None:
    """One rule on one part; whatever the part raises is its fault."""
    try:
        rule.check(specimen)
    except Fault as fault:
        raise BrokenRule(rule, specimen, fault.what, fault.fix) from fault
    except (NotApplicable, MissingError):
        raise
    except AezooError as err:
        raise BrokenRule(rule, specimen, err.what, err.fix) from err
    except Exception as err:
        raise BrokenRule(rule, specimen, f"{type(err).__name__}: {err}") from err


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
