"""What already cost others dearly: gradient penalties, signs, loss weights, BatchNorm."""

import pytest
import torch
from torch import nn

from aezoo.api import Autoencoder, Encoder, LatentPrior, Posterior, batch_norms, still_statistics
from aezoo.config.optimizer import OptimizerConfig
from aezoo_regularizers.interp import Interp
from aezoo_regularizers.wgan import WGAN
from tests.toyparts import (
    Back,
    Learned,
    Lines,
    M,
    Rows,
    Squares,
    autoencoder,
    only,
    seeded,
    step_of,
    trainer_of,
)

W = torch.tensor([3.0, 4.0])


def linear_wgan(w=W, **options):
    """A Wasserstein tie whose critic is w^T z."""
    part = WGAN(M, hidden=(), **options)
    with torch.no_grad():
        part.critic[0].weight.copy_(w)
    return part


def test_the_penalty_of_a_linear_critic_is_ten_times_sixteen():
    part = linear_wgan()
    model = autoencoder(part, prior=seeded(Learned))
    step = step_of(model)
    with step.in_phase("latent_critic", 1):
        terms = part.critic_loss(step)
        gap = (step.z_prior @ W).mean() - (step.z @ W).mean()
    assert terms["penalty"].item() == pytest.approx(160.0, rel=1e-5)
    assert terms["gap"].item() == pytest.approx(gap.item(), rel=1e-4)


def test_the_penalty_reaches_the_critics_weights():
    """d/dw 10 (||w|| - 1)^2 = 20 (||w|| - 1) w / ||w||, so that w = (3, 4) becomes shorter."""
    part = linear_wgan()
    model = autoencoder(part, prior=seeded(Learned))
    step = step_of(model)
    with step.in_phase("latent_critic", 1):
        penalty = part.critic_loss(step)["penalty"]
    (gradient,) = torch.autograd.grad(penalty, part.critic[0].weight)
    assert torch.allclose(gradient, 20.0 * 4.0 * W / 5.0, rtol=1e-4)


@pytest.mark.parametrize(("phase", "sign"), [("encoder", -1.0), ("prior", 1.0)])
def test_the_encoder_lowers_the_critic_and_the_prior_raises_it(phase, sign):
    model = autoencoder(linear_wgan(), prior=seeded(Learned))

    def height():
        z = model.encode(Rows().batch(0)).z
        if phase == "prior":
            z = model.prior.sample(500, torch.Generator().manual_seed(0))
        return (z @ W).mean().item()

    before = height()
    only(model, f"batch {phase}", optimizers={phase: OptimizerConfig(name="sgd", lr=1e-3)}).iterate()
    assert sign * (height() - before) > 1e-4


def test_the_critic_goes_up_on_codes_and_down_on_the_priors():
    part = seeded(lambda: WGAN(M, hidden=(8,), penalty=0.0))
    trainer = only(autoencoder(part, prior=seeded(Learned)), "batch latent_critic")
    values = [trainer.iterate(record=True) for _ in range(200)]
    estimate = [numbers["latent_critic/wasserstein"] for numbers in values]
    assert sum(estimate[-20:]) / 20 > sum(estimate[:20]) / 20 + 0.1  # tiny batches: single values are noisy
    assert all(numbers["latent_critic/gap"] == -w for numbers, w in zip(values, estimate, strict=True))


def trajectory(weight, **optimizer):
    part = seeded(lambda: WGAN(M, hidden=(8,), weight=weight))
    model = autoencoder(part, prior=seeded(Learned))
    config = OptimizerConfig(lr=1e-3, betas=(0.0, 0.9), **optimizer)
    trainer = only(model, "batch encoder", optimizers={"encoder": config})
    for _ in range(20):
        trainer.iterate()
    return torch.cat([weight.detach().flatten() for weight in model.encoder.parameters()])


def test_a_thousandfold_weight_on_the_encoders_loss_is_inert_under_adam():
    one, thousand = trajectory(1.0), trajectory(1000.0)
    start = torch.cat([weight.detach().flatten() for weight in seeded(Lines).parameters()])
    assert (one - start).abs().max() > 5e-3
    assert (one - thousand).abs().max() < 1e-5  # what eps leaves


def test_a_thousandfold_weight_on_the_encoders_loss_is_not_inert_under_sgd():
    assert (trajectory(1.0, name="sgd") - trajectory(1000.0, name="sgd")).abs().max() > 0.1


