import pytest
import torch
from torch import nn

from aezoo.api import ConfigError, Data, LatentPrior, Regularizer, Split
from aezoo.training.ends import TrainingImages, finish_parts, initialise_parts
from aezoo.training.fitting import _check_no_images
from tests import tiny
from tests.toyparts import D, Lines, M, Part, autoencoder, seeded, state_of, trainer_of

X = torch.arange(10.0)[:, None].repeat(1, D)
DATA = Data("rows", (D,), None, Split(X), Split(X[:2]))


class Mean(Regularizer):
    """Starts from the training images: their mean, and three of them."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(D))
        self.register_buffer("chosen", torch.zeros(3, D))
        self.register_buffer("calls", torch.tensor(0))

    def initialise_from(self, images):
        self.mean += sum(x.sum(0) for x in images.all()) / len(images)
        self.chosen.copy_(images.draw(3))
        self.calls += 1


class Settling(LatentPrior):
    """Settles how far its own draws lie from 0, once its weight is the last."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.scale = nn.Parameter(torch.ones(()))
        self.register_buffer("size", torch.tensor(0.0))
        self.register_buffer("calls", torch.tensor(0))

    def terms(self, step):
        return {"scale": (step.z - self.scale).square().mean()}

    def sample(self, n, generator):
        return self.scale * torch.randn(n, self.latent_dim, generator=generator)

    def finish_training(self, generator):
        assert not self.training and not torch.is_grad_enabled()
        self.size.copy_(self.sample(1000, generator).norm(dim=1).mean())
        self.calls += 1


# -- the first


def test_a_part_starts_from_the_training_images():
    part = Mean()
    initialise_parts(autoencoder(part), DATA, seed=0)
    assert torch.equal(part.mean, torch.full((D,), 4.5))
    rows = part.chosen[:, 0].tolist()
    assert len(set(rows)) == 3 and all((row == X).all(1).any() for row in part.chosen)


def test_what_a_part_draws_follows_the_seed():
    def chosen(seed):
        part = Mean()
        initialise_parts(autoencoder(part), DATA, seed)
        return part.chosen

    assert torch.equal(chosen(0), chosen(0)) and not torch.equal(chosen(0), chosen(1))


def test_looking_at_the_images_through_the_encoder_leaves_its_statistics_and_gradients_alone():
    class Codes(Mean):
        def attach(self, model):
            self._held = (model.encoder,)

        def initialise_from(self, images):
            z = torch.cat([self._held[0](x).z for x in images.all()])
            assert not z.requires_grad and self._held[0].training
            self.mean[:M] = z.mean(0)

    part = Codes()
    model = autoencoder(part, encoder=seeded(lambda: Lines(norm=True)))
    before = state_of(model.encoder)
    initialise_parts(model, DATA, seed=0)
    assert part.mean.abs().sum() > 0
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())


def test_more_images_than_there_are_is_an_error_with_both_numbers():
    images = TrainingImages(DATA, torch.Generator())
    with pytest.raises(ConfigError, match="starts from 11 training images, and there are 10"):
        images.draw(11)


def test_a_run_starts_from_its_images_once_and_not_again_when_it_is_resumed(tmp_path):
    seen = {"regularizer": {"seen": {"name": "tests.training.test_ends:Counted"}}}
    options = {"settings": {**seen, "checkpoint": {"every": 1}}}
    tiny.trained(tmp_path / "run", steps=2, **options)
    run = tiny.trained(tmp_path / "run", steps=4, resume=True, **options)
    assert run.model.regularizer["seen"].calls == 1


class Counted(Regularizer):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.tensor(0))

    def initialise_from(self, images):
        assert images.draw(2).shape == (2, 1, 8, 8)
        self.calls += 1


def test_a_part_inside_a_fit_cannot_start_from_images():
    with pytest.raises(ConfigError, match="Mean starts from training images, and a fit has none"):
        _check_no_images(nn.Sequential(Mean()))


# -- the last


def test_a_part_settles_on_the_last_weights_in_evaluation_mode():
    prior = Settling(latent_dim=M)
    model = autoencoder(prior=prior)
    with torch.no_grad():
        prior.scale.fill_(3.0)
    finish_parts(model.parts(), model, torch.device("cpu"), seed=0)
    assert prior.size == pytest.approx(3.0 * (torch.pi / 2) ** 0.5, rel=0.05)  # Rayleigh, M = 2
    assert model.training and prior.training


def test_a_run_is_finished_before_its_model_is_written_and_an_extended_one_goes_on_from_before(tmp_path):
    options = {"prior": "tests.training.test_ends:Settling", "divergence": "none", "encoder": "point"}
    model = tiny.trained(tmp_path / "run", steps=3, **options).model
    assert model.prior.calls == 1 and model.prior.size > 0
    longer = tiny.trained(tmp_path / "run", steps=6, resume=True, **options).model
    whole = tiny.trained(tmp_path / "whole", steps=6, **options).model
    assert longer.prior.calls == 1
    assert all(
        torch.equal(a, b) for a, b in zip(state_of(longer).values(), state_of(whole).values(), strict=True)
    )


# -- pausing


def test_the_autoencoder_waits_while_a_part_says_so():
    class First(Part):
        def pauses_autoencoder(self, step):
            return step.number < 2

    trainer = trainer_of(autoencoder(First()))
    seen = [set(trainer.iterate(record=True)) for _ in range(4)]
    assert seen == [set(), set(), {"autoencoder/squares"}, {"autoencoder/squares"}]


def test_without_a_part_that_pauses_nobody_is_asked():
    assert autoencoder().phases()[0].when is None
