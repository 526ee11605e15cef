import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from aezoo.errors import ConfigError
from aezoo.metrics.reconstruction import PSNR_CAP, reconstruction, reconstruction_rows

seeds = st.integers(0, 2**31 - 1)


def images(seed, rows=3, shape=(2, 14, 13)):
    draw = torch.Generator().manual_seed(seed)
    x = torch.rand(rows, *shape, generator=draw)
    return x, (x + 0.2 * torch.randn(x.shape, generator=draw)).clamp(0, 1)


def ssim_by_definition(x, y, size):
    """Wang et al. 2004, equations 13 to 17, window by window, for one channel [H, W]."""
    place = np.arange(size) - size // 2
    weight = np.exp(-(place[:, None] ** 2 + place[None] ** 2) / (2 * 1.5**2))
    weight /= weight.sum()
    values = []
    for top in range(x.shape[0] - size + 1):
        for left in range(x.shape[1] - size + 1):
            p, q = (image[top : top + size, left : left + size] for image in (x, y))
            mean_p, mean_q = (weight * p).sum(), (weight * q).sum()
            var_p, var_q = (weight * (p - mean_p) ** 2).sum(), (weight * (q - mean_q) ** 2).sum()
            covariance = (weight * (p - mean_p) * (q - mean_q)).sum()
            light = (2 * mean_p * mean_q + 0.01**2) / (mean_p**2 + mean_q**2 + 0.01**2)
            values.append(light * (2 * covariance + 0.03**2) / (var_p + var_q + 0.03**2))
    return np.mean(values)


@pytest.mark.parametrize(("shape", "size"), [((2, 14, 13), 11), ((1, 8, 8), 7), ((1, 5, 30), 5)])
def test_ssim_is_its_definition(shape, size):
    x, y = images(0, shape=shape)
    expected = [
        np.mean([ssim_by_definition(p, q, size) for p, q in zip(one, other, strict=True)])
        for one, other in zip(x.double().numpy(), y.double().numpy(), strict=True)
    ]
    assert reconstruction_rows(x, y)["ssim"].tolist() == pytest.approx(expected, abs=1e-12)


def test_ssim_of_two_even_greys_is_their_light_alone():
    x, y = torch.full((1, 1, 16, 16), 0.5), torch.full((1, 1, 16, 16), 0.25)
    expected = (2 * 0.5 * 0.25 + 1e-4) / (0.5**2 + 0.25**2 + 1e-4)
    assert reconstruction(x, y)["ssim"] == pytest.approx(expected)


def test_a_perfect_reconstruction():
    x, _ = images(0)
    assert reconstruction(x, x) == pytest.approx({"sse": 0.0, "mse": 0.0, "psnr": PSNR_CAP, "ssim": 1.0})


def test_errors_by_hand():
    x = torch.zeros(2, 1, 12, 12)
    x_hat = torch.stack([torch.full((1, 12, 12), 0.1), torch.full((1, 12, 12), 1.0)])
    found = reconstruction(x, x_hat)
    assert found["sse"] == pytest.approx((144 * 0.01 + 144) / 2)
    assert found["mse"] == pytest.approx((0.01 + 1) / 2)
    assert found["psnr"] == pytest.approx((20 + 0) / 2)  # the mean of both images', not of the mean error


def test_psnr_of_8_bit_noise_is_the_known_number():
    x = torch.full((1, 1, 16, 16), 100 / 255)
    found = reconstruction(x, torch.full((1, 1, 16, 16), 101 / 255))
    assert found["psnr"] == pytest.approx(20 * math.log10(255), abs=1e-4)  # 48.13 dB: off by one everywhere


def test_vectors_have_errors_only():
    found = reconstruction(torch.tensor([[-3.0, 1.0]]), torch.tensor([[-1.0, 1.0]]))
    assert found == {"sse": 4.0, "mse": 2.0}


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds)
def test_rows_do_not_depend_on_each_other(seed):
    x, y = images(seed, rows=4)
    order = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    for name, values in reconstruction_rows(x, y).items():
        torch.testing.assert_close(reconstruction_rows(x[order], y[order])[name], values[order])


@settings(deadline=None, max_examples=10)  # the first call imports and warms up
@given(seeds)
def test_measures_are_symmetric_and_ssim_at_most_one(seed):
    x, y = images(seed)
    assert reconstruction(x, y) == pytest.approx(reconstruction(y, x))
    assert (reconstruction_rows(x, y)["ssim"].abs() <= 1.0).all()


def test_more_images_than_fit_a_block_and_arrays_do():
    x, y = images(0, rows=300, shape=(1, 4, 4))
    found = reconstruction_rows(x.numpy(), y.numpy())
    assert all(values.shape == (300,) and values.dtype == torch.float64 for values in found.values())
    torch.testing.assert_close(found["ssim"][290:], reconstruction_rows(x[290:], y[290:])["ssim"])


@pytest.mark.parametrize(
    ("x", "x_hat", "message"),
    [
        (torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 5), r"x_hat \(2, 1, 4, 5\)"),
        (torch.zeros(2, 1, 4, 4), torch.zeros(1, 1, 4, 4), r"x_hat \(1, 1, 4, 4\)"),
        (torch.zeros(0, 1, 4, 4), torch.zeros(0, 1, 4, 4), "x has 0 rows"),
        (torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), torch.nan), "x_hat holds nan"),
        (torch.full((2, 1, 4, 4), 255, dtype=torch.uint8), torch.zeros(2, 1, 4, 4), "x reaches from 255 to"),
        (torch.zeros(2, 1, 4, 4), torch.full((2, 1, 4, 4), -0.5), "x_hat reaches from -0.5"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(x, x_hat, message):
    with pytest.raises(ConfigError, match=message):
        reconstruction(x, x_hat)
