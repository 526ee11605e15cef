import subprocess
import sys

import numpy as np
import pytest
import torch

from aezoo.errors import AezooError, ConfigError, MissingError
from aezoo.metrics import fidelity
from tests.metrics.sets import normal


def test_importing_the_measures_loads_no_engine():
    heavy = ("torch_fidelity", "torchvision", "sklearn", "scipy")
    probe = (
        f"import aezoo.metrics, aezoo.metrics.fidelity, sys; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_sure_and_varied_classifier_scores_the_number_of_classes():
    logits = 1e3 * torch.eye(5).repeat(20, 1)
    mean, _ = fidelity.inception_score(logits, splits=1)
    assert mean == pytest.approx(5)


def test_a_classifier_that_always_says_the_same_scores_one():
    mean, spread = fidelity.inception_score(torch.ones(100, 5))
    assert (mean, spread) == pytest.approx((1, 0))


def test_fewer_logits_than_splits_are_refused():
    with pytest.raises(ConfigError, match="logits has 9 rows, and this measure needs 10"):
        fidelity.inception_score(torch.ones(9, 5))


def test_precision_is_of_the_generated_set_and_recall_of_the_real_one():
    narrow, wide = normal(200, 2, scale=0.1), normal(200, 2, seed=1)
    precision, recall = fidelity.precision_recall(narrow, wide)
    assert precision > 0.9 > 0.3 > recall
    assert fidelity.precision_recall(wide, narrow) == (recall, precision)


def test_as_few_rows_as_neighbours_are_refused():
    with pytest.raises(ConfigError, match="b has 3 rows, and this measure needs 4"):
        fidelity.precision_recall(normal(10, 2), normal(3, 2), k=3)


def test_means_are_taken_in_float64():
    a = normal(500, 3, mean=1e4, dtype=torch.float32)
    b = normal(500, 3, mean=1e4, scale=1.5, seed=1, dtype=torch.float32)
    assert fidelity.fid(a, b) == pytest.approx(fidelity.fid(a.double() - 1e4, b.double() - 1e4), rel=1e-7)


def test_one_column_is_measured_too():
    a, b = normal(50, 1), normal(50, 1, mean=2.0, seed=1)
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert fidelity.fid(a, b) == pytest.approx(float(expected), rel=1e-9)


def test_nothing_is_printed(capsys):
    a, b = np.random.default_rng(0).standard_normal((2, 30, 3))
    fidelity.fid(a, b)
    fidelity.kid(a, b, subsets=2, subset_size=10)
    fidelity.precision_recall(a, b)
    assert capsys.readouterr() == ("", "")


def test_its_faults_are_said_as_ours(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("kthvalue")

    monkeypatch.setattr("torch_fidelity.metric_prc.prc_features_to_metric", fail)
    with pytest.raises(AezooError, match="prc_features_to_metric failed: kthvalue"):
        fidelity.precision_recall(normal(10, 2), normal(10, 2))


def test_its_absence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    for name in [name for name in sys.modules if name.startswith("torch_fidelity.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(MissingError, match="cannot be imported") as caught:
        fidelity.version()
    assert caught.value.fix == "pip install torch-fidelity"


def test_its_version_is_told():
    assert fidelity.version().startswith("torch-fidelity 0.4")
