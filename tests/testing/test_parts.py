"""What every registered part must do, found through the registry: new ones are covered by themselves."""

import numpy as np
import pytest
import torch
from PIL import Image

from aezoo.registry import registry
from aezoo.testing import parametrize_with_checks

NEEDED = {  # settings without a useful default
    "mixture": {"preset": "oracle", "latent_dim": 2},
    "folder": {"path": "pictures"},
    "npz": {"path": "rows.npz"},
}
PARTS = [
    *((info.kind, info.name, NEEDED.get(info.name, {})) for info in registry.list_components()),
    ("prior", "mixture", {"preset": "ring", "latent_dim": 2}),  # settings that take another way
    ("prior", "gmm", {"covariance": "diag"}),
]


@pytest.fixture(autouse=True)
def _no_global_randomness():
    """After every test here torch's own generator is where it was."""
    before = torch.get_rng_state()
    yield
    assert torch.equal(torch.get_rng_state(), before)


@pytest.fixture(autouse=True)
def _files(request, tmp_path, monkeypatch):
    """Files for the datasets that read a user's own."""
    if not any(f"dataset/{name}-" in request.node.name for name in ("folder", "npz")):
        return
    monkeypatch.chdir(tmp_path)
    values = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8)
    np.savez("rows.npz", x=values)
    (tmp_path / "pictures").mkdir()
    for number, value in enumerate(values):
        Image.fromarray(value).save(f"pictures/{number:02}.png")


@parametrize_with_checks(*PARTS)
def test_every_part_keeps_the_rules_of_its_kind(check):
    check()


def test_there_are_fitted_priors_among_them():
    priors = [registry.load_target(info) for info in registry.list_components("prior")]
    assert sum(hasattr(prior, "fit") for prior in priors) >= 2
