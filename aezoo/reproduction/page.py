"""A reproduced item as a page: what the original shows, our numbers beside its own, verdicts.

Torch-free. One page, two ways to write it: Markdown, and text for the terminal.
"""

from __future__ import annotations

import json
import platform
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aezoo.comparison.compare import cores
from aezoo.evaluation.digits import decimals, number
from aezoo.evaluation.names import FLAWS, kind_of
from aezoo.reproduction.claims import LEVEL, Values, Verdict
from aezoo.reproduction.evidence import Evidence
from aezoo.reproduction.experiment import Experiment, Scale, ShownColumn, ShownRow
from aezoo.tables.cell import Outcome
from aezoo.tables.render.layout import clean
from aezoo.tables.render.markdown import escape
from aezoo.tables.statistics import mean_and_std

WIDTH = 110
NOTHING = "–"


@dataclass(frozen=True)
class Passage:
    """A section: sentences, then a table (its head first), then pictures (file name, what is seen)."""

    title: str
    sentences: tuple[str, ...] = ()
    table: Sequence[tuple[str, ...]] = ()
    pictures: tuple[tuple[str, str], ...] = ()


Document = tuple[str, Sequence[Passage]]
"""A title, and sections."""


@dataclass(frozen=True)
class Made:
    """What a page is made of."""

    experiment: Experiment
    scale: Scale
    command: str
    outcomes: Sequence[Outcome]
    found: Evidence
    verdicts: Sequence[Verdict]
    pictures: Sequence[tuple[str, str]] = ()
    hardware: str = field(default_factory=lambda: hardware())


def page_of(made: Made) -> Document:
    """The whole page."""
    experiment = made.experiment
    original = Passage("The original", (f"{experiment.paper}: {experiment.url}", experiment.shows))
    parts = [original, _verdicts(made)]
    if experiment.row:
        parts.append(_numbers(made))
    if made.found.curves:
        parts.append(_curve(made))
    if made.pictures:
        parts.append(Passage("Pictures", pictures=tuple(made.pictures)))
    return experiment.title, [*parts, *_warnings(made), _how(made)]


