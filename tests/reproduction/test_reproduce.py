"""From a file to a page: golden renderings, and a whole made-up item in seconds."""

import json
import shutil

import pytest
from typer.testing import CliRunner

from aezoo.cli.main import build
from aezoo.errors import MissingError
from aezoo.evaluation.names import FAR, FLAWS, MISSES, WORSE_GENERATION
from aezoo.reproduction.evidence import evidence_of, verdicts_on
from aezoo.reproduction.experiment import Below
from aezoo.reproduction.page import as_json, markdown, page_of
from tests.reproduction.cases import GOLDEN, WRITERS, made
from tests.tables.cases import FD, outcome

ITEM = """
title = "A made-up figure"
paper = "Somebody"
url = "https://example.org"
shows = "nothing"
note = "tiny"
curve = true
pictures = ["curve", "latent", "rows"]

[grid]
recipes = ["vae"]
datasets = ["synthetic-2d"]
seeds = 2
steps = 4
set = ["train.batch_size=16", "checkpoint.every=2", "checkpoint.keep=2"]
metrics = ["fd", "codes"]
extractors = ["identity"]
n = 50

[[variant]]
name = "vae-oracle"
recipe = "vae"
set = ["prior.name=mixture", "prior.preset=oracle"]

[[dataset]]
name = "synthetic-2d"
title = "plane"

[[column]]
title = "FD"
measure = "generation/fd"

[[row]]
title = "VAE"
method = "vae"

[[row]]
title = "VAE, mixture"
method = "vae-oracle"

[[claim]]
text = "a mixture is nearer"
kind = "below"
dataset = "synthetic-2d"
a = "vae-oracle"
b = "vae"
measure = "last/wasserstein"
"""


@pytest.mark.parametrize("ending", WRITERS)
def test_a_page_looks_as_it_did(ending):
    assert WRITERS[ending](page_of(made())) == (GOLDEN / f"page.{ending}").read_text(encoding="utf-8")


def test_verdicts_of_the_made_up_page():
    claims = json.loads(as_json(made()))["claims"]
    assert [claim["verdict"] for claim in claims] == ["supported", "not decidable", "not decidable"]
    assert "not shown to be of equal quality" in claims[1]["why"]
    assert claims[2]["why"] == "faces was not run"


def invoke(*words: str):
    return CliRunner().invoke(build(), ["reproduce", *words], catch_exceptions=False)


@pytest.fixture(scope="module")
def item(tmp_path_factory):
    """A finished item: its file, its runs, and its page."""
    home = tmp_path_factory.mktemp("item")
    (home / "item.toml").write_text(ITEM)
    done = invoke(
        *(str(home / "item.toml"), "--runs", str(home / "runs"), "--jobs", "2", "--quiet"),
        *("--out", str(home / "page.md")),
    )
    assert done.exit_code == 0, done.output
    return home


def test_an_item_is_trained_measured_drawn_and_judged(item):
    page = (item / "page.md").read_text()
    assert "| VAE |" in page and "a mixture is nearer" in page and "4 finished of 4" in page
    for name in ("curve", "latent", "rows"):
        assert f"](page-{name}.png)" in page and (item / f"page-{name}.png").stat().st_size > 1000
    curves = [json.loads(file.read_text()) for file in item.glob("runs/*/curve.json")]
    assert len(curves) == 4
    assert [point["step"] for point in curves[0]["points"]] == [2, 4]


def test_started_again_it_trains_nothing_and_gives_the_same_page(item):
    before = {file: file.stat().st_mtime_ns for file in item.glob("runs/*/*")}
    page = (item / "page.md").read_text()
    invoke(
        *(str(item / "item.toml"), "--runs", str(item / "runs"), "--quiet", "--out", str(item / "page.md"))
    )
    assert {file: file.stat().st_mtime_ns for file in item.glob("runs/*/*")} == before
    assert (item / "page.md").read_text() == page


KEPT = ("config.toml", "results.json", "metrics.jsonl", "curve.json")


@pytest.fixture
def kept(item, tmp_path):
    """The item's page and pictures, and of its runs the few small files that are kept beside a page."""
    for file in [item / "item.toml", item / "page.md", *item.glob("page-*.png")]:
        shutil.copy(file, tmp_path)
    for file in item.glob("runs/*/*"):
        if file.name in KEPT:
            folder = tmp_path / "runs" / file.parent.name
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder)
    return tmp_path


def test_a_page_is_made_again_of_numbers_alone(kept, item):
    """Neither model nor checkpoint: nothing is trained or measured, and pictures that are there stay."""
    before = {file: file.stat().st_mtime_ns for file in kept.glob("runs/*/*")}
    words = (str(kept / "item.toml"), "--runs", str(kept / "runs"), "--quiet", "--out", str(kept / "page.md"))
    assert invoke(*words).exit_code == 0
    assert {file: file.stat().st_mtime_ns for file in kept.glob("runs/*/*")} == before and len(before) == 16
    assert (kept / "page.md").read_text() == (item / "page.md").read_text()


def test_of_numbers_alone_no_picture_of_a_model_is_drawn(kept):
    for file in kept.glob("page*"):
        file.unlink()
    words = (str(kept / "item.toml"), "--runs", str(kept / "runs"), "--quiet", "--out", str(kept / "page.md"))
    assert invoke(*words).exit_code == 0
    page = (kept / "page.md").read_text()
    assert "page-curve.png" in page and "page-latent.png" not in page


