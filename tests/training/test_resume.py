"""A run that was stopped, however, ends bit by bit as one that never was."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from aezoo.errors import ConfigError
from aezoo.rundir.rundir import RunDir
from aezoo.training.trainer import Trainer
from tests import tiny

LONG = 300
KILLED = {"checkpoint": {"every": 20}}


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def trained(out, recipe="flexae", steps=12, **options):
    settings = {"checkpoint": {"every": 5}, **options.pop("settings", {})}
    brief = {"steps": steps, "log_every": 1, "critic_steps": 1}
    return tiny.trained(out, recipe, settings=settings, **{**brief, **options}).path


def traces(path: Path) -> dict[str, bytes]:
    """Everything of a run that must not depend on how often it was stopped."""
    last = path / "checkpoints" / (path / "checkpoints" / "latest").read_text()
    files = (path / "model.safetensors", path / "metrics.jsonl", last / "trainer.safetensors")
    return {"latest": last.name.encode(), **{file.name: file.read_bytes() for file in files}}


class Crash(Exception):
    """What no user can mend."""


def crashing(monkeypatch, *calls):
    """Let the n-th iterations of this process crash, counted over all stages and resumptions."""
    iterate, count = Trainer.iterate, [0]

    def counted(self, record=False):
        count[0] += 1
        if count[0] in calls:
            raise Crash
        return iterate(self, record)

    monkeypatch.setattr(Trainer, "iterate", counted)


# --- stopped at chosen steps


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("flexae-sr", {}),
        ("vae", {"settings": {"ema": {"decay": 0.9}}}),
        ("vae", {"settings": {"optimizer": {"name": "rmsprop", "clip": 1.0}}}),
        ("ae-gmm", {"settings": {"ema": {"decay": 0.9}}}),
        ("vae", {"backbone": {"name": "conv"}}),
    ],
    ids=["adversaries", "average", "rmsprop", "fitted", "batch-norm"],
)
def test_crashes_anywhere_leave_no_trace(tmp_path, monkeypatch, recipe, options):
    undisturbed = traces(trained(tmp_path / "a", recipe, steps=8, **options))
    crashing(monkeypatch, 3, 10)  # before the first checkpoint, then at step 7, after the one of step 5
    for _ in range(2):
        with pytest.raises(Crash):
            trained(tmp_path / "b", recipe, steps=8, resume=True, **options)
    assert traces(trained(tmp_path / "b", recipe, steps=8, resume=True, **options)) == undisturbed


@pytest.mark.parametrize("step", [9, 11, 15])
@pytest.mark.parametrize("recipe", [("two-stage-vae", {}), ("vae", {"prior": "tests.toyparts:Flow"})])
def test_a_second_stage_goes_on_where_it_stopped(tmp_path, monkeypatch, recipe, step):
    name, given = recipe
    options = {**given, "steps": 8, "settings": {"ema": {"decay": 0.9}}}
    undisturbed = traces(trained(tmp_path / "a", name, **options))
    crashing(monkeypatch, step)  # the fit begins with the ninth; of 8 it has a checkpoint after 5
    with pytest.raises(Crash):
        trained(tmp_path / "b", name, **options)
    assert traces(trained(tmp_path / "b", name, resume=True, **options)) == undisturbed


def test_a_stop_between_training_and_fit_fits_afterwards(tmp_path, monkeypatch):
    undisturbed = traces(trained(tmp_path / "a", "ae-gmm"))
    with monkeypatch.context() as patch:
        patch.setattr("aezoo_priors.gmm.GMM.fit", lambda *_: (_ for _ in ()).throw(Crash))
        with pytest.raises(Crash):
            trained(tmp_path / "b", "ae-gmm")
    assert traces(trained(tmp_path / "b", "ae-gmm", resume=True)) == undisturbed


def test_resuming_a_finished_run_changes_nothing(tmp_path):
    before = traces(trained(tmp_path / "run", "two-stage-vae", steps=6))
    assert traces(trained(tmp_path / "run", "two-stage-vae", steps=6, resume=True)) == before


def test_a_damaged_newest_checkpoint_is_passed_over_aloud(tmp_path, capsys):
    path = trained(tmp_path / "run")
    before = traces(path)
    newest = path / "checkpoints" / "step-000000012"
    (newest / "model.safetensors").write_bytes(b"damaged")
    trained(path, resume=True)
    assert newest.name in capsys.readouterr().err
    assert traces(path) == before


def test_metrics_cut_in_the_middle_of_a_line_are_mended(tmp_path, monkeypatch):
    undisturbed = traces(trained(tmp_path / "a"))
    crashing(monkeypatch, 8)
    with pytest.raises(Crash):
        trained(tmp_path / "b")
    with (tmp_path / "b" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 8, "autoenc')
    assert traces(trained(tmp_path / "b", resume=True)) == undisturbed


# --- what may differ


@pytest.mark.parametrize("recipe", ["flexae", "ae-gmm", "two-stage-vae"])
def test_more_steps_extend_a_run_as_if_it_had_them_from_the_start(tmp_path, recipe):
    path = trained(tmp_path / "run", recipe, steps=7, settings={"ema": {"decay": 0.9}})
    extended = trained(path, recipe, steps=12, resume=True, settings={"ema": {"decay": 0.9}})
    assert traces(extended) == traces(trained(tmp_path / "whole", recipe, settings={"ema": {"decay": 0.9}}))


def test_an_extended_run_that_is_stopped_forgets_its_earlier_second_stage(tmp_path, monkeypatch):
    path = trained(tmp_path / "run", "two-stage-vae", steps=6)
    with monkeypatch.context() as patch:
        crashing(patch, 3)
        with pytest.raises(Crash):
            trained(path, "two-stage-vae", resume=True)
    whole = trained(tmp_path / "whole", "two-stage-vae")
    assert traces(trained(path, "two-stage-vae", resume=True)) == traces(whole)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("train.seed", {"seed": 1}),
        ("train.batch_size", {"batch_size": 9}),
        ("train.steps", {"steps": 11}),
        ("prior.hidden", {"prior": {"name": "pgen", "hidden": [5]}}),
        ("optimizer.encoder.lr", {"settings": {"optimizer": {"encoder": {"lr": 0.5}}}}),
        ("ema.decay", {"settings": {"ema": {"decay": 0.5}}}),
    ],
)
def test_any_key_that_weights_depend_on_is_exit_2_where_it_changed(tmp_path_factory, key, value, finished):
    before = traces(finished)
    with pytest.raises(ConfigError) as caught:
        trained(finished, resume=True, **value)
    assert caught.value.exit_code == 2
    assert f"'{key}'" in caught.value.what and len(caught.value.what.splitlines()) == 1
    assert "--steps" in caught.value.fix
    assert traces(finished) == before


@pytest.mark.parametrize(
    "immaterial",
    [
        {"device": "cpu"},
        {"log_every": 2},
        {"keep_memory": False},
        {"settings": {"checkpoint": {"every": 6, "keep": 7}, "evaluate": {"every": 4, "end": False}}},
    ],
    ids=str,
)
def test_what_no_weight_depends_on_may_change_and_changes_no_bit(tmp_path, finished, immaterial):
    half = trained(tmp_path / "run", steps=5)
    trained(half, resume=True, **immaterial)
    assert (half / "model.safetensors").read_bytes() == (finished / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return trained(tmp_path_factory.mktemp("finished") / "run")


def test_resume_without_a_checkpoint_starts_at_the_beginning(tmp_path, finished):
    fresh = trained(tmp_path / "new", resume=True)
    assert traces(fresh) == traces(finished)
    for name in RunDir(fresh).names():
        (fresh / "checkpoints" / name / "state.json").unlink()
    assert traces(trained(fresh, resume=True)) == traces(finished)


def test_resume_without_out_takes_the_newest_numbered_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = trained(None), trained(None)
    assert trained(None, steps=13, resume=True) == second
    assert RunDir(first).load_latest()[0].step == 12 and RunDir(second).load_latest()[0].step == 13


# --- stopped from outside

signals = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])

COMMAND = (
    *(sys.executable, "-m", "aezoo", "train", "flexae", *tiny.WORDS, "--steps", str(LONG)),
    *("--set", "train.log_every=1"),
    *("--set", "train.critic_steps=1", "--set", "checkpoint.every=20", "--quiet", "--resume", "--out"),
)


def signalled(out: Path, number: int, step: int, delay: float) -> int:
    """Start or resume training in a process, signal it once a step is logged, and give its exit status."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    metrics = out / "metrics.jsonl"
    with subprocess.Popen([*COMMAND, str(out)], env=environment, stderr=subprocess.PIPE) as process:
        until = time.monotonic() + 120
        while process.poll() is None and time.monotonic() < until:
            if metrics.exists() and metrics.read_bytes().count(b"\n") >= step:
                time.sleep(delay)
                process.send_signal(number)
                break
            time.sleep(0.01)  # some steps; a core is left to the process
        _, err = process.communicate(timeout=60)
    assert process.returncode != 1, err.decode()
    return process.returncode


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return traces(long(tmp_path_factory.mktemp("undisturbed") / "run"))


