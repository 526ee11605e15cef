"""Parts that a stopped training does not find again as they were."""

import itertools

import pytest
import torch
from torch import nn

from aezoo.api import ConfigError, LatentPrior, Memory, Phase, Regularizer, generator_for
from aezoo.testing import BrokenRule, check_component, resuming, rules
from tests.rules import each_breaks


class Counting(Regularizer):
    """A counter changed in `terms`, outside of buffers."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def terms(self, step):
        self.calls += 1
        return {"counting": 0.1 * self.calls * step.z.square().mean()}


class Late(Counting):
    """One that no number of the first steps shows."""

    def terms(self, step):
        self.calls += 1
        return {"late": (1.0 if self.calls < 1000 else 0.0) * step.z.square().mean()}


class Listing(Regularizer):
    """Codes kept in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = []

    def after(self, step):
        self.kept.append(step.z.mean())

    def terms(self, step):
        return {"listing": step.z.square().mean() + sum(self.kept, start=torch.zeros(()))}


class Unsaved(Regularizer):
    """A buffer that is left out of the state."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()), persistent=False)

    def after(self, step):
        self.mean.copy_(step.z.mean())

    def terms(self, step):
        return {"unsaved": (step.z - self.mean).square().mean()}


test_a_part_that_breaks_a_rule_is_told_which_and_what_to_mend = each_breaks(
    resuming,
    ("resume", "regularizer", Counting),
    ("resume", "regularizer", Late),
    ("resume", "regularizer", Listing),
    ("resume", "regularizer", Unsaved),
)


def test_a_counter_outside_of_buffers_breaks_this_rule_alone():
    for rule in rules("regularizer"):
        if rule != "resume":
            check_component("regularizer", Counting, rule=rule)


class Pool(Memory):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(()))


class Kept(Regularizer):
    """The same in a buffer, in training-only memory, by the step's number, and in a cache made again."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.memory, self.weight, self.cache = Pool(), nn.Parameter(torch.ones(())), {}

    def after(self, step):
        self.calls += 1
        self.memory.mean.copy_(step.z.mean())

    def terms(self, step):
        self.cache.setdefault("eye", torch.eye(step.z.shape[1]))
        z = step.z @ self.cache["eye"] - self.memory.mean
        return {"kept": (self.calls + step.number) * self.weight * z.square().mean()}


def test_what_is_kept_in_buffers_passes():
    check_component("regularizer", Kept)


class Started(Regularizer):
    """A start from training images that no buffer keeps; a resumed run is not shown them again."""

    def __init__(self) -> None:
        super().__init__()
        self.level = 0.0

    def initialise_from(self, images):
        self.level = float(images.draw(3).mean())

    def terms(self, step):
        return {"started": (step.z - self.level).square().mean()}


def test_a_start_from_images_that_no_buffer_keeps_is_found():
    with pytest.raises(BrokenRule, match=r"`Started\.level`"):
        check_component("regularizer", Started, rule="resume")


class Constant(LatentPrior):
    """A constant of normalisation that only the end of training sets, outside of buffers."""

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim, self.scale = latent_dim, 1.0

    def finish_training(self, generator):
        self.scale = 2.0

    def sample(self, n, generator):
        return self.scale * torch.randn(n, self.latent_dim, generator=generator, device=generator.device)


def test_an_end_of_training_that_no_buffer_keeps_is_found():
    with pytest.raises(BrokenRule, match="saved and loaded, the prior's sample differs"):
        check_component("prior", Constant, rule="state")


class Trained(LatentPrior):
    """A shift that its fit trains on codes chosen by the draw."""

    during, reads = "normal", ("z",)

    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim, self.shift = latent_dim, nn.Linear(1, latent_dim)
        self.register_buffer("fitted", torch.tensor(False))

    def rows(self, codes, draw):
        return codes.z[torch.randint(len(codes.z), (8,), generator=generator_for("cpu", "rows", draw))]

    def fit(self, codes, fitting):
        phase = Phase("shift", self.loss, [self.shift])
        fitting.train(self.shift, lambda draw: self.rows(codes, draw), [phase])
        self.fitted.fill_(True)

    def loss(self, step):
        return {"shift": (step.x - self.shift(step.x[:, :1])).square().mean()}

    def sample(self, n, generator):
        if not self.fitted:
            raise ConfigError("not fitted yet", where="prior.name", fix="let training end")
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device) + self.shift.bias


class Turning(Trained):
    """The same on codes in turn, by a count of its own."""

    def fit(self, codes, fitting):
        turns = itertools.count()
        phase = Phase("shift", self.loss, [self.shift])
        fitting.train(self.shift, lambda draw: self.rows(codes, next(turns)), [phase])
        self.fitted.fill_(True)


def test_a_fit_that_does_not_resume_is_found():
    check_component("prior", Trained)
    with pytest.raises(
        BrokenRule, match="its fit, stopped after a step and resumed, ends with another shift"
    ):
        check_component("prior", Turning, rule="resume")
