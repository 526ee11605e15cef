"""Minibatches from the disk are those from memory, whatever the order they are asked for."""

from dataclasses import replace

import pytest
import torch

from aezoo.data import memory
from aezoo.data.loading import load_data
from aezoo.data.memory import fits, gather, in_memory, is_streamed
from aezoo.data.order import Order
from aezoo.data.resident import Resident
from aezoo.data.streamed import Streamed
from aezoo.errors import InterruptedRun
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir
from aezoo_datasets.folder import Folder
from tests import tiny
from tests.images import write_folder

# From Python 3.12 on, worker processes forked beside torch's threads bring a warning; torch wants them so.
pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

CPU = torch.device("cpu")
DRAWS = [(0, 0), (1, 0), (2, 0), (2, 1), (5, 1), (8, 1), (9, 1), (3, 0), (0, 0), (40, 0)]  # draw, stream


@pytest.fixture
def root(tmp_path):
    return write_folder(tmp_path / "images", count=21)


@pytest.fixture
def data(root):
    return Folder(str(root), image_size=8).load()


@pytest.mark.parametrize("flip", [False, True])
@pytest.mark.parametrize("workers", [0, 2])
def test_streamed_minibatches_are_the_resident_ones(data, workers, flip):
    data = replace(data, flip=flip)
    near = Resident(data, data.train, 6, seed=3, device=CPU)
    far = Streamed(data, data.train, 6, seed=3, device=CPU, workers=workers)
    for draw, stream in DRAWS:
        assert torch.equal(near.batch(draw, stream), far.batch(draw, stream))


def test_an_epoch_holds_every_row_once():
    order = Order(20, 4, seed=0)
    first = torch.cat([order.indices(draw) for draw in range(5)])
    second = torch.cat([order.indices(draw) for draw in range(5, 10)])
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(20))
    assert not torch.equal(first, second)


def test_a_minibatch_may_be_larger_than_the_rows():
    assert Order(3, 8, seed=0).indices(1).bincount().sum() == 8


def test_half_of_the_images_are_mirrored_and_none_is_changed_else():
    x = torch.rand(400, 1, 2, 3, generator=torch.Generator().manual_seed(0))
    y = Order(400, 400, seed=0).mirror(x, 5)
    kept = (y == x).flatten(1).all(1)
    assert torch.equal(y[~kept], x[~kept].flip(-1)) and 150 < kept.sum() < 250
    assert torch.equal(y, Order(9, 2, seed=0).mirror(x, 5))
    assert not torch.equal(y, Order(9, 2, seed=0).mirror(x, 6))


def test_test_rows_and_codes_are_never_mirrored(root, tmp_path):
    """A fitted prior sees every training row as it is, in order."""
    flipped = Folder(str(root), image_size=8, flip=True).load()
    plain = Folder(str(root), image_size=8).load()
    assert torch.equal(flipped.train.values[:], plain.train.values[:])
    assert torch.equal(flipped.x(flipped.test.values[:]), plain.x(plain.test.values[:]))


def test_gathering_keeps_the_rows(data):
    whole = in_memory(replace(data, validation=data.test))
    assert not is_streamed(whole) and is_streamed(data)
    assert torch.equal(whole.train.values, data.train.values[:])
    assert torch.equal(whole.validation.values, data.test.values[:])
    assert gather(whole.train.values) is whole.train.values


def test_a_quarter_of_the_free_memory_is_the_limit(data, monkeypatch):
    size = 21 * 3 * 8 * 8  # uint8
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * size)
    assert not fits(data, CPU)
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * size + 4)
    assert fits(data, CPU)
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    assert not fits(data, CPU)


def test_free_memory_is_a_number_of_bytes():
    assert 1 << 26 < memory.free_memory() < 1 << 50


# --- whole runs


def trained(root, out, data="auto", recipe="ae-gmm", **options):
    dataset = {"name": "folder", "path": str(root), "image_size": 8, "flip": True}
    settings = {"prior": {"components": 2}} if recipe == "ae-gmm" else {}
    options = {"steps": 4, "settings": settings, **options}
    return tiny.trained(out, recipe, dataset=dataset, data=data, **options)


def test_a_streamed_run_is_the_resident_run(root, tmp_path):
    """Training, fit, evaluation and pictures."""
    runs = [
        trained(root, tmp_path / "a", "memory"),
        trained(root, tmp_path / "b", "stream"),
        trained(root, tmp_path / "c", "stream", workers=2),
    ]
    for name in ("model.safetensors", "reconstructions.png", "samples.png"):
        assert len({(run.path / name).read_bytes() for run in runs}) == 1, name
    assert len({run.results["results"][0]["value"] for run in runs}) == 1


def test_what_does_not_fit_is_streamed_by_itself(root, tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    monkeypatch.setattr("aezoo.data.loading.Resident", None)
    assert trained(root, tmp_path / "a", recipe="vae").path.exists()


def test_a_streamed_run_resumes_to_the_same_bits_also_from_memory(root, tmp_path):
    whole = trained(root, tmp_path / "whole", "stream", "vae", steps=9)
    trained(root, tmp_path / "a", "stream", "vae", steps=5)
    resumed = trained(root, tmp_path / "a", "memory", "vae", steps=9, resume=True)
    assert (resumed.path / "model.safetensors").read_bytes() == (
        whole.path / "model.safetensors"
    ).read_bytes()


def test_interrupted_with_workers_a_checkpoint_is_written(root, tmp_path, monkeypatch):
    import os
    import signal

    from aezoo.training.trainer import Trainer

    iterate = Trainer.iterate

    def interrupting(self, record=False):
        if self.completed == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return iterate(self, record)

    monkeypatch.setattr(Trainer, "iterate", interrupting)
    with pytest.raises(InterruptedRun):
        trained(root, tmp_path / "a", "stream", "vae", steps=50, workers=1)
    assert RunDir(tmp_path / "a").load_latest()[0].step == 4


def test_the_config_holds_all_that_makes_a_row(root, tmp_path):
    run = trained(root, tmp_path / "a")
    assert run.config.dataset.model_dump() == {
        "name": "folder",
        "path": str(root),
        "image_size": 8,
        "channels": "auto",
        "background": "white",
        "bits": 0,
        "flip": True,
        "test": 0.1,
        "validation": 0,
        "skip_bad_images": False,
    }
    assert resolve(run.path / "config.toml").dataset == run.config.dataset
    assert len(load_data(run.config).train) == 19
