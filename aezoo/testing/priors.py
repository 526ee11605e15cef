"""Priors: samples, densities, fits."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aezoo.errors import ConfigError
from aezoo.parts.doors import take_per_row
from aezoo.parts.interfaces import FittedPrior, HasDensity, HasKL
from aezoo.parts.types import Posterior
from aezoo.testing.global_state import without_global
from aezoo.testing.rule import Fault, NotApplicable, rule
from aezoo.testing.specimen import ROWS, Specimen, can_sample, generator
from aezoo.testing.tensors import reload


@rule("sampling", "prior", fix="use the generator that is passed in, every time")
def sampling(specimen: Specimen) -> None:
    """Different generators give different codes."""
    model = specimen.assemble()[0].model
    if not can_sample(model):
        raise NotApplicable("no prior is in force while this one waits")
    one, other = (model.prior_in_force.sample(ROWS, generator(seed)) for seed in (1, 2))
    if torch.equal(one, other):
        raise Fault("generators of two seeds give the same codes")


@rule(
    "density",
    "prior",
    method="log_prob",
    fix="let log_prob give log p(z) in nats, [n], without drawing anything",
)
def density(specimen: Specimen) -> None:
    """A density is finite on the prior's own samples, one number each, the same each time."""
    prior = specimen.fit_prior()
    if not isinstance(prior, HasDensity):
        raise NotApplicable("it has no log_prob")
    z = prior.sample(50, generator()).detach()
    log_prob = prior.log_prob(z)
    take_per_row(log_prob, prior.log_prob, 50)
    if not bool(log_prob.isfinite().all()):
        raise Fault("log_prob is not finite on the prior's own samples")
    if not torch.equal(log_prob, prior.log_prob(z)):
        raise Fault("log_prob differs when it is asked twice")
    if isinstance(prior, HasKL):
        normal = Posterior(z, z, torch.zeros_like(z), torch.zeros(50))
        take_per_row(prior.kl(normal, generator()), prior.kl, 50)


@rule(
    "fit",
    "prior",
    method="fit",
    fix="keep a bool buffer `fitted`, and raise ConfigError(what, where=, fix=) in `sample` "
    "until `fit` has set it",
)
def fit(specimen: Specimen) -> None:
    """A fitted prior refuses to sample before its fit; the fit repeats and goes through a file."""
    waiting = specimen.prior()
    if not isinstance(waiting, FittedPrior):
        if hasattr(waiting, "fit"):
            raise Fault("it has `fit`, which is never called", "give it the attributes `during` and `reads`")
        raise NotApplicable("it is not fitted")
    _check_refusal(waiting)
    one = without_global(specimen.fit_prior)
    other = without_global(specimen.fit_prior, 1)
    if not isinstance(getattr(one, "fitted", None), Tensor) or not bool(one.fitted):
        raise Fault("after its fit the buffer `fitted` is not true")
    sample = one.sample(ROWS, generator())
    if not torch.equal(sample, other.sample(ROWS, generator())):
        raise Fault("two fits to the same codes differ", "draw from fitting.generator")
    fresh = specimen.prior().eval()
    fresh.load_state_dict(reload(one))
    if not torch.equal(sample, fresh.sample(ROWS, generator())):
        raise Fault("saved and loaded, the fitted prior's samples differ", "keep what was fitted in buffers")


def _check_refusal(prior: Any) -> None:
    try:
        prior.sample(1, generator())
    except ConfigError as err:
        if not (err.where and err.fix):
            raise Fault("its refusal does not say where and how to mend it") from err
        return
    except Exception as err:
        raise Fault(f"sampling before the fit raises {type(err).__name__}, not ConfigError") from err
    raise Fault("it samples before its fit")
