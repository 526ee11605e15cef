"""What every registered part must do, found through the registry: new ones are covered by themselves."""

from __future__ import annotations

import tomllib

import pytest
import tomli_w
import torch
from safetensors.torch import load, save

from aezoo import registry
from aezoo.assemble import Assembly, assemble
from aezoo.config import RunConfig
from aezoo.data.resident import Resident
from aezoo.errors import ConfigError
from aezoo.fitting import Fitting
from aezoo.interfaces import FittedPrior, HasDensity
from aezoo.progress import Silence
from aezoo.resolve import check_part, complete, resolve
from aezoo.rundir import RunDir
from aezoo.stages import Stages
from aezoo.step import Step
from aezoo.trainer import Trainer, moved_weights
from aezoo.types import Data, Posterior, Split

N, M = 5, 4
SHAPES = ((1, 8, 8), (3, 28, 28), (10,))  # each backbone is made for one of them at least
KINDS = ("backbone", "encoder", "decoder", "prior", "reconstruction", "regularizer", "divergence")
PARTS = [(info.kind, info.name) for kind in KINDS for info in registry.list_components(kind)]
NEEDED = {"mixture": {"preset": "oracle"}}  # settings without a default
ALONE = {("reconstruction", "none")}  # needs parts whose phases move every weight


def of(*kinds, alone=False):
    chosen = [part for part in PARTS if part[0] in kinds and (alone or part not in ALONE)]
    return pytest.mark.parametrize(("kind", "name"), chosen, ids=str)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def rows(n, shape):
    return torch.rand(n, *shape, generator=seeded(n))


def configured(kind, name, **train) -> RunConfig:
    """A small run with this part in it; beside it what the part brings along, or the plainest."""
    part = {kind: {"name": name, **NEEDED.get(name, {})}}
    part = {"regularizer": {name: True}} if kind == "regularizer" else part
    around = {} if kind == "backbone" else {"backbone": {"name": "mlp", "hidden": [8]}}
    around |= {"prior": "normal"} if kind in ("divergence", "backbone") else {}  # one phase, and a density
    latent_dim = 2 if name in NEEDED else M
    train = {"latent_dim": latent_dim, "steps": 3, **train}
    return resolve(flags={"test": {**around, **part, "train": train}})


def assembled(kind, name, **train) -> tuple[Assembly, tuple[int, ...]]:
    config = configured(kind, name, **train)
    refusals = []
    for shape in SHAPES:
        try:
            return assemble(config, shape, (0.0, 1.0)), shape
        except ConfigError as err:
            refusals.append(err)
    raise AssertionError(f"{kind}/{name} suits no shape: {refusals}")


@pytest.fixture(autouse=True)
def _no_global_randomness(request):
    """After every test here torch's own generator is where it was."""
    before = torch.get_rng_state()
    yield
    if "trains" not in request.node.name:
        assert torch.equal(torch.get_rng_state(), before)


def outputs(model, shape, seed=0):
    """What encoder, decoder and prior in force give, in training mode and evaluation mode."""
    found = []
    for mode in (True, False):
        model.train(mode)
        with torch.no_grad():
            posterior = model.encoder(rows(N, shape), seeded(seed))
            found += [posterior.z, model.decoder(posterior.z)]
        if model.during is not None or not isinstance(model.prior, FittedPrior):
            found.append(model.prior_in_force.sample(N, seeded(seed)).detach())
    return found


def equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


# --- settings


@of(*KINDS, alone=True)
def test_settings_go_through_toml_and_back(kind, name):
    section = check_part(kind, {"name": name, **NEEDED.get(name, {})}, kind)
    assert check_part(kind, tomllib.loads(tomli_w.dumps(section)), kind) == section


@of(*KINDS, alone=True)
def test_a_whole_config_goes_through_toml_and_back(kind, name):
    config = configured(kind, name)
    table = tomllib.loads(tomli_w.dumps(config.model_dump(exclude_none=True)))
    assert RunConfig(**complete(table)) == config


