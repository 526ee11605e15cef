"""Made-up comparisons, and what each looks like in every format.

After a change of a format, `python tests/tables/cases.py` writes the golden files anew;
the diff then says what the change does.
"""

from pathlib import Path

from aezoo.config.run import RecipeConfig, RunConfig
from aezoo.tables.cell import Cell, Outcome
from aezoo.tables.render import RENDERERS
from aezoo.tables.table import Table, build

GOLDEN = Path(__file__).parent / "golden"
ENDINGS = {"table": "txt", "markdown": "md", "latex": "tex", "csv": "csv", "json": "json", "html": "html"}

FD = "fd[classifier-digits]"
HIGHER = ("precision", "recall", "coverage")
PARTS = ("backbone", "encoder", "decoder", "prior", "divergence", "reconstruction", "dataset")
PROTOCOL = {
    "dataset": "digits",
    "n_real": 360,
    "n_fake": 360,
    "split": "test",
    "extractor": "classifier-digits",
    "layer": "penultimate",
    "resize": "none",
    "weights_sha256": "ab12cd34",
    "rounding": "8 bits",
    "stretched": False,
    "checkpoint": "last",
    "weights": "last",
    "seed": 0,
    "engine": "aezoo",
    "settings": {},
}
PLAIN = {"extractor": "", "layer": "", "weights_sha256": "", "rounding": "none"}


def result(key: str, value: float | None, **protocol) -> dict:
    """A row of results.json; `key` such as `generation/fd[classifier-digits]`."""
    of, _, metric = key.partition("/")
    why = {"why": protocol.pop("why")} if "why" in protocol else {}
    better = protocol.pop("better", "higher" if metric.partition("[")[0] in HIGHER else "lower")
    plain = {} if "[" in metric else PLAIN
    row = {"metric": metric, "of": of, "value": value, "better": better}
    return {**row, **why, **PROTOCOL, **plain, **protocol}


def config(method: str, reported=()) -> RunConfig:
    recipe = RecipeConfig(name=method, reported=reported)
    return RunConfig(recipe=recipe, **{part: {"name": "made-up"} for part in PARTS})


def outcome(
    method: str, seed: int, values: dict, dataset="digits", reported=(), failure="", facts=None, **protocol
) -> Outcome:
    """A run with these results: key -> value, or a whole row of results.json."""
    cell = Cell(method, dataset, seed, config(method, reported), Path(f"runs/{method}-{dataset}-s{seed}"))
    if failure:
        return Outcome(cell, failure=failure)
    protocol = {"dataset": dataset, **protocol}
    rows = [
        value if isinstance(value, dict) else result(key, value, **protocol) for key, value in values.items()
    ]
    return Outcome(cell, {"run": "r", "results": rows, **(facts or {})})


def facts(seconds: float, weights: int = 12_345, **more) -> dict:
    parameters = {"encoder": weights, "decoder": 2 * weights}
    return {"seconds": seconds, "images_per_s": 64_000 / seconds, "parameters": parameters, **more}


REFERENCES = {f"floor/{FD}": 0.31, "mean/sse": 31.5, f"mean/{FD}": 88.0, f"gaussian/{FD}": 21.25}
UAI = {"table": "UAI Table 1", "dataset": "digits", "metric": "fid"}
EARLIER = {"table": "earlier version, Table 1", "dataset": "digits", "metric": "fid"}


# -- the comparisons -----------------------------------------------------------------------------------


def ties() -> Table:
    """Three seeds: distances of flexae-sr and rae-gmm lie too close to tell apart, precisions do not."""
    scores = {
        "vae": ([10.0, 11.0, 12.0], [9.0, 9.5, 10.0], [0.5, 0.52, 0.51]),
        "rae-gmm": ([6.0, 7.0, 8.0], [4.0, 5.2, 4.1], [0.8, 0.82, 0.81]),
        "flexae-sr": ([6.5, 7.5, 8.5], [4.2, 4.5, 4.3], [0.7, 0.7, 0.7]),
    }
    papers = {"vae": [dict(UAI, rec=52.14, gen=56.07), dict(EARLIER, rec=65.1, gen=57.04)]}
    papers["flexae-sr"] = [dict(UAI, rec=7.63, gen=6.75)]
    return build(
        [
            outcome(
                name,
                seed,
                {
                    "reconstruction/sse": sse[seed],
                    f"reconstruction/{FD}": fd[seed] / 2,
                    f"generation/{FD}": fd[seed],
                    "generation/precision[classifier-digits]": precision[seed],
                    **REFERENCES,
                },
                reported=papers.get(name, ()),
                facts=facts(60.0 + seed, 12_345 + len(name)),
            )
            for name, (sse, fd, precision) in scores.items()
            for seed in range(3)
        ]
    )


def rough() -> Table:
    """One seed each, and all that can go wrong: failures, gaps, mixed protocols, names that would be code."""
    key = f"generation/{FD}"
    nothing = result("generation/recall[classifier-digits]", None, why="5 neighbours of 2 | 3 rows")
    log = "exit code 4: the loss is no finite number\n  \x1b[31mstep 17\x1b[0m <b>|</b> 100 % & $x_1$"
    return build(
        [
            outcome("<script>alert(1)</script>", 0, {"reconstruction/sse": 3.5, key: 4.5, **REFERENCES}),
            outcome("a|b", 0, {"reconstruction/sse": 3.5, key: 5.5}, n_fake=100),
            outcome(r"50%_& \$^~{}[x]*#", 0, {"reconstruction/sse": float("nan"), key: 0.5, "": nothing}),
            outcome("only-elsewhere", 0, {"reconstruction/sse": 1e-9}, dataset="folder:a_b|c"),
            outcome("died", 0, {}, failure=log),
            outcome("half", 0, {}, failure="exit code 137: killed"),
            outcome("half", 1, {key: 7.25}, facts=facts(3.25, peak_memory_mb=812.4)),
            outcome("Größe 数", 0, {"reconstruction/sse": 4.0, key: 7.25}),
        ],
        allow_mixed=True,
    )


def six_seeds() -> Table:
    """Two datasets, six seeds: tests, and mean ranks."""
    shifts = [0.1, -0.2, 0.15, -0.05, 0.3, -0.1]
    levels = {"vae": (9.0, 30.0), "rae-gmm": (5.0, 20.0), "wae-wgan": (5.02, 22.0), "flexae-sr": (4.0, 24.0)}
    return build(
        [
            outcome(
                name,
                seed,
                {f"generation/{FD}": level + shift * (1 + place), "floor/" + FD: 0.25},
                dataset=dataset,
                facts=facts(100.0),
            )
            for place, (name, pair) in enumerate(levels.items())
            for dataset, level in zip(("digits", "fashion-mnist"), pair, strict=True)
            for seed, shift in enumerate(shifts)
        ]
        + [outcome("ae-gmm", 0, {f"generation/{FD}": 6.0})],
        columns=["fd"],
    )


CASES = {"ties": ties, "rough": rough, "six-seeds": six_seeds}


def golden(case: str, form: str) -> Path:
    return GOLDEN / f"{case}.{ENDINGS[form]}"


def rendered(case: str, form: str) -> bytes:
    return RENDERERS[form](CASES[case]()).encode()


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for case in CASES:
        for form in RENDERERS:
            golden(case, form).write_bytes(rendered(case, form))
