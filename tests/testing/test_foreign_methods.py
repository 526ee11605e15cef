"""Two methods with other routes than ours train under the same trainer: ALAE and VAE-GAN, in miniature."""

import math

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from aezoo.api import (
    OptimizerConfig,
    Phase,
    Posterior,
    Reconstruction,
    Regularizer,
    gaussian_nll,
    kl_to_standard_normal,
    mlp,
)
from tests.toyparts import (
    Back,
    D,
    Learned,
    Lines,
    M,
    autoencoder,
    groups,
    moved,
    seeded,
    trainer_of,
    weights_of,
)

ADAM = OptimizerConfig(lr=2e-3, betas=(0.0, 0.99))


def turns_of(model, trainer, iterations=3):
    """What each turn moved; the terms of every iteration are finite."""
    turns, take = [], trainer._update

    def watch(turn):
        before = weights_of(model)
        take(turn)
        turns.append(("+".join(descent.phase.name for descent in turn.descents), moved(before, model)))

    trainer._update = watch
    for _ in range(iterations):
        numbers = trainer.iterate(record=True)
        assert numbers and all(math.isfinite(value) for value in numbers.values())
    return turns


# -- ALAE: Pidhorskyi et al., CVPR 2020. F is the prior, G the decoder, E the encoder, D a linear head


class ALAE(Regularizer):
    def __init__(self, gamma=10.0):
        super().__init__()
        self.head, self.gamma = nn.Linear(M, 1), gamma

    def phases(self, model):
        generator, discriminator = [model.prior, model.decoder], [model.encoder, self.head]
        yield Phase("critic", self.critic, discriminator, ADAM, role="critic")
        yield Phase("generator", self.generator, generator, ADAM)
        yield Phase("reciprocity", self.reciprocity, [*generator, model.encoder], ("critic", "generator"))

    def fake_code(self, step):
        """E(G(F(noise)))."""
        model = step.model
        parts = (model.prior, model.decoder, model.encoder)
        return step.once("fake_code", lambda: model.encoder(step.x_prior).z, *parts)

    def critic(self, step):
        x = step.x.clone().requires_grad_()
        real = self.head(step.model.encoder(x).z)
        (slope,) = torch.autograd.grad(real.sum(), x, create_graph=True)
        fake = self.head(step.model.encoder(step.x_prior.detach()).z)
        return {
            "gap": softplus(fake).mean() + softplus(-real).mean(),
            "r1": 0.5 * self.gamma * slope.square().sum(1).mean(),
        }

    def generator(self, step):
        return {"generator": softplus(-self.head(self.fake_code(step))).mean()}

    def reciprocity(self, step):
        return {"reciprocity": (self.fake_code(step) - step.z_prior.detach()).square().mean()}


@pytest.fixture
def alae():
    model = autoencoder(seeded(ALAE), prior=seeded(Learned), reconstruction=Reconstruction())
    return model, trainer_of(model, "batch critic noise generator noise reciprocity")


def test_alae_moves_what_the_paper_says_and_has_no_autoencoder_phase(alae):
    model, trainer = alae
    turns = turns_of(model, trainer)
    assert {name: groups(names) for name, names in turns} == {
        "critic": {"encoder", "regularizer.part0"},
        "generator": {"prior", "decoder"},
        "reciprocity": {"prior", "decoder", "encoder"},
    }
    assert set(weights_of(model)) == set.union(*(names for _, names in turns))


def test_alaes_reciprocity_steps_the_other_two_optimizers(alae):
    _, trainer = alae
    trainer.iterate()
    steps = {
        name: int(state["step"])
        for descent in (trainer.descents["critic"], trainer.descents["generator"])
        for name, weight in zip(descent.names, descent.weights, strict=True)
        for state in [descent.optimizer.state[weight]]
    }
    assert {name for name, count in steps.items() if count == 1} == {  # not behind the reciprocity
        "regularizer.part0.head.weight",
        "regularizer.part0.head.bias",
    }
    assert set(steps.values()) == {1, 2} and trainer.descents["reciprocity"].optimizer is None


# -- VAE-GAN: Larsen et al., ICML 2016. Three routes through one graph


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
    return model, trainer_of(model, "batch encoder+decoder+discriminator")


def test_vae_gans_three_players_move_in_one_turn_from_one_graph():
    model, trainer = vae_gan()
    encoded, decoded = model.encoder.calls, model.decoder.calls
    turns = turns_of(model, trainer)
    assert [phase.name for phase in model.phases()] == ["encoder", "decoder", "discriminator"]
    assert [name for name, _ in turns] == ["encoder+decoder+discriminator"] * 3
    assert all(names == set(weights_of(model)) for _, names in turns)
    assert model.encoder.calls - encoded == 3 and model.decoder.calls - decoded == 2 * 3


def one_turn(monkeypatch, ratio=0.1, **muted):
    """Weights after one turn, with one of the two costs multiplied by a number."""
    model, trainer = vae_gan(ratio)
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
