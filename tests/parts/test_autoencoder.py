import pytest
import torch
from torch import nn

from aezoo.api import ConfigError, LatentPrior, Memory, Phase, Posterior, Reconstruction, Regularizer
from aezoo.config.optimizer import OptimizerConfig
from aezoo.parts.autoencoder import evaluation, join, memory_names
from aezoo.parts.interfaces import apart_weights, moved_weights
from tests.toyparts import (
    Back,
    Fixed,
    Learned,
    Lines,
    Part,
    Squares,
    autoencoder,
    flexae_sr,
    seeded,
    state_of,
    trainer_of,
)

SGD = OptimizerConfig(name="sgd", lr=0.1)


class Fitted(LatentPrior):
    """Has weights of its own, which wait for the end of training."""

    during, reads = "normal", ("z",)
    latent_dim = 2

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(2, 2)

    def sample(self, n, generator):
        return self.net(torch.randn(n, 2, generator=generator))

    def fit(self, codes, fitting):
        pass


def names_moved(model, phase):
    names = {id(weight): name for name, weight in model.named_parameters()}
    (found,) = [each for each in model.phases() if each.name == phase]
    return {names[id(weight)] for weight in moved_weights(found)}


def weighted(**options):
    return Part(own=nn.Parameter(torch.tensor(1.0)), **options)


# -- phases


def test_weights_that_no_phase_claims_belong_to_the_autoencoder():
    class Scaled(Squares):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(0.0))

    model = autoencoder(weighted(), prior=Learned(), reconstruction=Scaled())
    own = names_moved(model, "autoencoder")
    assert own == set(dict(model.named_parameters()))
    assert {"prior.net.0.weight", "reconstruction.scale", "regularizer.part0.own"} <= own


def test_weights_that_a_phase_claims_leave_the_autoencoder_but_for_encoder_and_decoder():
    model = flexae_sr()
    assert {name.split(".")[0] for name in names_moved(model, "autoencoder")} == {"encoder", "decoder"}
    assert {name.split(".")[0] for name in names_moved(model, "smoothing")} == {"encoder", "decoder"}


def test_a_weight_apart_that_no_phase_names_is_an_error_that_names_it():
    with pytest.raises(ConfigError) as err:
        autoencoder(weighted(apart=("own",))).phases()
    assert "regularizer.part0.own" in err.value.what and "apart" in err.value.fix


def test_a_fitted_priors_own_weights_are_never_trained_with_the_autoencoder():
    model = autoencoder(prior=Fitted(), during=Learned())
    own = names_moved(model, "autoencoder")
    assert any(name.startswith("during.") for name in own)
    assert not any(name.startswith("prior.") for name in own)


def test_frozen_weights_are_nobodys():
    model = autoencoder(weighted())
    model.encoder.net[0].weight.requires_grad_(False)
    model.regularizer["part0"].own.requires_grad_(False)
    own = names_moved(model, "autoencoder")
    assert "encoder.net.0.weight" not in own and "regularizer.part0.own" not in own


def test_without_reconstruction_there_is_no_autoencoder_phase():
    def phases(part, model):
        yield Phase("both", lambda step: {"x": step.x_hat.mean()}, [model.encoder, model.decoder])

    model = autoencoder(Part(phases), reconstruction=Reconstruction())
    assert [phase.name for phase in model.phases()] == ["both"] and not model.reconstructs
    trainer_of(model, "batch both").iterate()


def test_without_reconstruction_an_unclaimed_weight_is_an_error_that_names_it():
    def phases(part, model):
        yield Phase("encode", lambda step: {"x": step.z.mean()}, [model.encoder])

    with pytest.raises(ConfigError, match=r"no phase moves the weight decoder\.net\.0\.weight"):
        autoencoder(Part(phases), reconstruction=Reconstruction()).phases()


def test_the_divergences_phases_frame_the_regularizers():
    names = [phase.name for phase in flexae_sr().phases()]
    assert names == ["autoencoder", "latent_critic", "image_critic", "smoothing", "prior", "encoder"]


def test_all_parts_add_their_terms_to_the_autoencoder_loss():
    class Leaning(Lines):
        def terms(self, step):
            return {"lean": step.z.mean()}

    part = Part(terms=lambda part, step: {"extra": step.x_hat.abs().mean()})
    numbers = trainer_of(autoencoder(part, encoder=seeded(Leaning))).iterate(record=True)
    assert set(numbers) == {"autoencoder/squares", "autoencoder/lean", "autoencoder/extra"}


def test_two_terms_of_one_name_are_refused():
    twice = [Part(terms=lambda part, step: {"same": step.z.mean()}) for _ in range(2)]
    with pytest.raises(ConfigError) as err:
        trainer_of(autoencoder(*twice)).iterate()
    assert "'same'" in err.value.what and "leave one" in err.value.fix


def test_apart_weights_are_found_at_any_depth():
    inner = weighted(apart=("own",))
    outer = Part(inner=inner)
    assert apart_weights(autoencoder(outer)) == [inner.own]


# -- assembly


def test_a_decoder_of_the_wrong_shape_is_refused():
    class Short(Back):
        def forward(self, z):
            return super().forward(z)[:, :3]

    with pytest.raises(ConfigError, match=r"the decoder gives shape \(3,\) where \(4,\) is needed"):
        autoencoder(decoder=Short())


