"""What codes know of the classes: accuracy of simple classifiers that see nothing but the code."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.metrics.features import Features, features
from aezoo.metrics.neighbours import check_neighbours, nearest_neighbours

Labels: TypeAlias = Tensor | np.ndarray
"""A class per row, integers [N]."""


def linear_probe(train: Features, train_labels: Labels, test: Features, test_labels: Labels) -> float:
    """Test accuracy of a logistic regression on standardised codes.

    L2 penalty of strength 1 (scikit-learn's C = 1), solved to convergence and thus without a seed. Constant
    units are left out; where all are constant, the probe knows only the most frequent class of `train`.

    Shapes:  train [N, m], train_labels [N], test [M, m], test_labels [M]
    Range:   [0, 1]; a class that is missing in `train` is never right
    Raises:  ConfigError as `features`, for labels that do not fit the codes, and for one class alone
    Source:  Alain & Bengio 2016 (arXiv:1610.01644)
    """
    from sklearn.linear_model import LogisticRegression

    train, test, known, asked = _check(train, train_labels, test, test_labels)
    varies = (train != train[0]).any(dim=0)
    if not varies.any():
        classes, counts = np.unique(known, return_counts=True)
        return float(np.mean(asked == classes[counts.argmax()]))
    train, test = train[:, varies].double(), test[:, varies].double()
    mean, deviation = train.mean(dim=0), train.std(dim=0)
    train, test = (train - mean) / deviation, (test - mean) / deviation
    probe = LogisticRegression(max_iter=10_000).fit(train.cpu().numpy(), known)
    return float(np.mean(probe.predict(test.cpu().numpy()) == asked))


def knn_probe(
    train: Features, train_labels: Labels, test: Features, test_labels: Labels, k: int = 10
) -> float:
    """Test accuracy of a vote of the k nearest training codes, by L2 distance of the codes as they are.

    Equally near codes vote in their order, and among classes with equal votes the smaller label wins; where
    all codes are the same, that is the vote of the first k rows.

    Shapes:  train [N, m], train_labels [N], test [M, m], test_labels [M]
    Range:   [0, 1]; a class that is missing in `train` is never right
    Raises:  ConfigError as `linear_probe`, and for fewer than k rows in `train`
    """
    train, test, known, asked = _check(train, train_labels, test, test_labels)
    check_neighbours(k, len(train), "train")
    _, index = nearest_neighbours(test, train, k)
    classes, coded = np.unique(known, return_inverse=True)
    votes = torch.nn.functional.one_hot(torch.as_tensor(coded)[index.cpu()], len(classes)).sum(dim=1)
    return float(np.mean(classes[votes.numpy().argmax(axis=1)] == asked))  # argmax: the first of equals


def _check(
    train: Features, train_labels: Labels, test: Features, test_labels: Labels
) -> tuple[Tensor, Tensor, np.ndarray, np.ndarray]:
    known_codes, asked_codes = features(train, "train"), features(test, "test", rows=1)
    if known_codes.shape[1] != asked_codes.shape[1]:
        raise ConfigError(
            f"train has {known_codes.shape[1]} columns and test has {asked_codes.shape[1]}",
            where="train, test",
            fix="give codes of one encoder",
        )
    known = _labels(train_labels, len(known_codes), "train_labels")
    asked = _labels(test_labels, len(asked_codes), "test_labels")
    if len(np.unique(known)) < 2:
        raise ConfigError(
            f"all {len(known)} training rows have the label {known[0]}",
            where="train_labels",
            fix="a probe tells classes apart: give two or more",
        )
    return known_codes, asked_codes, known, asked


def _labels(labels: Labels, rows: int, name: str) -> np.ndarray:
    found = torch.as_tensor(labels)
    whole = not (found.dtype.is_floating_point or found.dtype.is_complex)
    if tuple(found.shape) != (rows,) or not whole:
        raise ConfigError(
            f"{name} has the shape {tuple(found.shape)} and the type {found.dtype}, for {rows} codes",
            where=name,
            fix="give a class per row, as integers [N]",
        )
    return found.cpu().numpy()
