"""A made-up experiment with made-up runs; run as a program, this writes the golden files anew."""

from pathlib import Path

from aezoo.reproduction.evidence import evidence_of, verdicts_on
from aezoo.reproduction.experiment import Experiment
from aezoo.reproduction.page import Made, markdown, page_of, text
from tests.tables.cases import FD, facts, outcome

GOLDEN = Path(__file__).parent / "golden"

EXPERIMENT = {
    "title": "A paper, table 1: two methods",
    "paper": "Somebody: Something (2021)",
    "url": "https://example.org",
    "shows": "FID of two methods.",
    "note": "Values do not compare.",
    "source": "the paper's table 1",
    "grid": {"recipes": ["vae", "rae-gmm"], "datasets": ["digits"], "steps": 100},
    "column": [
        {"title": "Rec", "measure": "reconstruction/fd"},
        {"title": "Gen", "measure": "generation/fd"},
    ],
    "dataset": [
        {"name": "digits", "title": "Digits"},
        {"name": "faces", "title": "Faces", "absent": "the images are not freely at hand"},
    ],
    "row": [
        {"title": "VAE", "method": "vae", "reported": {"digits": [8.5, 9.25], "faces": [30, 40]}},
        {"title": "RAE", "method": "rae-gmm", "reported": {"digits": [4, 5.5]}},
        {"title": "Other | one", "absent": "no recipe of ours yet", "reported": {"digits": [1.25, 2]}},
    ],
    "claim": [
        {"text": "RAE is better", "kind": "below", "dataset": "digits", "a": "rae-gmm", "b": "vae"}
        | {"measure": "generation/fd"},
        {"text": "RAE has the larger gap", "kind": "gap", "dataset": "digits", "a": "vae", "b": "rae-gmm"},
        {"text": "RAE is better on faces", "kind": "below", "dataset": "faces", "a": "rae-gmm", "b": "vae"}
        | {"measure": "generation/fd"},
    ],
}
SCORES = {"vae": [9.0, 9.5, 10.0], "rae-gmm": [4.0, 5.2, 4.1]}


def made() -> Made:
    """Three seeds of two methods."""
    experiment = Experiment.model_validate(EXPERIMENT)
    outcomes = [
        outcome(
            name,
            seed,
            {f"reconstruction/{FD}": score / 2, f"generation/{FD}": score},
            facts=facts(60.0)
            | {"device": "cpu", "warnings": ["generation is far above reconstruction: 9 against 1"]},
        )
        for name, scores in SCORES.items()
        for seed, score in enumerate(scores)
    ]
    found = evidence_of(outcomes)
    verdicts = verdicts_on(experiment.claim, found)
    shown = (("item-samples.png", "64 random samples"),)
    return Made(
        experiment, "small", "aezoo reproduce item", outcomes, found, verdicts, shown, hardware="one core"
    )


WRITERS = {"md": markdown, "txt": text}

if __name__ == "__main__":
    for ending, write in WRITERS.items():
        (GOLDEN / f"page.{ending}").write_text(write(page_of(made())), encoding="utf-8")