def test_an_encoder_whose_code_is_not_flat_is_refused():
    class Grid(Lines):
        def forward(self, x, generator=None):
            return Posterior(z=super().forward(x, generator).z[:, None])

    with pytest.raises(ConfigError, match=r"the encoder gives shape \(1, 2\) where \(2,\) is needed"):
        autoencoder(encoder=Grid())


def test_parts_attach_when_all_parts_exist():
    class Holding(Regularizer):
        def attach(self, model):
            self._held = (model.decoder,)
            assert isinstance(model.prior, LatentPrior) and model.probe.z.shape == (2, 2)

    part = Holding()
    model = autoencoder(part)
    assert part._held == (model.decoder,)
    assert not any(name.startswith("regularizer") for name in model.state_dict())  # held, not owned


def test_probing_leaves_no_trace():
    encoder = seeded(lambda: Lines(norm=True))
    before = state_of(encoder)
    model = autoencoder(encoder=encoder)
    assert all(torch.equal(value, before[name]) for name, value in model.encoder.state_dict().items())
    assert encoder.training


def test_the_prior_in_force_is_the_one_that_training_sees():
    plain, during = autoencoder(), autoencoder(prior=Fitted(), during=Fixed())
    assert plain.prior_in_force is plain.prior and during.prior_in_force is during.during
    with pytest.raises(ConfigError, match="trains without one"):
        _ = autoencoder(prior=Fitted()).prior_in_force


# -- use


def test_encoding_and_decoding_are_without_noise_gradient_or_statistics():
    model = autoencoder(encoder=seeded(lambda: Lines(noisy=True, norm=True)), decoder=Back(norm=True))
    before = state_of(model)
    x = torch.rand(3, 4)
    assert torch.equal(model.encode(x).z, model.encode(x).z)
    assert torch.equal(model.reconstruct(x), model.decode(model.encode(x).z))
    assert not model.decode(torch.rand(3, 2)).requires_grad
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(part.training for part in model.modules())


def test_many_rows_go_through_in_chunks():
    model = autoencoder()
    calls = model.encoder.calls
    x = torch.rand(1100, 4)
    z = model.encode(x).z
    assert model.encoder.calls - calls == 3 and z.shape == (1100, 2)
    assert torch.allclose(z, model.encoder.net(x), atol=1e-6)


def test_samples_follow_the_generator_and_differ_without_one():
    model = autoencoder()
    first, again = (model.sample(5, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again) and first.shape == (5, 4)
    assert not torch.equal(model.sample(5), model.sample(5))


def test_a_part_in_evaluation_mode_stays_there():
    model = autoencoder()
    model.decoder.eval()
    with evaluation(model):
        assert not any(part.training for part in model.modules())
    assert model.encoder.training and not model.decoder.training and not model.decoder.net.training


def test_posteriors_are_joined_field_by_field():
    rows = [Posterior(z=torch.full((n, 2), float(n)), log_q=torch.zeros(n)) for n in (1, 2)]
    whole = join(rows)
    assert whole.z.tolist() == [[1, 1], [2, 2], [2, 2]] and whole.log_q.shape == (3,) and whole.mean is None
    assert join(rows, ("mean",)).log_q is None


def test_memory_belongs_to_the_trainers_file():
    class Pool(Regularizer):
        def __init__(self):
            super().__init__()
            self.pool = Memory()
            self.pool.register_buffer("rows", torch.zeros(3))
            self.register_buffer("kept", torch.zeros(3))

    assert memory_names(autoencoder(Pool())) == {"regularizer.part0.pool.rows"}


# -- a grid of codes


class OnGrid(Lines):
    """Codes are whole numbers, plus an offset that is learned."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Parameter(torch.tensor(0.25))

    def quantise(self, z):
        near = (z - self.offset).round() + self.offset
        return z + (near - z).detach() + (self.offset - self.offset.detach())  # straight through

    def forward(self, x, generator=None):
        return Posterior(z=self.quantise(super().forward(x, generator).z))


def is_on_grid(z):
    return torch.allclose((z - 0.25).round(), z - 0.25, atol=1e-5)


def test_samples_of_any_prior_are_put_on_the_encoders_grid_before_they_are_decoded():
    model = autoencoder(encoder=OnGrid())
    raw = model.prior.sample(50, torch.Generator().manual_seed(0))
    z = model.sample_codes(50, torch.Generator().manual_seed(0))
    assert not is_on_grid(raw) and is_on_grid(z) and (raw - z).abs().max() <= 0.5
    images = model.sample(50, torch.Generator().manual_seed(0))
    assert torch.equal(images, model.decode(z)) and torch.equal(model.on_grid(z), z)


def test_an_encoder_without_a_grid_leaves_samples_as_they_are():
    z = torch.randn(5, 2)
    assert autoencoder().on_grid(z) is z


def test_the_priors_codes_are_on_the_grid_while_training_and_pass_gradients_to_prior_and_grid():
    seen = []

    def loss(step):
        seen.append(step.z_prior)
        return {"pull": step.x_prior.square().mean()}

    part = Part(lambda part, model: [Phase("pull", loss, [model.prior, model.encoder.offset], SGD)])
    model = autoencoder(part, encoder=OnGrid(), prior=Learned())
    trainer = trainer_of(model, "batch pull autoencoder")
    trainer.iterate()  # every weight of the phase is reached, or this is an error
    assert is_on_grid(seen[0].detach())
