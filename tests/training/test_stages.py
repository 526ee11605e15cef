"""Training stage after stage: checkpoints, signals, state by name."""

import signal
import threading

import pytest
import torch
from torch import nn

from aezoo.errors import InterruptedRun, RunFileError
from aezoo.parts.autoencoder import load_state, split_state
from aezoo.parts.interfaces import Memory
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir
from aezoo.training.progress import Silence
from aezoo.training.stages import Stages


class Counting:
    """A trainer that counts, and does something at chosen iterations."""

    def __init__(self, events=None):
        self.completed, self.events = 0, events or {}

    def iterate(self, record=False):
        self.completed += 1
        self.events.get(self.completed, lambda: None)()
        return {"a/b": float(self.completed)} if record else {}

    def check_weights(self): ...

    def state(self):
        return {"count": torch.tensor(self.completed)}

    def load_state(self, tensors, completed):
        assert int(tensors["count"]) == completed
        self.completed = completed


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.pool = Memory()
        self.pool.register_buffer("rows", torch.zeros(1))


@pytest.fixture
def stages(tmp_path):
    run = RunDir(tmp_path / "run")
    run.path.mkdir()

    def make(*sets, resume=None):
        return Stages(run, Model(), resolve("vae", sets=sets), Silence(), resume)

    return make


def test_checkpoints_are_written_when_due_and_at_the_end(stages):
    made = stages("checkpoint.every=4", "checkpoint.keep=9")
    made.go("train", Counting(), 10)
    assert made.run.names() == ["step-000000004", "step-000000008", "step-000000010"]


def test_every_zero_keeps_only_the_last(stages):
    made = stages("checkpoint.every=0")
    made.go("train", Counting(), 10)
    assert made.run.names() == ["step-000000010"]


def test_lines_are_logged_first_and_when_due_and_name_later_stages(stages):
    made = stages("train.log_every=4")
    made.go("train", Counting(), 9)
    made.go("fit", Counting(), 4)
    assert made.run.read_metrics() == [
        {"step": 1, "a/b": 1.0},
        {"step": 4, "a/b": 4.0},
        {"step": 8, "a/b": 8.0},
        {"step": 1, "stage": "fit", "a/b": 1.0},
        {"step": 4, "stage": "fit", "a/b": 4.0},
    ]


def test_looking_adds_its_numbers_to_the_line(stages):
    made = stages("train.log_every=4", "evaluate.every=3")
    made.go("train", Counting(), 6, lambda step: {"evaluate/x": step * 10.0})
    steps = {line["step"]: line.get("evaluate/x") for line in made.run.read_metrics()}
    assert steps == {1: None, 3: 30.0, 4: None, 6: 60.0}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_iteration_saves_and_says_how_to_go_on(stages, number, code):
    made = stages()
    before = signal.getsignal(number)
    with pytest.raises(InterruptedRun) as caught, made.signals():
        made.go("train", Counting({3: lambda: signal.raise_signal(number)}), 9)
    assert (caught.value.exit_code, made.run.names()) == (code, ["step-000000003"])
    assert "--resume" in caught.value.fix and str(made.run.path) in caught.value.fix
    assert signal.getsignal(number) is before


def test_a_second_signal_stops_at_once(stages):
    def twice():
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    made = stages()
    with pytest.raises(KeyboardInterrupt), made.signals():
        made.go("train", Counting({3: twice}), 9)
    assert made.run.names() == []


def test_in_a_thread_signals_are_left_alone(stages):
    done = []

    def work():
        with stages().signals():
            done.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [signal.getsignal(signal.SIGINT)]


def test_a_resumed_run_skips_stages_that_were_over_and_goes_on_in_its_own(stages):
    made = stages("checkpoint.every=2")
    made.go("train", Counting(), 4)
    made.go("fit", Counting(), 2)
    again = stages(resume=made.run.load_latest()[0])
    trained, fitting = Counting(), Counting()
    again.go("train", trained, 4)
    again.go("fit", fitting, 5)
    assert (trained.completed, fitting.completed) == (4, 5)
    assert [line["step"] for line in again.run.read_metrics()] == [1, 1]


def test_training_only_tensors_stay_out_of_the_model_and_come_back(stages):
    made = stages()
    made.model.pool.rows.fill_(7)
    model, memory = split_state(made.model)
    assert (set(model), set(memory)) == ({"weight"}, {"memory/pool.rows"})
    made.go("train", Counting(), 2)
    again = stages(resume=made.run.load_latest()[0])
    again.go("train", Counting(), 2)
    assert again.model.pool.rows == 7


@pytest.mark.parametrize(
    ("tensors", "named"),
    [
        ({}, "weight"),
        ({"weight": torch.zeros(2), "other": torch.zeros(1)}, "other"),
        ({"weight": torch.zeros(3)}, "weight"),
    ],
)
def test_state_that_is_not_the_models_is_refused_by_name(tensors, named):
    with pytest.raises(RunFileError, match=named):
        load_state(Model(), tensors)
