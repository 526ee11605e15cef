"""Made-up sets of features that tests of measures share."""

import torch


def normal(rows, width, *, mean=0.0, scale=1.0, seed=0, dtype=torch.float64):
    draw = torch.Generator().manual_seed(seed)
    return (mean + scale * torch.randn(rows, width, generator=draw, dtype=torch.float64)).to(dtype)


def rotation(width, seed=0):
    return torch.linalg.qr(normal(width, width, seed=seed)).Q
