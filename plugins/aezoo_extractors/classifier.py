"""Small classifiers of the public datasets, trained by `training.py`: their penultimate layer."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor

from aezoo.api import Extractor
from aezoo_extractors.shapes import colour, image_shape, resize, rule
from aezoo_extractors.weights import load_shipped, weights_file


class _Classifier(Extractor):
    """Features of the classifier `name`: the means of its last maps, >= 0.

    Images of another size are resized to the one it was trained on, RGB and grey turned into each other.
    """

    takes = "images"
    layer = "means of the last maps"
    name: ClassVar[str]

    def __init__(self, *, shape: tuple[int, ...]) -> None:
        super().__init__()
        image_shape(shape, self.name)
        trained = load_shipped(self.name)
        self.network, self.sha256 = trained.network, trained.sha256
        self.own = tuple(trained.header["shape"])
        self.resize = rule(shape, self.own)
        self.weights = str(weights_file(self.name))

    def forward(self, x: Tensor) -> Tensor:
        """x [B, C, H, W] to [B, d]."""
        return self.network.features(self.prepare(x))

    def prepare(self, x: Tensor) -> Tensor:
        """Images of the network's own shape."""
        channels, height, width = self.own
        return resize(colour(x, channels), height, width)


@final
class DigitsClassifier(_Classifier):
    """Of scikit-learn's digits, 8x8 grey: 32 features."""

    name = "classifier-digits"


@final
class MNISTClassifier(_Classifier):
    """Of MNIST, 28x28 grey: 64 features."""

    name = "classifier-mnist"


@final
class FashionMNISTClassifier(_Classifier):
    """Of Fashion-MNIST, 28x28 grey: 64 features."""

    name = "classifier-fashion-mnist"


@final
class CIFAR10Classifier(_Classifier):
    """Of CIFAR-10, 32x32 RGB: 96 features."""

    name = "classifier-cifar10"
