"""How likely images are under the model: its likelihood, estimated by importance sampling."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.functional.divergences import diagonal_normal_log_prob
from aezoo.parts.autoencoder import Autoencoder, evaluation
from aezoo.parts.doors import take_per_row
from aezoo.parts.interfaces import HasDensity, HasLikelihood
from aezoo.parts.types import require

_PASSES = 512  # images decoded at once: bounds memory

Draw = Callable[[int], tuple[Tensor, Tensor]]
"""Number n of codes for each of the rows [B, *shape] -> z [n * B, m], log q(z | x) [n * B]."""


def importance_nll(
    model: Autoencoder,
    x: Tensor,
    *,
    samples: int,
    generator: torch.Generator,
    level: float | None = None,
) -> Tensor:
    """-log 1/K sum_k p(x | z_k) p(z_k) / q(z_k | x) with z_k ~ q(z | x), in nats per row.

    An upper bound of -log p(x) in the mean, which falls towards it as K = `samples` grows; with K = 1 it is
    the negative ELBO, estimated with one sample. Per bit and dimension: divide by D log 2.

    model:      its reconstruction has a density, its prior a density, its encoder gives log_q, or mean and
                log_var of a normal
    x:          images as the model takes them, on its device
    samples:    K >= 1; 5,000 in the source
    generator:  on the model's device
    level:      distance of the values that x was rounded to, 1/255 for 8 bits; None: x is not rounded

    A density of rounded x says nothing: narrow peaks at the levels raise it without end. So x is dequantised,
    by uniform noise of one level, which is drawn from the generator once a row; what is bounded is then
    the probability of the levels, the density times level^D (Theis et al. 2016, section 3.1).

    Shapes:  [B, *shape] -> float64 [B]
    Range:   nats. With a level >= 0 in the mean. Without one below 0 where densities are above 1, and scaled
             data shift it: x / c adds D log c to log p
    Raises:  ConfigError for parts without what is needed, no samples, values that are not finite, and x that
             is not of zeros and ones where the cost is a probability of those
    Source:  Burda et al. 2016 (arXiv:1509.00519), equation 8; dequantised: Theis et al. 2016
             (arXiv:1511.01844)
    """
    _check(model, x, samples)
    with evaluation(model):
        rows = [_nll(model, chunk, samples, generator, level) for chunk in x.split(_PASSES)]
    return _finite(torch.cat(rows))


def _nll(
    model: Autoencoder, x: Tensor, samples: int, generator: torch.Generator, level: float | None
) -> Tensor:
    draw = _drawing(model, x, generator)
    width = 0.0  # log of what a level takes of the space of x
    if level is not None and not _is_binary(model):
        noise = torch.rand(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        x, width = x + level * (noise - 0.5), x[0].numel() * math.log(level)
    together = max(1, _PASSES // len(x))
    total = torch.full((len(x),), -torch.inf, dtype=torch.float64, device=x.device)
    for done in range(0, samples, together):
        count = min(together, samples - done)
        z, log_q = draw(count)
        log_weight = _log_joint(model, x.repeat(count, *[1] * (x.dim() - 1)), z) - log_q.double()
        total = torch.logaddexp(total, log_weight.reshape(count, len(x)).logsumexp(dim=0))
    return math.log(samples) - total - width


def _log_joint(model: Autoencoder, x: Tensor, z: Tensor) -> Tensor:
    """log p(x | z) + log p(z) [B]."""
    assert isinstance(model.reconstruction, HasLikelihood) and isinstance(model.prior, HasDensity)
    likelihood = model.reconstruction.log_likelihood(x, model.decoder(z)).double()
    return likelihood + take_per_row(model.prior.log_prob(z), model.prior.log_prob, len(z)).double()


def _drawing(model: Autoencoder, x: Tensor, generator: torch.Generator) -> Draw:
    """Codes of x: from the normal that one pass through the encoder gives, else a pass for each sample."""
    posterior = model.encoder(x)
    mean, log_var = posterior.mean, posterior.log_var

    def normal(count: int) -> tuple[Tensor, Tensor]:
        assert mean is not None and log_var is not None
        many, wide = mean.repeat(count, 1), log_var.repeat(count, 1)
        noise = torch.randn(many.shape, generator=generator, device=many.device, dtype=many.dtype)
        z = many + torch.exp(0.5 * wide) * noise
        return z, diagonal_normal_log_prob(z, many, wide)

    def encode(count: int) -> tuple[Tensor, Tensor]:
        drawn = model.encoder(x.repeat(count, *[1] * (x.dim() - 1)), generator)
        (log_q,) = require(drawn, "log_q", by="importance_nll")
        return drawn.z, log_q

    return encode if mean is None or log_var is None else normal


def _check(model: Autoencoder, x: Tensor, samples: int) -> None:
    if len(x) == 0:
        raise ConfigError("x has no rows", where="x", fix="give one image or more")
    if samples < 1:
        raise ConfigError(f"{samples} samples were asked for", where="samples", fix="ask for one or more")
    if not isinstance(model.reconstruction, HasLikelihood):
        raise ConfigError(
            "this reconstruction cost is no density of x, so images have no likelihood",
            where="reconstruction.name",
            fix="evaluate models whose reconstruction has log_likelihood (`aezoo list reconstruction`)",
        )
    if _is_binary(model) and not bool(((x == 0) | (x == 1)).all()):
        raise ConfigError(
            "this reconstruction cost is a probability of zeros and ones, and these images hold other values",
            where="reconstruction.name",
            fix="evaluate a model whose cost is a density of grey values, or give black and white images",
        )
    if not isinstance(model.prior, HasDensity):
        raise ConfigError(
            "this prior has no density, so images have no likelihood",
            where="prior.name",
            fix="evaluate models whose prior has log_prob (`aezoo list prior`)",
        )


def _is_binary(model: Autoencoder) -> bool:
    return bool(getattr(model.reconstruction, "binary", False))


def _finite(nll: Tensor) -> Tensor:
    wrong = (~torch.isfinite(nll)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise ConfigError(
            f"the negative log-likelihood of row {row} is {float(nll[row])}",
            where="x",
            fix="look for NaN in x or in the model's weights",
        )
    return nll
