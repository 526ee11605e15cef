"""What a part gives is looked at where training takes it, and the part is named."""

import inspect

import pytest
import torch

from aezoo.api import LatentPrior, Phase, Posterior
from aezoo.errors import AezooError, PartError
from tests.toyparts import B, Back, Lines, M, Part, autoencoder, trainer_of


class Wide(LatentPrior):
    latent_dim = M

    def sample(self, n, generator):
        return torch.randn(n, M + 1, generator=generator)


class Mute(LatentPrior):
    latent_dim = M

    def sample(self, n, generator):
        """Nothing."""


class Tall(Lines):
    """A density that would broadcast to [B, B]; without noise it is right."""

    def forward(self, x, generator=None):
        z = self.net(x)
        return Posterior(z, log_q=z.sum(1, keepdim=generator is not None))


class Bare(Lines):
    def forward(self, x, generator=None):
        return self.net(x)


class Silent(Back):
    def forward(self, z):
        """Nothing."""


def looking(name):
    """A regularizer whose term asks the step for something."""
    return Part(terms=lambda part, step: {"look": 0 * getattr(step, name).mean()})


def giving(value):
    return Part(terms=lambda part, step: value)


def telling(loss, when=None):
    """A regularizer with a phase of that loss."""
    weight = torch.nn.Parameter(torch.ones(()))
    return Part(phases=lambda part, model: [Phase("own", loss, [part.w], when=when)], w=weight)


def nothing(step):
    """A loss that forgets its return."""


TENSOR = torch.ones(3)


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"prior": Wide()}, f"Wide.sample gives a tensor of shape {(B, M + 1)} where"),
        ({"prior": Mute()}, "Mute.sample gives None where"),
        ({"encoder": Tall()}, f"Tall.forward gives a tensor of shape {(B, 1)} as log_q"),
        ({"encoder": Bare()}, "Bare.forward gives a tensor of shape (2, 2) where a Posterior is needed"),
        ({"decoder": Silent()}, "Silent.forward gives None where a tensor of shape (2, 4) is needed"),
        (giving(None), "Part.terms gives None where a dict of named scalars is needed"),
        (giving(torch.ones(())), "Part.terms gives a tensor of shape () where a dict"),
        (giving({"t": TENSOR}), "Part.terms gives a tensor of shape (3,) as the term 't'"),
        (giving({"t": 0.5}), "Part.terms gives a float as the term 't' where a scalar tensor is needed"),
        (telling(nothing), "nothing gives None where a dict"),
        (telling(lambda step: {}, when=nothing), "nothing gives None where yes or no is needed"),
        (Part(phases=lambda part, model: None), "Part.phases gives None where phases are needed"),
        (Part(phases=lambda part, model: ["own"]), "Part.phases gives a str where phases are needed"),
    ],
)  # fmt: skip
def test_what_a_part_gives_wrongly_is_told_with_its_part_and_line(parts, what):
    with pytest.raises(PartError) as caught:
        own = () if isinstance(parts, dict) else (parts,)
        model = autoencoder(looking("z_prior"), *own, **(parts if isinstance(parts, dict) else {}))
        trainer_of(model).iterate()
    assert what in caught.value.what and caught.value.fix
    assert isinstance(caught.value, AezooError) and ".py, line " in caught.value.where


def test_the_line_is_the_methods_own():
    with pytest.raises(PartError) as caught:
        trainer_of(autoencoder(looking("z_prior"), prior=Wide())).iterate()
    line = inspect.getsourcelines(Wide.sample)[1]
    assert caught.value.where == f"{__file__}, line {line}"


def test_samples_of_a_trained_prior_are_looked_at_too():
    with pytest.raises(PartError, match=r"Wide\.sample"):
        autoencoder(prior=Wide()).sample(3)
