"""How the classifiers were trained."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from aezoo.api import load_dataset
from aezoo.parts.types import Split
from aezoo_extractors import weights
from aezoo_extractors.training import RECIPES, main, make, processor, shift


def test_images_are_shifted_by_whole_pixels_with_zeros_moving_in():
    x = torch.arange(1, 10, dtype=torch.uint8).view(1, 1, 3, 3).repeat(50, 2, 1, 1)
    found = shift(x, 1, torch.Generator().manual_seed(0))
    padded = torch.nn.functional.pad(x[0, 0], (1, 1, 1, 1))
    windows = [padded[i : i + 3, j : j + 3] for i in range(3) for j in range(3)]
    places = [next(n for n, window in enumerate(windows) if torch.equal(one[0], window)) for one in found]
    assert set(places) == set(range(9))
    assert torch.equal(found[:, 0], found[:, 1])


def test_a_training_repeats_and_never_sees_the_test_part():
    data, recipe = load_dataset("digits"), replace(RECIPES["classifier-digits"], epochs=1)
    blind = replace(data, test=Split(data.test.values[:10], data.test.labels[:10]))
    one, other, third = (make("x", recipe, rows, quiet=True)[1] for rows in (data, data, blind))
    assert one.sha256 == other.sha256
    assert torch.equal(one.network.head.weight, third.network.head.weight)


@pytest.mark.slow  # a minute where others are at work
def test_the_digits_classifier_can_be_trained_again(tmp_path):
    command = [sys.executable, "-m", "aezoo_extractors.training", "classifier-digits", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "weights" / "classifier-digits.safetensors").read_bytes()
    assert weights.unpack(content).header["accuracy"] >= 0.98
    entry = weights.table()["classifier-digits"]
    if (entry["torch"], entry["cpu"]) == (torch.__version__, processor()):
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]


def test_a_name_that_is_no_classifier_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["classifier-celeba"])
    assert "classifier-digits" in capsys.readouterr().err
