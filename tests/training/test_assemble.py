"""Parts out of settings, and what is refused."""

import pytest
import torch
from torch import nn

from aezoo.errors import ConfigError
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.build import build_model
from aezoo.parts.types import Posterior
from aezoo.resolve import resolve
from aezoo.training.assemble import assemble
from tests.tiny import SETS


def assembled(recipe=None, *sets, shape=(1, 8, 8), **options):
    return assemble(resolve(recipe, sets=(*SETS, *sets)), shape, (0.0, 1.0), **options)


def test_an_encoders_own_size_of_the_code_is_the_one_on_record(monkeypatch, tmp_path):
    """And one that doubles what it is asked for keeps what it was asked for: it is made of that again."""
    import aezoo
    from aezoo.rundir.open import read_config
    from aezoo.rundir.rundir import RunDir
    from tests.tiny import trained

    (tmp_path / "sizes.py").write_text(SIZES)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, said, made in (("Three", 3, 3), ("Double", 8, 16)):
        run = trained(tmp_path / name, "vae", encoder=f"sizes:{name}", latent_dim=8, divergence="none")
        assert (
            read_config(RunDir(run.path), trust=True).train.latent_dim == said == run.config.train.latent_dim
        )
        assert aezoo.load(run.path, trust=True).latent_dim == made
        again = trained(
            run.path, "vae", encoder=f"sizes:{name}", latent_dim=8, divergence="none", steps=3, resume=True
        )
        assert again.config.train.latent_dim == said


SIZES = """
from torch import nn
from aezoo.api import Encoder, Posterior

class Three(Encoder):
    def __init__(self, *, shape):
        super().__init__()
        self.latent_dim, self.net = 3, nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, x, generator=None):
        return Posterior(z=self.net(x))

class Double(Three):
    def __init__(self, *, shape, latent_dim):
        super().__init__(shape=shape)
        self.latent_dim = 2 * latent_dim
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, self.latent_dim))
"""


def fault(*arguments, **options):
    with pytest.raises(ConfigError) as caught:
        assembled(*arguments, **options)
    assert caught.value.exit_code == 2
    return caught.value


class Halves(nn.Module):
    """An encoder of one's own: two means of an image."""

    latent_dim = 2

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x.flatten(1).unflatten(1, (2, -1)).mean(dim=2) * self.scale


class Told(Halves):
    def forward(self, x):
        z = super().forward(x)
        return Posterior(z=z, mean=z, log_var=torch.zeros_like(z))


def test_the_default_recipe_has_its_phases_and_schedule():
    found = assembled("flexae-sr")
    assert [phase.name for phase in found.phases] == [
        *("autoencoder", "latent_critic", "image_critic", "smoothing", "prior", "encoder")
    ]
    assert found.schedule == "batch autoencoder 5*(batch latent_critic image_critic) smoothing prior encoder"


def test_the_number_of_critic_rounds_is_a_setting():
    assert "3*(batch latent_critic)" in assembled("flexae", "train.critic_steps=3").schedule


def test_a_phases_optimizer_is_its_own_default_below_all_phases_below_its_own_settings():
    own = assembled("flexae").optimizers
    found = assembled("flexae", "optimizer.eps=1e-6", "optimizer.encoder.lr=3e-7").optimizers
    assert own["encoder"].betas != own["autoencoder"].betas
    assert found["encoder"] == own["encoder"].model_copy(update={"eps": 1e-6, "lr": 3e-7})
    assert found["autoencoder"] == own["autoencoder"].model_copy(update={"eps": 1e-6})


def test_an_unknown_phase_suggests_the_nearest():
    found = fault("flexae", "optimizer.encodr.lr=1e-3")
    assert found.where == "optimizer.encodr" and "'encoder'" in found.fix and "latent_critic" in found.fix


@pytest.mark.parametrize(("key", "nearest"), [("encoder.rate", ""), ("encoder.beta", "betas"), ("lrr", "lr")])
def test_an_unknown_setting_of_an_optimizer_is_named(key, nearest):
    found = fault("flexae", f"optimizer.{key}=0.5")
    assert f"optimizer.{key}" in found.where and nearest in found.fix


def test_whole_numbers_become_decays():
    assert assembled("vae", "optimizer.betas=[0, 0.9]").optimizers["autoencoder"].betas == (0.0, 0.9)


def test_a_divergence_is_not_a_regularizer_at_once():
    assert fault("flexae", "regularizer.wgan=true").where == "regularizer.wgan"


def test_a_module_of_ones_own_is_an_encoder_and_its_size_is_the_latent_dimension():
    model = assembled("flexae", modules={"encoder": Halves()}).model
    assert (model.latent_dim, model.prior.latent_dim) == (2, 2)
    z = model.encode(torch.rand(5, 1, 8, 8)).z
    assert z.shape == (5, 2)


def test_a_module_of_ones_own_may_give_a_whole_posterior():
    model = assembled("vae", "reconstruction.name=mse", modules={"encoder": Told()}).model
    assert torch.equal(model.probe.log_var, torch.zeros(2, 2))


def test_a_module_of_ones_own_with_the_wrong_shape_is_refused():
    wide = nn.Sequential(nn.Flatten(), nn.Linear(64, 5))
    found = fault("flexae", modules={"encoder": wide})
    assert found.where == "encoder.name" and "(5,)" in found.what and "(3,)" in found.what
    assert fault("flexae", modules={"decoder": nn.Linear(3, 64)}).where == "decoder.name"


def test_a_module_is_no_prior():
    found = fault("flexae", modules={"prior": nn.Linear(3, 3)})
    assert found.where == "prior.name" and "LatentPrior" in found.fix


def test_weights_follow_the_seed_and_changing_one_part_leaves_the_others():
    one, same = assembled("flexae").model.state_dict(), assembled("flexae").model.state_dict()
    other = assembled("flexae", "train.seed=1").model.state_dict()
    prior = assembled("flexae", "prior.hidden=[5]").model.state_dict()
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["encoder.head.weight"], other["encoder.head.weight"])
    assert all(torch.equal(one[name], prior[name]) for name in one if not name.startswith("prior."))


def test_assembling_leaves_the_callers_random_state():
    before = torch.get_rng_state()
    assembled("two-stage-vae")
    assert torch.equal(torch.get_rng_state(), before)


def test_build_model_takes_names_and_tables_and_fills_in_the_rest():
    model = build_model(
        {"backbone": {"name": "mlp", "hidden": [4]}, "prior": "normal"}, shape=(6,), range=None, latent_dim=2
    )
    assert isinstance(model, Autoencoder)
    assert model.sample(3, torch.Generator().manual_seed(0)).shape == (3, 6)
    assert [phase.name for phase in model.phases()] == ["autoencoder"]
