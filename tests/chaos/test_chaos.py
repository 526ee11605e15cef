"""A sample of what `python tests/chaos` does at length: see docs/reliability.md."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from aezoo.errors import RunFileError
from tests.chaos.bench import attempt
from tests.chaos.judge import difference, refused, remains
from tests.chaos.mutations import as_json, as_toml, damaged, reshaped

TOOL = Path(__file__).parent


def tried(kind: str, count: int, out: Path, seed: int = 0) -> dict:
    """The counts of a campaign, in a process of its own: it forks."""
    words = [kind, "--count", str(count), "--seed", str(seed), "--out", str(out)]
    done = subprocess.run([sys.executable, str(TOOL), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.read_text())


def test_a_sample_of_kills_faults_and_damaged_files_loses_nothing(tmp_path):
    out = tmp_path / "chaos.json"
    found = tried("all", 5, out)
    assert {kind: one["done"] for kind, one in found.items()} == {
        "kills": 5,
        "faults": 5,
        "pairs": 1,
        "fuzz": 500,
    }
    assert all(one["findings"] == [] for one in found.values())


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "count"), [("kills", 28), ("faults", 28), ("pairs", 16), ("fuzz", 1500)])
def test_a_larger_sample_loses_nothing(tmp_path, kind, count):
    found = tried(kind, count, tmp_path / "chaos.json", seed=1)
    assert found[kind]["done"] == count and found[kind]["findings"] == []


# --- the judge itself


def test_a_file_that_differs_is_missing_or_too_many_is_named(tmp_path):
    for name, text in {"same": "1", "other": "1", "gone": "1"}.items():
        (tmp_path / name).write_text(text)
    before = remains(tmp_path)
    assert difference(before, before) == ""
    (tmp_path / "gone").unlink()
    (tmp_path / "other").write_text("2")
    (tmp_path / "new").write_text("3")
    assert difference(remains(tmp_path), before) == "differ: other; missing: gone; too many: new"


def test_times_alone_make_no_difference(tmp_path):
    for seconds in (1.0, 2.0):
        folder = tmp_path / str(seconds)
        folder.mkdir()
        (folder / "results.json").write_text(json.dumps({"seconds": seconds, "results": [{"value": 3}]}))
    first, second = remains(tmp_path / "1.0"), remains(tmp_path / "2.0")
    assert difference(first, second) == ""
    (tmp_path / "2.0" / "results.json").write_text(json.dumps({"results": [{"value": 4}]}))
    assert difference(first, remains(tmp_path / "2.0")) == "differ: results.json"


def test_a_traceback_and_a_signal_are_no_refusals():
    assert refused(2, "no prior is called so")
    assert not refused(1, "Traceback (most recent call last):") and not refused(-9, "") and not refused(0, "")


def test_an_error_of_ours_is_a_refusal_and_a_bug_stays_one():
    def fail(err):
        raise err

    assert attempt(lambda: fail(RunFileError("damaged")))[0] == "refused"
    assert attempt(lambda: print("warning: damaged", file=sys.stderr))[0] == "warned"
    with pytest.raises(KeyError):
        attempt(lambda: fail(KeyError("step")))


def test_mutants_follow_from_their_seed_and_differ():
    table = {"train": {"steps": 3, "seed": 0}, "reported": [{"rec": 1.0}]}
    made = [as_json(reshaped(table, random.Random(seed))) for seed in range(50)]
    assert made == [as_json(reshaped(table, random.Random(seed))) for seed in range(50)]
    assert len(set(made)) > 40 and table["train"] == {"steps": 3, "seed": 0}
    rotten = {damaged(as_toml(table), random.Random(seed)) for seed in range(50)}
    assert len(rotten) > 40


def test_of_checkpoints_only_the_newest_of_a_stage_is_compared(tmp_path):
    for name in ("step-000000002", "step-000000004", "fit-000000001", ".step-000000003"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.json").write_text("{}")
    assert set(remains(tmp_path)) == {"step-000000004/state.json", "fit-000000001/state.json"}
