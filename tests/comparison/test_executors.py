"""Whom a cell gets: processor cores, a GPU."""

import os

import pytest
import torch

from aezoo.comparison import compare, executors
from aezoo.comparison.executors import Done, Local
from aezoo.comparison.grid import Request, grid_of
from aezoo.comparison.work import Task


@pytest.fixture
def started(monkeypatch):
    """The environments of processes, none of which is started."""
    environments = []

    class Ended:
        stdin, returncode = None, 1

        def __init__(self, words, env, **options):
            environments.append(env)

        def poll(self):
            return self.returncode

    monkeypatch.setattr(executors.subprocess, "Popen", Ended)
    return environments


def tasks(tmp_path, number, threads=1):
    return [Task({}, str(tmp_path / f"run-{k}"), (), (), None, threads) for k in range(number)]


def test_gpus_are_dealt_out_in_turn_to_those_that_run_at_a_time(tmp_path, started):
    dealt = Local(4, tmp_path / "logs", ["2", "5"]).run(tasks(tmp_path, 4))
    assert len([one for one in dealt if isinstance(one, Done)]) == 4
    assert [env["CUDA_VISIBLE_DEVICES"] for env in started] == ["2", "5", "2", "5"]


def test_without_gpus_the_environment_stays_as_it_is_but_for_the_threads(tmp_path, started):
    list(Local(1, tmp_path / "logs").run(tasks(tmp_path, 1, threads=3)))
    assert started == [{**os.environ, "OMP_NUM_THREADS": "3"}]


@pytest.mark.parametrize(("jobs", "threads"), [(1, 8), (2, 4), (3, 2), (100, 1)])
def test_cores_are_divided_among_jobs(tmp_path, monkeypatch, jobs, threads):
    monkeypatch.setattr(compare, "cores", lambda: 8)
    grid = grid_of(Request(methods=["vae"], home=tmp_path))
    assert compare.task_of_cell(grid.cells[0], grid, jobs).threads == threads


@pytest.mark.parametrize(
    ("visible", "there", "jobs"), [("0,3", 2, 2), ("0,3", 0, 8), ("-1", 0, 8), (None, 4, 4), (None, 0, 8)]
)
def test_there_is_a_job_for_each_gpu_that_can_be_used_else_for_each_core(monkeypatch, visible, there, jobs):
    monkeypatch.setattr(compare, "cores", lambda: 8)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: there > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert compare.default_jobs() == jobs
