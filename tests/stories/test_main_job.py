"""The job the defaults are for: `aezoo train --prior pgen --regularizer interp` draws digits."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

import aezoo
from aezoo.data.loading import load_data
from aezoo.parts.statistics import batch_norms, still_statistics
from aezoo.resolve import resolve

SURE = 0.9


@pytest.fixture
def digits():
    return load_data(resolve())


def judge(data):
    """A digit classifier, trained on the train split."""
    torch.manual_seed(0)
    net = nn.Sequential(
        *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 64, 3, padding=1), nn.ReLU()),
        *(nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, 10)),
    )
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    x, labels = data.x(data.train.values), data.train.labels
    for _ in range(25):
        for rows in torch.randperm(len(x)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), labels[rows]).backward()
            optimizer.step()
    return net.eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("main-job") / "run"
    command = [sys.executable, "-m", "aezoo", "train", "--prior", "pgen", "--regularizer", "interp"]
    done = subprocess.run([*command, "--quiet", "--out", str(path)], env=os.environ, check=False)
    assert done.returncode == 0
    return path


@pytest.mark.slow
def test_generation_in_evaluation_mode_agrees_with_training_mode_to_a_few_percent(run):
    model = aezoo.load(run)
    z = model.sample_codes(4096, torch.Generator().manual_seed(0))
    evaluated = model.decode(z)
    model.train()
    with torch.no_grad(), still_statistics(batch_norms(model.decoder)):
        trained = torch.cat([model.decoder(codes) for codes in z.split(64)])
    assert evaluated.mean().item() == pytest.approx(trained.mean().item(), rel=0.03)
    assert evaluated.std().item() == pytest.approx(trained.std().item(), rel=0.03)


@pytest.mark.slow
def test_the_default_run_draws_digits_that_a_classifier_recognises(run, digits):
    with torch.random.fork_rng(devices=[]):
        net = judge(digits)
    with torch.no_grad():
        guesses = net(digits.x(digits.test.values)).argmax(dim=1)
        accuracy = float((guesses == digits.test.labels).float().mean())
        images = aezoo.load(run).sample(256, torch.Generator().manual_seed(0))
        confidence, classes = net(images).softmax(dim=1).max(dim=1)
    sure = confidence > SURE
    share, present = float(sure.float().mean()), len(classes[sure].unique())
    print(f"classifier {accuracy:.3f}, sure of {share:.2f}, classes {present}")
    assert accuracy >= 0.95
    assert share >= 0.6
    assert present >= 8