@of(*KINDS, alone=True)
def test_an_unknown_setting_is_refused(kind, name):
    with pytest.raises(ConfigError, match="no_such_setting"):
        check_part(kind, {"name": name, **NEEDED.get(name, {}), "no_such_setting": 1}, kind)


# --- shapes and noise


@of(*KINDS)
def test_shapes_fit_together(kind, name):
    found, shape = assembled(kind, name)
    model = found.model
    posterior = model.encode(rows(N, shape))
    assert posterior.z.shape == (N, model.latent_dim)
    assert model.decode(posterior.z).shape == (N, *shape)
    for field in (posterior.mean, posterior.log_var):
        assert field is None or field.shape == posterior.z.shape
    assert posterior.log_q is None or posterior.log_q.shape == (N,)
    assert model.reconstruct(rows(N, shape)).dtype == torch.float32


@of("backbone")
def test_features_are_as_many_as_said(kind, name):
    found, shape = assembled(kind, name)
    body = found.model.encoder.body
    assert body(rows(N, shape)).shape == (N, body.features)


@of(*KINDS)
def test_images_come_out_in_the_datasets_range(kind, name):
    found, _ = assembled(kind, name)
    x = found.model.decode(100 * torch.randn(N, found.model.latent_dim, generator=seeded()))
    assert x.min() >= 0 and x.max() <= 1


@of(*KINDS)
def test_the_same_generator_gives_the_same_and_the_global_one_is_never_read(kind, name):
    found, shape = assembled(kind, name)
    state = {key: value.clone() for key, value in found.model.state_dict().items()}
    first = outputs(found.model, shape)
    found.model.load_state_dict(state)
    torch_state = torch.get_rng_state()
    torch.manual_seed(1234)
    again = outputs(found.model, shape)
    torch.set_rng_state(torch_state)
    assert equal(first, again)


@of("prior")
def test_a_priors_codes_differ_with_the_generator(kind, name):
    found, _ = assembled(kind, name)
    model = found.model
    if model.during is None and isinstance(model.prior, FittedPrior):
        pytest.skip("no prior in force while this one waits")
    one, other = (model.prior_in_force.sample(N, seeded(seed)) for seed in (1, 2))
    assert one.shape == (N, model.latent_dim) and not torch.equal(one, other)


@of("encoder")
def test_without_a_generator_an_encoder_adds_no_noise(kind, name):
    found, shape = assembled(kind, name)
    encoder, x = found.model.encoder.eval(), rows(N, shape)
    one = encoder(x)
    assert torch.equal(one.z, encoder(x).z)
    assert one.mean is None or torch.equal(one.z, one.mean)


@of("encoder")
def test_codes_follow_the_order_of_the_images(kind, name):
    found, shape = assembled(kind, name)
    x, order = rows(N, shape), torch.randperm(N, generator=seeded())
    torch.testing.assert_close(found.model.encode(x[order]).z, found.model.encode(x).z[order])


# --- state


@of(*KINDS)
def test_state_goes_through_a_file_and_back(kind, name):
    found, shape = assembled(kind, name)
    other, _ = assembled(kind, name, seed=1)
    content = save({key: value.contiguous().clone() for key, value in found.model.state_dict().items()})
    other.model.load_state_dict(load(content))
    assert equal(outputs(found.model, shape), outputs(other.model, shape))


# --- terms, phases, training


def trained(found: Assembly, shape, steps=3) -> list[dict[str, float]]:
    data = Data("made-up", shape, (0.0, 1.0), Split(rows(12, shape)), Split(rows(4, shape)))
    with torch.random.fork_rng(devices=[]):
        trainer = Trainer(
            found.model.train(),
            found.phases,
            found.schedule,
            Resident(data, data.train, 6, seed=0, device=torch.device("cpu")),
            optimizers=found.optimizers,
        )
        return [trainer.iterate(record=True) for _ in range(steps)]


