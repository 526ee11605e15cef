"""VAE-GAN in miniature: three routes through one graph. Larsen et al., ICML 2016."""

import torch
from torch import nn
from torch.nn.functional import softplus

from aezoo.api import (
    OptimizerConfig,
    Phase,
    Posterior,
    Reconstruction,
    gaussian_nll,
    kl_to_standard_normal,
    mlp,
)
from tests.toyparts import Back, D, Lines, autoencoder, groups, seeded, watch, weights_of

ADAM = OptimizerConfig(lr=2e-3, betas=(0.0, 0.99))


class Coder(Lines):
    """A Gaussian posterior with a fixed width."""

    def forward(self, x, generator=None):
        mean = super().forward(x).z
        log_var = torch.full_like(mean, -2.0)
        eps = torch.zeros_like(mean) if generator is None else torch.randn(mean.shape, generator=generator)
        return Posterior(z=mean + (0.5 * log_var).exp() * eps, mean=mean, log_var=log_var)


class VAEGAN(Reconstruction):
    """Distances in features of a discriminator. Phases and no terms: there is no autoencoder phase."""

    def __init__(self, ratio=0.1):
        super().__init__()
        self.features, self.verdict = mlp([D, 8], last=nn.Tanh), nn.Linear(8, 1)
        self.ratio = ratio

    def phases(self, model):
        discriminator = [self.features, self.verdict]
        yield Phase("encoder", self.encoder, [model.encoder], ADAM)
        yield Phase("decoder", self.decoder, [model.decoder], ADAM)
        yield Phase("discriminator", self.discriminator, discriminator, ADAM)

    def distance(self, step):
        parts = (step.model.encoder, step.model.decoder, self.features)
        return step.once("distance", lambda: self._distance(step), *parts)

    def _distance(self, step):
        return gaussian_nll(self.features(step.x), self.features(step.x_hat), torch.tensor(0.0)).mean()

    def gan(self, step):
        """log D(x) + log(1 - D(fake)), to be raised by the discriminator."""
        parts = (step.model.decoder, step.model.prior_in_force, self.features, self.verdict)
        return step.once("gan", lambda: self._gan(step), *parts)

    def _gan(self, step):
        real, fake = (self.verdict(self.features(x)) for x in (step.x, step.x_prior))
        return -softplus(-real).mean() - softplus(fake).mean()

    def encoder(self, step):
        kl = kl_to_standard_normal(step.posterior.mean, step.posterior.log_var).mean()
        return {"kl": kl, "features": self.distance(step)}

    def decoder(self, step):
        return {"features": self.ratio * self.distance(step), "gan": (1 - self.ratio) * self.gan(step)}

    def discriminator(self, step):
        return {"gan": -self.gan(step)}


def vae_gan(ratio=0.1):
    model = autoencoder(
        encoder=seeded(Coder), decoder=seeded(Back), reconstruction=seeded(lambda: VAEGAN(ratio))
    )
    return model, *watch(model, "batch encoder+decoder+discriminator")


def test_vae_gans_three_players_move_in_one_turn_from_one_graph():
    model, trainer, moves = vae_gan()
    encoded, decoded = model.encoder.calls, model.decoder.calls
    assert all(trainer.iterate(record=True) for _ in range(3))  # it raises for terms that are not finite
    assert [name for name, _ in moves] == ["encoder", "decoder", "discriminator"] * 3
    for turn in (moves[:3], moves[3:6], moves[6:]):
        assert set.union(*(names for _, names in turn)) == set(weights_of(model))
    assert model.encoder.calls - encoded == 3 and model.decoder.calls - decoded == 2 * 3


def one_turn(monkeypatch, ratio=0.1, **muted):
    """Weights after one turn, with one of the two costs multiplied by a number."""
    model, trainer, _ = vae_gan(ratio)
    for name, factor in muted.items():
        cost = getattr(model.reconstruction, name)
        monkeypatch.setattr(
            model.reconstruction, name, lambda step, cost=cost, factor=factor: factor * cost(step)
        )
    trainer.iterate()
    return weights_of(model)


def differing(one, other):
    return groups(name for name in one if not torch.equal(one[name], other[name]))


def test_vae_gans_adversarial_gradient_never_reaches_the_encoder(monkeypatch):
    both, flipped = one_turn(monkeypatch), one_turn(monkeypatch, gan=-1.0)
    assert differing(both, flipped) == {"decoder", "reconstruction"}


def test_vae_gans_discriminator_gets_no_gradient_from_the_reconstruction(monkeypatch):
    both, flipped = one_turn(monkeypatch), one_turn(monkeypatch, distance=-1.0)
    assert differing(both, flipped) == {"encoder", "decoder"}


def test_vae_gans_decoder_without_the_adversary_is_a_feature_autoencoders(monkeypatch):
    both, flipped = one_turn(monkeypatch, ratio=1.0), one_turn(monkeypatch, ratio=1.0, gan=-1.0)
    assert differing(both, flipped) == {"reconstruction"}
