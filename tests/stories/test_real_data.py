"""Two methods on data as users have them: public sets, a folder of faces, odd shapes; and a flat memory."""

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import aezoo
from tests.images import SHARED, cifar10_images, needs, picture

STEPS = 50


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("AEZOO_DATA", str(SHARED))


@pytest.fixture(scope="session")
def cifar10(tmp_path_factory):
    """The pictures of 10,000 images each as one .npz with train and test."""
    labels = np.load(SHARED / "cifar10" / "labels.npz", allow_pickle=False)
    path = tmp_path_factory.mktemp("cifar10") / "cifar10.npz"
    train = np.concatenate([cifar10_images(f"data_batch_{number}") for number in range(1, 6)])
    np.savez(
        path,
        train=train,
        test=cifar10_images("test_batch"),
        train_labels=labels["train"],
        test_labels=labels["test"],
    )
    return path


@pytest.fixture(scope="session")
def faces(tmp_path_factory):
    """The AT&T faces as files: 400 of 92x112, grey, in 40 directories."""
    root = tmp_path_factory.mktemp("faces")
    with zipfile.ZipFile(SHARED / "att-faces" / "att_faces.zip") as file:
        file.extractall(root)
    return root


def check(recipe, dataset, out, n_test, shape, batch_size=32):
    """50 steps: finite terms, a loss that falls, a model that loads."""
    run = aezoo.train(recipe, dataset=dataset, steps=STEPS, batch_size=batch_size, out=out)
    row = run.results["results"][0]
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    assert all(np.isfinite(value) for line in lines for value in line.values() if isinstance(value, float))
    assert (row["metric"], row["n_real"]) == ("sse", min(n_test, 1000)) and row["value"] > 0
    first, last = (
        sum(value for name, value in line.items() if name.startswith("autoencoder/"))
        for line in (lines[0], lines[-1])
    )
    assert last < first
    model = aezoo.load(run.path)
    images = model.sample(4, torch.Generator().manual_seed(0))
    assert images.shape == (4, *shape) and images.min() >= 0 and images.max() <= 1


RECIPES = pytest.mark.parametrize("recipe", ["flexae-sr", "vae"])


@pytest.mark.slow  # 60,000 images each
@needs("MNIST", "FashionMNIST")
@RECIPES
@pytest.mark.parametrize("dataset", ["mnist", "fashion-mnist"])
def test_50_steps_on_mnist_and_fashion_mnist(recipe, dataset, tmp_path):
    before = sorted(SHARED.rglob("*"))
    check(recipe, dataset, tmp_path / "run", 10_000, (1, 28, 28))
    assert sorted(SHARED.rglob("*")) == before


@pytest.mark.slow  # 50,000 images
@needs("cifar10")
@RECIPES
def test_50_steps_on_cifar10(recipe, cifar10, tmp_path):
    check(recipe, f"npz:{cifar10}", tmp_path / "run", 10_000, (3, 32, 32))


@pytest.mark.slow  # 64x64
@needs("att-faces")
@RECIPES
def test_50_steps_on_a_folder_of_faces(recipe, faces, tmp_path):
    check(recipe, f"folder:{faces}", tmp_path / "run", 40, (1, 64, 64), batch_size=8)


@pytest.mark.slow
@RECIPES
def test_50_steps_on_an_odd_shape(recipe, tmp_path):
    ramps = np.stack([np.asarray(picture(number, (23, 17), "L")) for number in range(100)])
    np.savez(tmp_path / "odd.npz", x=ramps[:, None])
    check(recipe, f"npz:{tmp_path / 'odd.npz'}", tmp_path / "run", 10, (1, 17, 23))


@needs("MNIST", "FashionMNIST")
@pytest.mark.parametrize(("dataset", "digit_or_boot"), [("mnist", 5), ("fashion-mnist", 9)])
def test_the_real_sets_have_their_known_numbers(dataset, digit_or_boot):
    """Rows, first label, mean and classes as published."""
    from aezoo.data.loading import load_data
    from aezoo.resolve import resolve

    data = load_data(resolve("vae", flags={"test": {"dataset": dataset}}))
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert data.train.labels[0] == digit_or_boot and data.train.labels.bincount().numel() == 10
    mean = data.train.values.double().mean().item() / 255
    assert mean == pytest.approx({"mnist": 0.1307, "fashion-mnist": 0.2860}[dataset], abs=5e-5)


MEASURE = """
import sys
import aezoo
aezoo.train(
    "vae",
    dataset={"name": "folder", "path": sys.argv[1], "test": 0.2},
    out=sys.argv[2], steps=20, batch_size=32, data=sys.argv[3],
)
lines = open("/proc/self/status").read().splitlines()
print(next(line for line in lines if line.startswith("VmHWM")).split()[1])
"""


# Not getrusage's ru_maxrss: in a process just forked it begins at the size of its parent, pytest.


def peak(folder, out, data="stream"):
    """Peak resident memory of a training, in kilobytes."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(folder), str(out), data],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split()[-1])


@pytest.mark.slow  # 20,000 files
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_streaming_20000_images_takes_the_memory_of_5000(tmp_path):
    """64x64 RGB: 20,000 of them are 246 MB decoded. Of both the same 1,000 rows are evaluated in the end."""
    for count in (5_000, 20_000):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            picture(number, (64, 64)).save(folder / f"{number:05d}.png", compress_level=1)
    few, many = (peak(tmp_path / str(count), tmp_path / f"run-{count}") for count in (5_000, 20_000))
    kept = peak(tmp_path / "20000", tmp_path / "run-kept", "memory")
    print(f"peak MB: {few / 1024:.0f} for 5,000, {many / 1024:.0f} for 20,000, {kept / 1024:.0f} in memory")
    assert many < 1.1 * few
    assert kept > many + 100 * 1024  # kept rows show: two peaks of one training differ by less than half
