"""ALAE in miniature. Pidhorskyi et al., CVPR 2020; F is the prior, G the decoder, D a linear head on E."""

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from aezoo.api import OptimizerConfig, Phase, Reconstruction, Regularizer
from tests.toyparts import Learned, M, autoencoder, groups, seeded, watch, weights_of

ADAM = OptimizerConfig(lr=2e-3, betas=(0.0, 0.99))


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
    return model, *watch(model, "batch critic noise generator noise reciprocity")


def test_alae_moves_what_the_paper_says_and_has_no_autoencoder_phase(alae):
    model, trainer, moves = alae
    assert all(trainer.iterate(record=True) for _ in range(3))  # it raises for terms that are not finite
    assert {name: groups(names) for name, names in moves} == {
        "critic": {"encoder", "regularizer.part0"},
        "generator": {"prior", "decoder"},
        "reciprocity": {"prior", "decoder", "encoder"},
    }
    assert set(weights_of(model)) == set.union(*(names for _, names in moves))


def test_alaes_reciprocity_steps_the_other_two_optimizers(alae):
    _, trainer, _ = alae
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
