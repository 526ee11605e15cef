"""The classifiers' weights: one safetensors file each, and `weights.toml` about all of them.

A file describes itself: its header holds one JSON text of what the network is and how it was trained. The
table adds what only holds of the machine that trained it, and the files' hashes.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from aezoo.api import AezooError
from aezoo_extractors.network import Network, empty

KEY = "aezoo"  # of the header's only entry: with several, safetensors writes them in any order
TABLE = "weights.toml"


@dataclass(frozen=True)
class Trained:
    """A trained classifier.

    network:  in evaluation mode, its weights frozen
    header:   what it is: shape, widths, classes, and how it was trained
    """

    network: Network
    header: dict[str, Any]
    sha256: str


def pack(network: Network, header: dict[str, Any]) -> bytes:
    """The content of a weights file; kernels in half precision, everything else in single."""
    tensors = {
        name: (value.half() if value.dim() > 1 else value).contiguous()
        for name, value in network.state_dict().items()
    }
    return save(tensors, {KEY: json.dumps(header)})


def unpack(content: bytes) -> Trained:
    """What `packed` wrote.

    Raises:  AezooError for anything else
    """
    try:
        size = int.from_bytes(content[:8], "little")
        header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][KEY])
        network = empty(header["shape"][0], header["widths"], header["classes"])
        network.load_state_dict(load(content))
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError) as err:
        raise AezooError(f"not the weights of a classifier: {err}", fix="reinstall aezoo") from err
    network.requires_grad_(False).eval()
    return Trained(network, header, hashlib.sha256(content).hexdigest())


def load_shipped(name: str) -> Trained:
    """A classifier of this package.

    Raises:  AezooError when its file is not the one that `weights.toml` speaks of
    """
    file = weights_file(name)
    trained = unpack(file.read_bytes())
    expected = table()[name]["sha256"]
    if trained.sha256 != expected:
        raise AezooError(
            f"{file} has the sha256 {trained.sha256}, and it should be {expected}",
            where=TABLE,
            fix="reinstall aezoo",
        )
    return trained


def weights_file(name: str) -> Traversable:
    return resources.files("aezoo_extractors") / "weights" / f"{name}.safetensors"


@cache
def table() -> dict[str, dict[str, Any]]:
    """weights.toml: what is known of each file."""
    return tomllib.loads((resources.files("aezoo_extractors") / TABLE).read_text(encoding="utf-8"))
