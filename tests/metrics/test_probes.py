import numpy as np
import pytest
import torch

from aezoo.errors import ConfigError
from aezoo.metrics.probes import knn_probe, linear_probe

PROBES = [linear_probe, knn_probe]


def blobs(seed, rows=60, spread=0.3):
    """Three classes around the corners of a triangle, labels 2, 5, 7."""
    draw = torch.Generator().manual_seed(seed)
    kind = torch.arange(rows) % 3
    centres = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0]])
    codes = centres[kind] + spread * torch.randn(rows, 2, generator=draw)
    return codes, torch.tensor([2, 5, 7])[kind]


@pytest.mark.parametrize("probe", PROBES)
def test_classes_that_lie_apart_are_told_apart(probe):
    assert probe(*blobs(0), *blobs(1)) == 1.0


@pytest.mark.parametrize("probe", PROBES)
def test_codes_that_know_nothing_are_near_chance(probe):
    _, labels = blobs(0, 300)
    noise = torch.randn(600, 2, generator=torch.Generator().manual_seed(0))
    assert probe(noise[:300], labels, noise[300:], labels) == pytest.approx(1 / 3, abs=0.1)


@pytest.mark.parametrize("probe", PROBES)
def test_probes_repeat_and_take_arrays(probe):
    train, test = blobs(0, spread=2.0), blobs(1, spread=2.0)
    arrays = [values.numpy() for values in (*train, *test)]
    assert probe(*train, *test) == probe(*train, *test) == probe(*arrays) < 1.0


def test_the_vote_is_scikit_learns():
    from sklearn.neighbors import KNeighborsClassifier

    train, test = blobs(0, 200, spread=2.0), blobs(1, 100, spread=2.0)
    for k in (1, 4, 10):
        other = KNeighborsClassifier(k).fit(*train)
        assert knn_probe(*train, *test, k=k) == pytest.approx(other.score(*test))


def test_equal_votes_go_to_the_smaller_label():
    train, labels = torch.tensor([[0.0], [1.0]]), torch.tensor([9, 4])
    assert knn_probe(train, labels, torch.tensor([[0.1], [0.9]]), torch.tensor([4, 4]), k=2) == 1.0


def test_units_scale_does_not_matter_to_the_linear_probe():
    (train, known), (test, asked) = blobs(0, spread=1.5), blobs(1, spread=1.5)
    scale = torch.tensor([1e-3, 1e3])
    assert linear_probe(train * scale, known, test * scale, asked) == linear_probe(train, known, test, asked)


def test_dead_units_do_not_matter_to_the_linear_probe():
    (train, known), (test, asked) = blobs(0, spread=1.5), blobs(1, spread=1.5)
    wide = [torch.cat([codes, torch.full((len(codes), 1), 0.1)], dim=1) for codes in (train, test)]
    assert linear_probe(wide[0], known, wide[1], asked) == linear_probe(train, known, test, asked)


def test_constant_codes_know_the_most_frequent_class_only():
    known, asked = torch.tensor([1, 1, 0]), torch.tensor([0, 1, 0, 0])
    assert linear_probe(torch.full((3, 2), 0.1), known, torch.full((4, 2), 0.1), asked) == 0.25


@pytest.mark.parametrize("probe", PROBES)
def test_a_class_that_was_not_seen_is_never_right(probe):
    train, labels = blobs(0)
    assert probe(train, labels, train, torch.full_like(labels, 3)) == 0.0


@pytest.mark.parametrize("probe", PROBES)
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({1: torch.full((60,), 5)}, "all 60 training rows have the label 5"),
        ({1: torch.zeros(59, dtype=torch.int64)}, r"train_labels has the shape \(59,\).*for 60 codes"),
        ({3: torch.zeros(60)}, "test_labels has the shape .* torch.float32"),
        ({2: torch.zeros(60, 3)}, "train has 2 columns and test has 3"),
        ({2: torch.zeros(0, 2)}, "test has 0 rows"),
        ({0: torch.full((60, 2), torch.nan)}, "row 0 of train holds nan"),
    ],
)
def test_what_no_probe_can_learn_is_refused(probe, changes, message):
    given = [*blobs(0), *blobs(1)]
    for place, value in changes.items():
        given[place] = value
    with pytest.raises(ConfigError, match=message):
        probe(*given)


def test_more_neighbours_than_codes_are_refused():
    with pytest.raises(ConfigError, match="a row of train can have 60"):
        knn_probe(*blobs(0), *blobs(1), k=61)


def test_labels_may_be_small_integers():
    (train, known), test = blobs(0), blobs(1)
    assert knn_probe(train, known.numpy().astype(np.uint8), *test) == 1.0
