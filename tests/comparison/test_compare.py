"""A grid worked off: what is trained, what is left alone, what happens to those that die."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import aezoo
from aezoo.comparison import estimate
from aezoo.comparison.compare import plan, run_grid
from aezoo.comparison.executors import Local
from aezoo.comparison.grid import Request, grid_of
from aezoo.comparison.presence import absent
from aezoo.errors import InterruptedRun, MissingError
from aezoo.registry import registry
from aezoo.tables.table import build
from aezoo.verbs.train import TrainRequest, train
from tests.images import write_idx
from tests.tiny import SETS
from tests.working import Here

WORDS = [word for text in SETS for word in ("--set", text)]
ELSE = ("seconds", "images_per_s", "peak_memory_mb")  # what may differ between two trainings of one cell


@pytest.fixture(autouse=True)
def _own_registry():
    """Plugins that cells load in this process are gone with the test."""
    with registry.isolate():
        yield


def grid(tmp_path, *methods, **options):
    asked = {"seeds": 2, "steps": 3, "sets": SETS, "metrics": ["reconstruction", "fd"], "n": 50, **options}
    return grid_of(Request(methods=methods, home=tmp_path / "runs", **asked))


def numbers(outcomes):
    table = build(outcomes, allow_mixed=False)
    return {
        (row.label, *key): (entry.mean, entry.std, entry.n)
        for row in table.rows
        for key, entry in row.entries.items()
    }


def test_every_cell_is_trained_and_measured_alike(tmp_path):
    outcomes = run_grid(grid(tmp_path, "vae", "ae-gmm"), Here())
    assert [outcome.failure for outcome in outcomes] == [""] * 4
    rows = [row for outcome in outcomes for row in outcome.results["results"]]
    assert {row["n_real"] for row in rows if row["metric"].startswith(("fd", "sse"))} == {50}
    found = numbers(outcomes)
    key = ("digits", "generation/fd[classifier-digits]")
    assert found["vae", *key][2] == found["ae-gmm", *key][2] == 2 and found["vae", *key][1] > 0


def test_a_finished_cell_is_never_trained_twice_and_a_new_seed_only_adds(tmp_path):
    run_grid(grid(tmp_path, "vae"), Here())
    again = Here()
    first = grid(tmp_path, "vae").cells[0].path / "model.safetensors"
    before = first.stat().st_mtime_ns
    run_grid(grid(tmp_path, "vae"), again)
    assert again.tasks == [] and first.stat().st_mtime_ns == before
    more = Here()
    run_grid(grid(tmp_path, "vae", seeds=3), more)
    assert [Path(task.path).name.rpartition("-s")[2][0] for task in more.tasks] == ["2"]


def test_asking_for_other_measures_trains_nothing_anew(tmp_path):
    run_grid(grid(tmp_path, "vae", seeds=1), Here())
    other = grid(tmp_path, "vae", seeds=1, n=40)
    assert [one.state for one in plan(other)] == ["measure"]
    model = other.cells[0].path / "model.safetensors"
    before = model.read_bytes()
    (outcome,) = run_grid(other, Here())
    assert model.read_bytes() == before
    assert {row["n_real"] for row in outcome.results["results"] if "fd" in row["metric"]} == {40}


def test_numbers_of_an_earlier_protocol_neither_show_nor_stop_the_comparison(tmp_path):
    (mine,) = run_grid(grid(tmp_path, "vae", seeds=1, extractors=["random-conv"], n=40), Here())
    outcomes = run_grid(grid(tmp_path, "vae", "ae-gmm", seeds=1, extractors=["pixels"]), Here())
    assert len(mine.results["results"]) < len(outcomes[0].results["results"])
    assert {column.extractor for column in build(outcomes).columns} == {"", "pixels"}
    assert {column.extractor for column in build(outcomes, ["fd[random-conv]"]).columns} == {"random-conv"}


def test_a_run_measured_at_another_checkpoint_is_measured_again(tmp_path):
    mine = grid(tmp_path, "vae", seeds=1, n=40)
    run_grid(mine, Here())
    aezoo.evaluate(
        mine.cells[0].path, metrics=["reconstruction", "fd"], n=40, checkpoint="min-over-checkpoints"
    )
    assert [one.state for one in plan(mine)] == ["measure"]


def test_an_unfinished_cell_goes_on_to_the_same_bits(tmp_path):
    whole = grid(tmp_path / "whole", "vae", seeds=1, steps=6, sets=(*SETS, "checkpoint.every=2"))
    run_grid(whole, Here())
    cut = grid(tmp_path / "cut", "vae", seeds=1, steps=6, sets=(*SETS, "checkpoint.every=2"))
    path = cut.cells[0].path
    train(TrainRequest(config=cut.cells[0].config, out=path))
    for file in ("results.json", "model.safetensors"):
        (path / file).unlink()
    (path / "checkpoints" / "step-000000006" / "state.json").unlink()  # as if killed while it was written
    assert [one.state for one in plan(cut)] == ["resume"]
    run_grid(cut, Here())
    assert (path / "model.safetensors").read_bytes() == (
        whole.cells[0].path / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt(), InterruptedRun("stopped", exit_code=130)])
def test_a_cell_that_was_stopped_in_its_short_evaluation_is_finished_first(
    tmp_path, monkeypatch, interruption
):
    """Else what the comparison does not ask for would be missing in its results, without a word."""

    def stopped(*_):
        raise interruption

    whole = grid(tmp_path / "whole", "vae", seeds=1, metrics=["reconstruction"])
    broken = grid(tmp_path / "broken", "vae", seeds=1, metrics=["reconstruction"])
    with monkeypatch.context() as patch:
        patch.setattr("aezoo.verbs.finish.quick_evaluation", stopped)
        with pytest.raises(type(interruption)):
            run_grid(broken, Here())
    wanted, found = (run_grid(one, Here())[0].results["results"] for one in (whole, broken))
    named = [{(row["metric"], row["of"]): row["value"] for row in rows} for rows in (wanted, found)]
    assert named[0] == named[1] and len(found) > 2 and (broken.cells[0].path / "report.html").is_file()


def test_processes_give_the_table_that_this_process_gives(tmp_path):
    here = run_grid(grid(tmp_path / "here", "vae"), Here(), jobs=os.cpu_count())
    apart = run_grid(grid(tmp_path / "apart", "vae"), Local(2, tmp_path / "logs"), jobs=os.cpu_count())
    assert numbers(apart) == numbers(here)


@pytest.fixture
def dying(tmp_path):
    """A recipe whose divergence kills its process at the second step."""
    (tmp_path / "mortal.py").write_text(
        "import os\n"
        "from aezoo import ComponentInfo, hookimpl\n"
        "from aezoo.api import Regularizer\n"
        "class Mortal(Regularizer):\n"
        "    def terms(self, step):\n"
        "        print('about to die', flush=True)\n"
        "        os.kill(os.getpid(), 9) if step.number else None\n"
        "        return {}\n"
        "@hookimpl\n"
        "def aezoo_components():\n"
        "    return [ComponentInfo(kind='regularizer', name='mortal', target='mortal:Mortal')]\n"
    )
    recipe = tmp_path / "dying.toml"
    recipe.write_text('plugins = ["mortal.py"]\nbase = "vae"\n[regularizer.mortal]\n')
    return recipe


def test_a_cell_that_dies_is_a_row_with_its_reason_and_the_others_go_on(tmp_path, dying):
    outcomes = run_grid(grid(tmp_path, str(dying), "vae", seeds=1), Local(1, tmp_path / "logs"))
    died, lived = outcomes
    assert "SIGKILL" in died.failure and "about to die" in died.failure and died.results == {}
    assert lived.failure == "" and lived.results["results"]
    table = build(outcomes, allow_mixed=False)
    assert any("SIGKILL" in note for note in table.notes)


def test_a_failure_quotes_its_own_attempt_and_not_earlier_ones(tmp_path, dying):
    first, second = (
        run_grid(grid(tmp_path, str(dying), seeds=1), Local(1, tmp_path / "logs"))[0] for _ in range(2)
    )
    assert first.failure == second.failure and "about to die" in first.failure


@pytest.mark.parametrize("content", ['{"a": ', "[]"])
def test_damaged_results_are_a_row_with_their_reason_and_the_others_go_on(tmp_path, content):
    damaged, whole = run_grid(grid(tmp_path, "vae"), Here())
    (damaged.cell.path / "results.json").write_text(content)
    found = run_grid(grid(tmp_path, "vae"), Local(1, tmp_path / "logs"))
    assert "results.json is damaged" in found[0].failure and found[1].results == whole.results
    assert (damaged.cell.path / "results.json").read_text() == content


def test_the_bar_is_closed_also_when_the_comparison_is_stopped(tmp_path):
    told = []

    class Bar:
        def start(self, stage, steps, completed):
            told.append("opened")

        def advance(self, completed):
            pass

        def finish(self):
            told.append("closed")

    class Stopping:
        def run(self, tasks):
            yield None
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_grid(grid(tmp_path, "vae"), Stopping(), Bar())
    assert told == ["opened", "closed"]


def command(tmp_path, *more):
    words = ("compare", "vae", "ae-gmm", "--seeds", "2", "--steps", "40", "--metrics", "reconstruction,fd")
    small = (*WORDS, "--set", "checkpoint.every=5")
    return [sys.executable, "-m", "aezoo", *words, *small, "--runs", str(tmp_path / "runs"), "--quiet", *more]


def _of(pid):
    """Processes whose parent was this one's child; they have taken names of their own."""
    asked = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    return [line for line in asked.splitlines() if "aezoo.comparison.work" in line and str(pid) in line]