def as_json(made: Made) -> str:
    """The same for programs."""
    pairs = zip(made.experiment.claim, made.verdicts, strict=True)
    document = {
        "title": made.experiment.title,
        "scale": made.scale,
        "claims": [
            {
                **claim.model_dump(),
                "verdict": verdict.decision,
                "why": verdict.why,
                "p": verdict.p,
                "p_adjusted": verdict.adjusted,
            }
            for claim, verdict in pairs
        ],
        "values": [
            {"method": method, "dataset": dataset, "measure": measure, "by_seed": values}
            for (method, dataset, measure), values in made.found.values.items()
        ],
        "rows": [row.model_dump() for row in made.experiment.row],
        "missing": [
            {"method": method, "dataset": dataset, "why": why}
            for (method, dataset), why in made.found.missing.items()
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


# -- claims --------------------------------------------------------------------------------------------


def _verdicts(made: Made) -> Passage:
    if not made.verdicts:
        return Passage(
            "Claims", ("The original claims nothing that numbers could decide: judge the pictures.",)
        )
    rows = [
        (claim.text, verdict.decision, _p(verdict.p), _p(verdict.adjusted), verdict.why)
        for claim, verdict in zip(made.experiment.claim, made.verdicts, strict=True)
    ]
    tested = sum(verdict.p is not None for verdict in made.verdicts)
    note = (
        "A claim is supported or contradicted where Student's two-sided p over paired seeds, adjusted after "
        f"Holm for the {tested} claims that could be tested here, is at most {LEVEL}; otherwise it is not "
        "decidable at this scale. Intervals are those of one claim by itself. What rests on trainings that "
        "went wrong is not tested."
    )
    return Passage("Claims", (note,), [("claim", "verdict", "p", "p (Holm)", "numbers"), *rows])


def _p(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2g}"


# -- the original's table ------------------------------------------------------------------------------


def _numbers(made: Made) -> Passage:
    experiment = made.experiment
    of_one = any(row.dataset for row in experiment.row)
    titles = [""] if of_one else [dataset.title for dataset in experiment.dataset]
    heads = [f"{title} {column.title}".strip() for title in titles for column in experiment.column]
    rows = [(row.title, *_cells(row, made)) for row in experiment.row]
    ours = f"Ours: mean ± standard deviation over seeds. In brackets the paper's: {experiment.source}."
    said = [ours] if any(row.reported for row in experiment.row) else [ours.partition(" In brackets")[0]]
    return Passage("Numbers", (*said, experiment.note, *_absences(made)), [("", *heads), *rows])


def _cells(row: ShownRow, made: Made) -> list[str]:
    texts = []
    seeds = len({outcome.cell.seed for outcome in made.outcomes})
    for dataset in [row.dataset] if row.dataset else [shown.name for shown in made.experiment.dataset]:
        theirs = row.reported.get(dataset, ())
        for place, column in enumerate(made.experiment.column):
            values = made.found.of(row.method, dataset, column.measure)
            reported = f" [{theirs[place]:.2f}]" if place < len(theirs) else ""
            fewer = f" (n={len(values)})" if 0 < len(values) < seeds else ""
            texts.append(_mean(values, _decimals(column, made)) + fewer + reported)
    return texts


def _mean(values: Values, places: int | None) -> str:
    if not values:
        return NOTHING
    mean, std = mean_and_std(list(values.values()))
    return number(mean, places) + ("" if std is None else f" ± {number(std, places)}")


def _decimals(column: ShownColumn, made: Made) -> int | None:
    """The same for all numbers of a measure."""
    return decimals(
        [
            mean_and_std(list(values.values()))[0]
            for (_, _, measure), values in made.found.values.items()
            if measure == column.measure
        ]
    )


def _absences(made: Made) -> list[str]:
    """Why a column or a row is empty, each once."""
    run = {(outcome.cell.method, outcome.cell.dataset) for outcome in made.outcomes}
    datasets, methods = {dataset for _, dataset in run}, {method for method, _ in run}
    columns = [d for d in made.experiment.dataset if d.name not in datasets]
    rows = [row for row in made.experiment.row if row.method not in methods]
    empty = [(d.title, d.absent) for d in columns] + [(row.title, row.absent) for row in rows]
    by_reason: dict[str, list[str]] = {}
    for title, reason in empty:
        by_reason.setdefault(reason or "not run at this scale", []).append(title)
    failed = [f"{method} on {dataset} failed: {why}" for (method, dataset), why in made.found.missing.items()]
    return [f"Empty: {', '.join(titles)}: {reason}." for reason, titles in by_reason.items()] + failed


# -- over training -------------------------------------------------------------------------------------


def _curve(made: Made) -> Passage:
    """Means over seeds at each kept checkpoint."""
    columns: dict[str, dict[int, str]] = {}
    for (method, _), seeds in made.found.curves.items():
        for name in ("wasserstein", "relative", "fd"):
            by_step: dict[int, dict[int, float]] = {}
            for seed, points in seeds.items():
                for point in points:
                    by_step.setdefault(int(point["step"]), {})[seed] = point[name]
            places = decimals([mean_and_std(list(values.values()))[0] for values in by_step.values()])
            columns[f"{method} {name}"] = {step: _mean(values, places) for step, values in by_step.items()}
    steps = sorted({step for column in columns.values() for step in column})
    rows = [(str(step), *(column.get(step, NOTHING) for column in columns.values())) for step in steps]
    said = (
        "wasserstein: sliced W2 between codes of test rows and draws from the prior; relative: the same over "
        "the codes' root mean square spread; fd: Frechet distance of generation.",
    )
    return Passage("Over training", said, [("iteration", *columns), *rows])


# -- what the runs complain of -------------------------------------------------------------------------


def _warnings(made: Made) -> list[Passage]:
    """Signs that a training went wrong: a verdict on such runs says little about the method."""
    counts: dict[tuple[str, str, str], int] = {}
    for outcome in made.outcomes:
        for warning in outcome.results.get("warnings", ()):
            key = (outcome.cell.method, outcome.cell.dataset, kind_of(warning))
            counts[key] = counts.get(key, 0) + 1
    if not counts:
        return []
    rows = [(*key, str(count)) for key, count in counts.items()]
    said = (
        "What aezoo evaluate found wrong with runs. No claim is tested that rests on a training with one of "
        f"these warnings: {', '.join(FLAWS)}."
    )
    return [Passage("Warnings", (said,), [("method", "dataset", "warning", "runs"), *rows])]


# -- how it was made -----------------------------------------------------------------------------------


def _how(made: Made) -> Passage:
    done = [outcome.results for outcome in made.outcomes if not outcome.failure]
    trained = sum(float(one.get(name) or 0) for one in done for name in ("seconds", "fit_seconds"))
    measured = sum(float(one.get("evaluation", {}).get("seconds") or 0) for one in done)
    commits = sorted({str(results.get("versions", {}).get("commit") or "none")[:10] for results in done})
    seeds = sorted({outcome.cell.seed for outcome in made.outcomes})
    settings = made.experiment.grid_at(made.scale).model_dump(exclude_none=True)
    rows = [
        ("command", made.command),
        ("runs", f"{len(done)} finished of {len(made.outcomes)}, seeds {', '.join(map(str, seeds))}"),
        ("commit of the runs", ", ".join(commits) or NOTHING),
        ("device", ", ".join(sorted({str(results.get("device")) for results in done})) or NOTHING),
        ("hardware", made.hardware),
        ("time", f"training {trained / 60:.1f} min, measuring {measured / 60:.1f} min, summed over runs"),
        *((name, _words(value)) for name, value in settings.items() if value and name != "steps"),
        *_steps(made.outcomes),
        *((f"method {v.name}", f"{v.recipe} with {', '.join(v.set)}") for v in made.experiment.variant),
    ]
    said = () if made.experiment.row else (made.experiment.note,)
    return Passage("How it was made", said, [("", ""), *rows])


def _steps(outcomes: Sequence[Outcome]) -> list[tuple[str, str]]:
    """How long each method was trained, and whether its prior was fitted afterwards; equals together."""
    by_steps: dict[str, dict[str, None]] = {}
    for outcome in outcomes:
        fitted = outcome.results.get("fit_seconds") is not None
        steps = f"{outcome.cell.config.train.steps:,}" + (", then its prior is fitted" if fitted else "")
        by_steps.setdefault(steps, {})[outcome.cell.method] = None
    return [(f"steps of {', '.join(methods)}", steps) for steps, methods in by_steps.items()]


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{key} over {_words(inner)}" for key, inner in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def hardware() -> str:
    """The processor, and how many cores this process may use."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {cores()} cores"


# -- written -------------------------------------------------------------------------------------------


def markdown(page: Document) -> str:
    """For a file beside its pictures."""
    title, parts = page
    blocks = [f"# {escape(title)}"]
    for part in parts:
        blocks += [f"## {part.title}", *map(escape, part.sentences)]
        if part.table:
            blocks.append(_markdown_table(part.table))
        blocks += [f"![{escape(seen)}]({file})\n\n{escape(seen)}" for file, seen in part.pictures]
    return "\n\n".join(blocks) + "\n"


def _markdown_table(table: Sequence[Sequence[str]]) -> str:
    head, *rows = table
    lines = [head, ["---" for _ in head], *([escape(clean(cell)) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def text(page: Document) -> str:
    """For the terminal."""
    title, parts = page
    blocks = [title]
    for part in parts:
        blocks += [part.title.upper(), *map(_wrap, part.sentences)]
        if part.table:
            blocks.append(_text_table(part.table))
        blocks += [f"{file}: {seen}" for file, seen in part.pictures]
    return "\n\n".join(blocks) + "\n"


def _text_table(table: Sequence[Sequence[str]]) -> str:
    """Columns where they fit; else a paragraph for each row."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    if sum(widths) + 2 * len(widths) <= WIDTH:
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in table
        )
    return "\n".join(_paragraph(table[0], row) for row in table[1:])


def _paragraph(head: Sequence[str], row: Sequence[str]) -> str:
    named = [f"{name} {cell}".strip() for name, cell in zip(head[1:], row[1:], strict=True)]
    return _wrap(f"{row[0]}: {'; '.join(named)}", "  ")


def _wrap(sentence: str, indent: str = "") -> str:
    return textwrap.fill(sentence, WIDTH, subsequent_indent=indent, break_on_hyphens=False)