def long(out, **options):
    return trained(out, steps=LONG, settings=KILLED, **options)


def killed_and_resumed(out: Path, times: int, seed: int) -> dict[str, bytes]:
    rng = random.Random(seed)
    moments = sorted((rng.randrange(1, LONG - 40), rng.uniform(0.0, 0.1)) for _ in range(times))
    print(f"seed {seed}: killed at (step, seconds later) {moments}")
    statuses = [signalled(out, signal.SIGKILL, step, delay) for step, delay in moments]
    assert statuses.count(-signal.SIGKILL) >= times / 2  # the machine may be faster than the delay
    return traces(long(out, resume=True))


def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(tmp_path, undisturbed):
    assert killed_and_resumed(tmp_path / "run", times=2, seed=20210727) == undisturbed


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_often_ends_as_one_that_was_not(tmp_path, undisturbed, seed):
    assert killed_and_resumed(tmp_path / "run", times=10, seed=seed) == undisturbed


def in_this_process(run, monkeypatch, out: Path, number: int) -> int:
    """The same command, signalled while its thirty-first step is made."""
    iterate = Trainer.iterate

    def interrupted(self, record=False):
        if self.completed == 30:
            signal.raise_signal(number)
        return iterate(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "iterate", interrupted)
        return run(*COMMAND[3:], out)[0]


def check_stopped(out: Path) -> None:
    step = RunDir(out).load_latest()[0].step
    assert 30 <= step < LONG and step == len(RunDir(out).read_metrics())


@signals
def test_a_signal_writes_a_checkpoint_and_the_run_can_go_on(
    run, monkeypatch, tmp_path, undisturbed, number, code
):
    assert in_this_process(run, monkeypatch, tmp_path / "run", number) == code
    check_stopped(tmp_path / "run")
    assert traces(long(tmp_path / "run", resume=True)) == undisturbed


@pytest.mark.slow
@signals
def test_a_process_that_is_signalled_exits_with_the_signals_code(tmp_path, undisturbed, number, code):
    assert signalled(tmp_path / "run", number, 30, 0.0) == code
    check_stopped(tmp_path / "run")
    assert traces(long(tmp_path / "run", resume=True)) == undisturbed
