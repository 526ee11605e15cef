"""Codes of a whole dataset."""

from __future__ import annotations

from torch import Tensor

from aezoo.explore.codes import posterior_of
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.types import Data


def embed(model: Autoencoder, data: Data) -> dict[str, Tensor]:
    """Codes of the train and the test split, with what is known of the rows, in their order.

    train, test:             z [N, m], without noise
    ..._mean, ..._log_var:   of the posterior [N, m], where these are exact
    ..._labels:              int64 [N], where there are classes
    ..._attributes:          uint8 [N, A], where there are attributes
    """
    arrays: dict[str, Tensor] = {}
    for name, split in (("train", data.train), ("test", data.test)):
        found = posterior_of(model, data, split, ("mean", "log_var"))
        known = {
            "": found.z,
            "_mean": found.mean,
            "_log_var": found.log_var,
            "_labels": split.labels,
            "_attributes": split.attributes,
        }
        arrays |= {name + key: values for key, values in known.items() if values is not None}
    return arrays