def test_kept_numbers_are_compared_like_runs(kept):
    runs = sorted(map(str, (kept / "runs").glob("*synthetic*")))
    asked = ("--metrics", "fd,codes", "--extractor", "identity", "-n", "50", "--format", "csv")
    words = ["compare", *runs, *asked, "--runs", str(kept / "other")]
    done = CliRunner().invoke(build(), words, catch_exceptions=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("method,")]
    assert done.exit_code == 0 and sum("generation,fd[identity]" in line for line in lines) == 2


def test_the_terminal_shows_the_verdicts(item):
    shown = invoke(str(item / "item.toml"), "--runs", str(item / "runs"), "--quiet").stdout
    assert "CLAIMS" in shown and "a mixture is nearer" in shown


ABSENT = """
title = "A figure of data that are not here"
paper = "Somebody"
url = "https://example.org"
shows = "nothing"
note = "tiny"
grid = { recipes = ["vae"], datasets = ["mnist", "digits"], seeds = 1, steps = 2, metrics = ["fd"], n = 20 }
dataset = [{ name = "mnist", title = "MNIST" }, { name = "digits", title = "Digits" }]
column = [{ title = "FD", measure = "generation/fd" }]
row = [{ title = "VAE", method = "vae" }]
claim = [{ text = "t", kind = "below", dataset = "mnist", a = "vae", b = "vae", measure = "generation/fd" }]
"""


def test_data_that_are_missing_are_a_reason_on_the_page_and_an_exit_code(tmp_path, monkeypatch):
    monkeypatch.setenv("AEZOO_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    (tmp_path / "item.toml").write_text(ABSENT)
    page = tmp_path / "new" / "page.md"
    words = (str(tmp_path / "item.toml"), "--runs", str(tmp_path / "runs"), "--quiet", "--out", str(page))
    assert invoke(*words).exit_code == 1
    assert "vae on mnist failed:" in page.read_text() and "not decidable" in page.read_text()
    assert "1 finished of 2" in page.read_text()


def test_nothing_is_run_where_no_data_are_here(tmp_path, monkeypatch):
    monkeypatch.setenv("AEZOO_DATA", str(tmp_path / "nothing"))
    (tmp_path / "item.toml").write_text(ABSENT.replace(', "digits"]', "]"))
    with pytest.raises(MissingError, match="mnist is not on this machine"):
        invoke(str(tmp_path / "item.toml"), "--runs", str(tmp_path / "runs"), "--quiet")
    assert not (tmp_path / "runs").exists()


def judged(warnings=(), failed=()):
    """Of a mixture that is surely better: what a page says where some of its trainings went wrong."""
    outcomes = [
        outcome(name, seed, {f"generation/{FD}": score + 0.01 * seed}, facts={"warnings": list(said)})
        for name, score, said in (("vae", 9.0, ()), ("rae-gmm", 4.0, warnings))
        for seed in range(3)
    ]
    outcomes += [outcome("rae-gmm", seed, {}, failure="exit code 4: the loss is nan") for seed in failed]
    claim = Below(text="t", kind="below", dataset="digits", a="vae", b="rae-gmm", measure="generation/fd")
    (verdict,) = verdicts_on([claim], evidence_of(outcomes))
    return verdict


def test_a_training_that_went_wrong_contradicts_nothing():
    """Sound runs contradict; the same numbers of runs that never came to their prior decide nothing."""
    assert judged().decision == "contradicted"
    wrong = judged(warnings=[f"{MISSES}: they are 1.5 apart"])
    assert wrong.decision == "not decidable" and wrong.p is None
    assert "rae-gmm seed 0, 1, 2: the prior misses the codes" in wrong.why and "difference" in wrong.why


@pytest.mark.parametrize("head", FLAWS)
def test_each_sign_of_a_training_gone_wrong_withholds_the_verdict(head):
    assert judged(warnings=[f"{head}: so much"]).decision == "not decidable"


@pytest.mark.parametrize("head", [FAR, WORSE_GENERATION])
def test_a_bad_result_is_no_training_gone_wrong(head):
    assert judged(warnings=[f"{head}: so much"]).decision == "contradicted"


def test_seeds_that_survived_decide_nothing():
    verdict = judged(failed=[3])
    assert verdict.decision == "not decidable" and "rae-gmm seed 3: failed" in verdict.why


def test_a_page_says_how_many_claims_were_corrected_together():
    page = markdown(page_of(made()))
    assert "adjusted after Holm for the 2 claims" in page and "| p | p (Holm) |" in page
    claims = json.loads(as_json(made()))["claims"]
    assert [claim["p"] is None for claim in claims] == [False, False, True]
    assert claims[0]["p_adjusted"] == pytest.approx(2 * claims[0]["p"])


def test_curves_become_measures_of_their_mean_and_their_end():
    points = [{"step": 1, "fd": 4.0}, {"step": 2, "fd": 2.0}]
    found = evidence_of([], {("vae", "digits"): {0: points}})
    assert found.of("vae", "digits", "curve/fd") == {0: 3.0}
    assert found.of("vae", "digits", "last/fd") == {0: 2.0}
