from types import SimpleNamespace

import pytest
import torch

from aezoo.api import Component, ConfigError, Fitting, Phase, Posterior, build_model
from aezoo.training.step import weight_ids
from aezoo.training.trainer import Trainer
from aezoo_priors.two_stage import TwoStage, TwoStageFit
from tests.toyparts import Flow, Shift, same, state_of


class Stages:
    """Runs trainers to their end, and remembers them."""

    config = SimpleNamespace(train=SimpleNamespace(precision="fp32", batch_size=32))

    def __init__(self, model):
        self.model, self.ran, self.log = model, [], []

    def go(self, stage, trainer, steps):
        self.ran.append((stage, steps, trainer))
        self.log += [trainer.iterate(record=True) for _ in range(steps)]


def fitting(prior, seed=0, steps=30):
    stages = Stages(prior)
    return Fitting(stages, seed=seed, device=torch.device("cpu"), steps=steps), stages


@pytest.fixture
def made(monkeypatch):
    """Minibatches and seed of each trainer that a fit makes."""
    seen = []

    def make(model, phases, schedule, batches, *, seed, **options):
        seen.append((batches, seed))
        return Trainer(model, phases, schedule, batches, seed=seed, **options)

    monkeypatch.setattr("aezoo.training.fitting.Trainer", make)
    return seen


def two_stage_vae(**prior):
    sections = {
        "backbone": {"name": "mlp", "hidden": [8]},
        "encoder": "gaussian",
        "prior": {"name": "two-stage", "hidden": [16], **prior},
        "divergence": "kl",
        "reconstruction": "gaussian",
    }
    return build_model(sections, shape=(4,), range=None, latent_dim=2).train()


def codes(n=400, shift=3.0):
    z = torch.randn(n, 2, generator=torch.Generator().manual_seed(5)) + shift
    return Posterior(z=z, mean=z, log_var=torch.full_like(z, -6.0))


def second_stage(**settings):
    torch.manual_seed(0)
    return TwoStage(2, hidden=(16,), fit=TwoStageFit(batch_size=64, lr=0.01, **settings))


def test_sampling_before_the_fit_is_an_error():
    with pytest.raises(ConfigError, match="not been fitted") as err:
        two_stage_vae().sample(3)
    assert err.value.where == "prior.name"


def test_the_second_stage_trains_through_the_one_trainer():
    prior = second_stage()
    means, stages = fitting(prior, steps=40)
    prior.fit(codes(), means)
    ((stage, steps, trainer),) = stages.ran
    assert (stage, steps) == ("fit", 40) and trainer.model is prior.stage
    losses = [numbers["autoencoder/gaussian"] + numbers["autoencoder/kl"] for numbers in stages.log]
    assert sum(losses[-5:]) < sum(losses[:5]) and bool(prior.fitted) and not prior.stage.training


@pytest.mark.parametrize(("asked", "rows"), [(None, 32), (8, 8)])
def test_the_second_stage_takes_minibatches_as_large_as_the_first_unless_told_otherwise(made, asked, rows):
    prior = TwoStage(2, hidden=(16,), fit=TwoStageFit(batch_size=asked, steps=1))
    means, _ = fitting(prior)
    prior.fit(codes(), means)
    assert len(made[0][0].batch(0)) == rows


def test_samples_of_the_fitted_second_stage_lie_where_the_codes_do():
    prior = second_stage(steps=300)
    means, _ = fitting(prior)
    prior.fit(codes(), means)
    z = prior.sample(2000, torch.Generator().manual_seed(0)).detach()
    assert torch.allclose(z.mean(0), torch.full((2,), 3.0), atol=0.4)
    assert torch.allclose(z.std(0), torch.ones(2), atol=0.4)


def test_the_second_stage_never_touches_the_first():
    model = two_stage_vae(fit={"steps": 5})
    before = state_of(model)
    means, stages = fitting(model)
    with torch.no_grad():
        posterior = model.encode(torch.rand(64, 4))
    model.prior.fit(posterior, means)
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed and all(name.startswith("prior.") for name in changed)
    held = {key for descent in stages.ran[0][2].descents.values() for key in descent.ids}
    assert held == weight_ids(model.prior)
    assert all(weight.grad is None for weight in model.parameters())


def test_the_first_stage_never_trains_the_second():
    model = two_stage_vae()
    moves = {id(weight) for phase in model.phases() for part in phase.moves for weight in _weights(part)}
    assert moves.isdisjoint(weight_ids(model.prior)) and moves >= weight_ids(model.encoder, model.decoder)