@pytest.mark.skipif(os.name != "posix", reason="signals as on Linux and macOS")
def test_ctrl_c_ends_the_children_and_finished_cells_stay(tmp_path):
    process = subprocess.Popen(
        command(tmp_path, "--jobs", "1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 120
    while not list((tmp_path / "runs").glob("*/results.json")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=90)
    assert process.returncode == 130 and b"the same command again" in err
    assert _of(tmp_path) == []
    assert len(list((tmp_path / "runs").glob("*/model.safetensors"))) >= 1


@pytest.mark.slow  # three starts of a comparison, and a whole one beside it
@pytest.mark.skipif(os.name != "posix", reason="SIGKILL as on Linux and macOS")
@pytest.mark.parametrize("seed", [0])
def test_killing_the_comparison_at_random_moments_changes_nothing_in_the_table(tmp_path, seed):
    dice = random.Random(seed)

    def run(home, kill):
        process = subprocess.Popen(
            command(home, "--format", "json"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        if kill:
            time.sleep(dice.uniform(2, 14))
            process.kill()
        out, err = process.communicate()
        return out if not kill else err

    for _ in range(3):
        run(tmp_path / "killed", True)
    killed, whole = json.loads(run(tmp_path / "killed", False)), json.loads(run(tmp_path / "whole", False))
    for row in (*killed["rows"], *whole["rows"]):
        for name in ELSE:
            row.pop(name, None)
    assert killed == whole


def _models(home):
    return {path.parent.name: path.read_bytes() for path in (home / "runs").glob("*/model.safetensors")}


@pytest.mark.slow  # starts a Ray cluster of this machine's own, twice
def test_a_ray_cluster_gives_the_bits_of_local_also_when_a_worker_is_killed(tmp_path):
    pytest.importorskip("ray", reason="the extra aezoo[ray] is not installed")
    long = ("--jobs", "2", "--set", "train.steps=120")
    done = subprocess.run(command(tmp_path / "local", *long), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ray = [*command(tmp_path / "ray", *long), "--executor", "ray"]
    process = subprocess.Popen(ray, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    victim = None
    while victim is None and process.poll() is None:  # a worker in the middle of a training
        time.sleep(0.2)
        begun = list((tmp_path / "ray" / "runs").glob("*/checkpoints/step-*"))
        asked = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
        workers = [line.split()[0] for line in asked.splitlines() if "ray::_in_worker" in line]
        if begun and workers:
            victim = int(workers[0])
            os.kill(victim, signal.SIGKILL)
    _, err = process.communicate()
    assert victim is not None and process.returncode == 0, err
    assert _models(tmp_path / "ray") == _models(tmp_path / "local") and len(_models(tmp_path / "local")) == 4


def test_an_executor_that_is_not_installed_is_exit_3_with_the_remedy(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    code, _, err = run("compare", "vae", "--steps", "2", *WORDS, "--executor", "ray", "--quiet")
    assert code == 3 and "aezoo[ray]" in err


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        ((), 2, "nothing to compare"),
        (("vae", "vae"), 2, "named twice"),
        (("vaee",), 2, "did you mean 'vae'"),
        (("vae", "--dataset", "digit"), 2, "digit"),
        (("vae", "--metrics", "fdd"), 2, "fdd"),
        (("vae", "--out", "file/table.md"), 1, "file/table.md"),
        (("vae", "--out", "."), 1, "cannot be written"),
        (("vae", "--seeds", "0"), 2, "--seeds"),
        (("vae", "ae-gmm", "--dataset", "mnist"), 3, "--download"),
        (("vae", "-n", "1000"), 2, "at most 360"),
    ],
)
def test_a_mistake_is_told_before_anything_is_trained(run, tmp_path, monkeypatch, arguments, code, named):
    monkeypatch.setenv("AEZOO_DATA", str(tmp_path / "no-data"))
    Path("file").touch()
    found, _, err = run("compare", *arguments, "--quiet")
    assert found == code and named in err
    assert not list(tmp_path.glob("runs/*/config.toml"))


def test_a_dry_run_trains_nothing_and_says_how_long_it_takes(run, tmp_path):
    code, out, _ = run("compare", "vae", "--seeds", 2, "--steps", 50, *WORDS, "--dry-run", "--format", "json")
    document = json.loads(out)
    assert code == 0 and [cell["state"] for cell in document["cells"]] == ["train", "train"]
    assert document["cells"][0]["seconds"] >= 0 and not (tmp_path / "runs").exists()


def test_a_comparison_that_was_stopped_goes_on_under_another_log_every(tmp_path):
    asked = grid(tmp_path, "vae", seeds=1, sets=(*SETS, "checkpoint.every=2"))
    run_grid(asked, Here())
    path = asked.cells[0].path
    for name in ("results.json", "model.safetensors", "checkpoints/step-000000003/state.json"):
        (path / name).unlink()  # as after a kill behind the first checkpoint
    again = grid(tmp_path, "vae", seeds=1, sets=(*SETS, "train.log_every=1", "checkpoint.every=1"))
    assert [one.state for one in plan(again)] == ["resume"] and again.cells[0].path == path
    assert [one.failure for one in run_grid(again, Here())] == [""]


def test_the_estimate_tries_a_training_under_its_own_precision(tmp_path, monkeypatch):
    seen = set()

    def autocast(device, *, dtype, **options):
        seen.add(dtype)
        return nullcontext()

    monkeypatch.setattr(torch, "autocast", autocast)
    (cell,) = grid(tmp_path, "vae", seeds=1, sets=(*SETS, "train.precision=bf16")).cells
    assert estimate.seconds_of(cell) > 0 and seen == {torch.bfloat16}


def test_the_estimate_of_a_training_that_was_stopped_is_of_what_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(estimate, "seconds_of", lambda cell: 100.0)
    begun = grid(tmp_path, "vae", seeds=1, steps=3, sets=(*SETS, "checkpoint.every=3"))
    run_grid(begun, Here())
    path = begun.cells[0].path
    for name in ("results.json", "model.safetensors"):
        (path / name).unlink()
    (half,) = plan(begun)
    assert half.state == "resume"
    assert estimate.seconds_to_go([replace(half, steps=12)]) == [75.0]


# -- data ----------------------------------------------------------------------------------------------


def test_data_that_are_nowhere_are_told_before_anything_is_trained(tmp_path):
    here = Here()
    with pytest.raises(MissingError, match="mnist is not on this machine") as caught:
        run_grid(grid(tmp_path, "vae", datasets=["mnist"], data_root=str(tmp_path)), here)
    assert caught.value.exit_code == 3 and "--download" in str(caught.value)
    assert here.tasks == [] and not (tmp_path / "runs").exists()


def test_cells_whose_data_are_nowhere_fail_and_the_others_go_on(tmp_path):
    asked = grid(tmp_path, "vae", datasets=["mnist", "digits"], seeds=1, data_root=str(tmp_path))
    lost, trained = run_grid(asked, Here())
    assert "mnist is not on this machine" in lost.failure
    assert trained.failure == "" and trained.results["dataset"] == "digits"


def test_data_of_many_cells_are_looked_at_once(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("aezoo.data.loading.load_data", lambda config: seen.append(config.dataset.name))
    asked = grid(tmp_path, "vae", "ae-gmm", datasets=["digits", "synthetic-2d"], sets=())
    assert absent(asked.cells, None) == {} and seen == ["digits", "synthetic-2d"]


def test_where_data_are_is_said_only_to_datasets_that_have_files_and_changes_no_run(tmp_path):
    files = {"data_root": str(tmp_path), "download": True}
    told = grid(tmp_path, "vae", datasets=["digits", "mnist"], seeds=1, **files).cells
    plain = grid(tmp_path, "vae", datasets=["digits", "mnist"], seeds=1).cells
    assert told[0].config.dataset == plain[0].config.dataset
    said = {"root": str(tmp_path), "download": True}
    assert told[1].config.dataset.model_dump() == {**plain[1].config.dataset.model_dump(), **said}
    assert [cell.path for cell in told] == [cell.path for cell in plain]


def test_a_run_is_measured_on_data_that_have_moved_since(tmp_path):
    options = {"datasets": ["mnist"], "seeds": 1, "metrics": ["reconstruction"]}
    first = grid(tmp_path, "vae", n=10, data_root=str(write_idx(tmp_path / "here")), **options)
    assert [one.failure for one in run_grid(first, Here())] == [""]
    (tmp_path / "here").rename(tmp_path / "there")
    (again,) = run_grid(grid(tmp_path, "vae", n=12, data_root=str(tmp_path / "there"), **options), Here())
    assert again.failure == "" and again.results["evaluation"]["asked"]["n"] == 12