@of(*KINDS)
def test_a_part_trains_with_every_weight_reached_and_every_term_finite(kind, name):
    """A phase's first run refuses weights that no loss reaches, and a term that is not finite."""
    found, shape = assembled(kind, name)
    before = {key: value.clone() for key, value in found.model.state_dict().items()}
    lines = trained(found, shape)
    logged = {key.partition("/")[0] for key in lines[0]}
    assert {phase.name for phase in found.phases} <= logged
    after = found.model.state_dict()
    for phase in found.phases:
        mine = {id(weight) for weight in moved_weights(phase)}
        names = [key for key, weight in found.model.named_parameters() if id(weight) in mine]
        assert any(not torch.equal(before[key], after[key]) for key in names), phase.name


@of(*KINDS[1:])
def test_a_part_trains_the_same_twice(kind, name):
    one, other = (assembled(kind, name) for _ in range(2))
    assert trained(*one) == trained(*other)


class _Still:
    def __init__(self, x):
        self.x = x

    def batch(self, draw, stream=0):
        return self.x


@of("reconstruction", "regularizer", "divergence")
def test_terms_are_scalars_and_change_no_state(kind, name):
    found, shape = assembled(kind, name)
    model = found.model.train()
    part = model.reconstruction if kind == "reconstruction" else model.regularizer[name]
    step = Step(model, _Still(rows(6, shape)), seed=0, device=torch.device("cpu"))
    step.begin(0)
    step.draw(0, 0)
    with step.playing("autoencoder", 1, frozenset(map(id, model.parameters()))):
        _ = step.posterior, step.x_hat
        before = {key: value.clone() for key, value in part.state_dict().items()}
        terms = part.terms(step)
    assert all(term.dim() == 0 and bool(term.isfinite()) for term in terms.values())
    assert all(torch.equal(before[key], value) for key, value in part.state_dict().items())


# --- priors


def fitted(tmp_path, name, seed=0):
    found, _ = assembled("prior", name)
    prior, m = found.model.prior, found.model.latent_dim
    config = configured("prior", name)
    if isinstance(prior, FittedPrior):
        run = RunDir(tmp_path / "run")
        run.path.mkdir(exist_ok=True)
        z = torch.randn(200, m, generator=seeded(7))
        codes = Posterior(z=z, mean=z, log_var=torch.full_like(z, -3.0), log_q=torch.zeros(200))
        stages = Stages(run, found.model, config, Silence())
        fitting = Fitting(stages, seed=seed, device=torch.device("cpu"), steps=3)
        with torch.random.fork_rng(devices=[]):
            prior.fit(codes, fitting)
    return prior.eval()


@of("prior")
def test_a_prior_has_a_density_that_is_finite_on_its_own_samples(tmp_path, kind, name):
    prior = fitted(tmp_path, name)
    z = prior.sample(50, seeded()).detach()
    if not isinstance(prior, HasDensity):
        pytest.skip("no density")
    log_prob = prior.log_prob(z)
    assert log_prob.shape == (50,) and bool(log_prob.isfinite().all())
    assert torch.equal(log_prob, prior.log_prob(z))


PRIORS = [name for kind, name in PARTS if kind == "prior"]
FITTED = [name for name in PRIORS if isinstance(assembled("prior", name)[0].model.prior, FittedPrior)]


def test_there_are_fitted_priors():
    assert len(FITTED) >= 2


@pytest.mark.parametrize("name", FITTED)
def test_a_fitted_prior_refuses_to_sample_before_its_fit(name):
    prior = assembled("prior", name)[0].model.prior
    assert not prior.fitted
    with pytest.raises(ConfigError) as caught:
        prior.sample(1, seeded())
    assert caught.value.where and caught.value.fix


@pytest.mark.parametrize("name", FITTED)
def test_a_fit_repeats_and_comes_back_from_a_file(tmp_path, name):
    one, same = fitted(tmp_path, name), fitted(tmp_path, name)
    assert one.fitted and torch.equal(one.sample(N, seeded()), same.sample(N, seeded()))
    fresh = assembled("prior", name)[0].model.prior.eval()
    fresh.load_state_dict(load(save({key: value.contiguous() for key, value in one.state_dict().items()})))
    assert fresh.fitted and torch.equal(fresh.sample(N, seeded()), one.sample(N, seeded()))