def _weights(part):
    return [part] if isinstance(part, torch.nn.Parameter) else part.parameters()


def test_a_sample_is_the_decoded_code_plus_gamma_noise_on_z():
    prior = second_stage()
    prior.fitted.fill_(True)
    n = 20_000
    with torch.no_grad():
        prior.stage.reconstruction.log_gamma.fill_(-1.0)
        z = prior.sample(n, torch.Generator().manual_seed(1))
        u = prior.stage.prior.sample(n, torch.Generator().manual_seed(1))
        noise = z - prior.stage.decoder(u)
    assert torch.allclose(noise.std(0), torch.exp(torch.tensor([-1.0, -1.0])), rtol=0.03)
    assert noise.mean(0).abs().max() < 0.02
    assert torch.corrcoef(torch.cat([noise, u], 1).T)[:2, 2:].abs().max() < 0.03  # not u itself


def test_targets_are_drawn_anew_from_the_posteriors(made):
    """A wide posterior at one mean: the second stage sees its width, not a point."""
    wide = Posterior(z=torch.zeros(10, 2), mean=torch.zeros(10, 2), log_var=torch.zeros(10, 2))
    prior = second_stage(steps=1)
    prior.fit(wide, fitting(prior)[0])
    ((batches, _),) = made
    seen = torch.cat([batches.batch(draw) for draw in range(40)])
    assert torch.allclose(seen.std(0), torch.ones(2), atol=0.1)
    assert torch.equal(batches.batch(7), batches.batch(7)) and not torch.equal(batches.batch(7), seen[:64])
    assert not torch.equal(batches.batch(7, stream=1), batches.batch(7))


def test_a_fit_is_repeatable_and_follows_the_seed():
    def fit(seed):
        prior = second_stage(steps=5)
        means, _ = fitting(prior, seed)
        prior.fit(codes(), means)
        return state_of(prior)

    first = fit(0)
    assert same(first, fit(0)) and not same(first, fit(1))


def test_a_second_fit_of_a_prior_has_a_stage_and_noise_of_its_own(made):
    prior = second_stage(steps=2)
    means, stages = fitting(prior)
    prior.fit(codes(), means)
    prior.fit(codes(), means)
    assert [stage for stage, _, _ in stages.ran] == ["fit", "fit2"]
    assert len({seed for _, seed in made}) == 2


def test_the_fits_generator_is_the_runs_and_no_other():
    one, again, other = (fitting(Flow(latent_dim=2), seed)[0] for seed in (0, 0, 1))
    draws = [torch.rand(2, generator=each.generator) for each in (one, again, other)]
    assert torch.equal(draws[0], draws[1]) and not torch.equal(draws[0], draws[2])


# -- modules that are no autoencoder


def test_a_flow_is_fitted_by_the_one_trainer():
    prior = Flow(latent_dim=2)
    means, stages = fitting(prior, steps=400)
    given = codes(shift=3.0)
    prior.fit(given, means)
    ((stage, steps, trainer),) = stages.ran
    assert (stage, steps, trainer.model) == ("fit", 400, prior.flow) and not prior.flow.training
    assert torch.allclose(prior.flow.shift, given.z.mean(0), atol=0.05)
    assert torch.allclose(prior.flow.scale.exp(), given.z.std(0), atol=0.05)


def test_parts_inside_a_fitted_module_are_told_the_end_of_each_iteration():
    class Counting(Component):
        def __init__(self):
            super().__init__()
            self.flow = Shift(2)
            self.register_buffer("count", torch.tensor(0))

        def after(self, step):
            self.count += 1

    module = Counting()
    means, _ = fitting(module, steps=7)
    phase = Phase("flow", module.flow.loss, [module.flow])
    means.train(module, lambda draw: torch.ones(4, 2), [phase])
    assert module.count == 7


def test_a_module_that_checkpoints_would_not_contain_is_not_fitted():
    prior = Flow(latent_dim=2)
    lost = Shift(2)
    with pytest.raises(ConfigError, match="Shift that a prior fits is no part of the run's model") as err:
        fitting(prior)[0].train(lost, lambda draw: torch.ones(4, 2), [Phase("flow", lost.loss, [lost])])
    assert "its scale would never be saved" in str(err.value) and "submodule" in err.value.fix