class Identity(Encoder):
    """z is a linear function of x, the identity at first."""

    def __init__(self):
        super().__init__()
        self.latent_dim = M
        self.net = nn.Linear(M, M)
        nn.init.eye_(self.net.weight)
        nn.init.zeros_(self.net.bias)

    def forward(self, x, generator=None):
        return Posterior(z=self.net(x))


class Shifted(LatentPrior):
    """N(shift, I), with a linear layer to learn another."""

    def __init__(self, shift):
        super().__init__()
        self.latent_dim = M
        self.net = nn.Linear(M, M)
        nn.init.eye_(self.net.weight)
        nn.init.constant_(self.net.bias, shift)

    def sample(self, n, generator):
        return self.net(torch.randn(n, M, generator=generator))


class Normals(Rows):
    def batch(self, draw, stream=0):
        u = super().batch(draw, stream)
        return torch.randn(64, M, generator=torch.Generator().manual_seed(int(1e6 * u.sum())))


class Narrow(Back):
    """z [B, M] -> x_hat [B, M] with BatchNorm on z."""

    def __init__(self):
        super().__init__()
        norm = nn.BatchNorm1d(M, momentum=0.03)  # little noise of its own
        self.net = nn.Sequential(norm, nn.Linear(M, 16), nn.Tanh(), nn.Linear(16, M))


def toy(shift, *regularizers):
    torch.manual_seed(0)
    return Autoencoder(
        Identity(),
        Narrow(),
        Shifted(shift),
        shape=(M,),
        range=None,
        reconstruction=Squares(),
        regularizers={f"part{index}": make() for index, make in enumerate(regularizers)},
    ).train()


def test_the_wasserstein_estimate_finds_a_far_prior_and_falls_as_it_comes_near():
    model = toy(3.0, lambda: WGAN(M, hidden=(32,)))
    rate = OptimizerConfig(lr=2e-2, betas=(0.0, 0.9))
    rates = {"latent_critic": OptimizerConfig(lr=5e-3, betas=(0.0, 0.9)), "prior": rate}
    first = only(model, "batch latent_critic", Normals(), optimizers=rates)
    far = [first.iterate(record=True)["latent_critic/wasserstein"] for _ in range(150)][-1]
    distance = 3.0 * M**0.5  # of the two means, which is W_1 of the two Gaussians
    assert far == pytest.approx(distance, rel=0.25)
    trainer = only(model, "5*(batch latent_critic) prior", Normals(), optimizers=rates)
    estimates = [trainer.iterate(record=True)["latent_critic/wasserstein"] for _ in range(150)]
    assert max(estimates) < 1.5 * distance  # it does not grow without bound
    assert sum(estimates[-20:]) / 20 < 0.2 * distance
    assert model.prior.net.bias.abs().max() < 1.0


def generation_gap(shift, show_prior):
    """How samples decoded in training and in evaluation mode differ, after a brief FlexAE-SR training.

    The largest difference of a mean, in standard deviations, and of a standard deviation, as a part of it.
    """
    model = toy(shift, lambda: WGAN(M, hidden=(16,), show_prior=show_prior), lambda: Interp((M,), hidden=16))
    schedule = "batch autoencoder batch latent_critic image_critic smoothing prior encoder"
    slow = {"prior": OptimizerConfig(lr=1e-4, betas=(0.0, 0.9))}  # it stays where the test puts it
    trainer = trainer_of(model, schedule, batches=Normals(), optimizers=slow)
    for _ in range(200):
        trainer.iterate()
    z = model.prior.sample(4000, torch.Generator().manual_seed(0)).detach()
    with torch.no_grad(), still_statistics(batch_norms(model)):
        trained = model.decoder(z)
    used = model.decode(z)
    mean = ((used.mean(0) - trained.mean(0)) / trained.std(0)).abs().max().item()
    return mean, (used.std(0) / trained.std(0) - 1).abs().max().item()


def test_samples_nearly_agree_between_modes_where_the_prior_has_met_the_codes():
    """Not closer: of the three inputs that the statistics blend, interpolations are narrower than codes.

    The default run is held to a few percent in tests/stories/test_main_job.py.
    """
    mean, width = generation_gap(0.0, show_prior=True)
    assert mean < 0.1 and width < 0.2


def test_showing_the_prior_closes_a_third_of_the_gap_between_modes_where_it_has_not():
    """Training mode centres on the prior's codes; evaluation mode on the blend of all three inputs."""
    shown, hidden = (generation_gap(1.0, show_prior)[0] for show_prior in (True, False))
    assert 0.55 < shown / hidden < 0.8
