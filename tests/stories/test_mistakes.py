"""Plausible mistakes end in an error the user can act on, and cost nothing; plausible wishes work."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

import aezoo
from aezoo.api import Memory, Phase, Posterior, Regularizer
from aezoo.config.run import RunConfig
from aezoo.errors import AezooError, ConfigError
from aezoo.parts.autoencoder import join
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir
from aezoo.training.assemble import assemble
from aezoo_regularizers.l2_code import L2Code
from tests.folders import contents
from tests.tiny import SETS, trained
from tests.toyparts import Part, autoencoder, trainer_of


def digits(config: RunConfig):
    return assemble(config, (1, 8, 8), (0.0, 1.0))


# --- an old run outlives a new one that fails


@pytest.mark.parametrize(
    "mistake",
    [
        {"device": "cuda"},
        {"schedule": "batch nonsense"},
        {"recipe": "flexae", "divergence": "none"},
        {"settings": {"optimizer": {"lr": 1e20}, "checkpoint": {"every": 0}}, "steps": 40},
    ],
    ids=["device", "schedule", "untrained prior", "diverged"],
)
def test_a_run_that_was_to_be_replaced_comes_back_when_the_new_one_fails(tmp_path, mistake):
    if torch.cuda.is_available() and "device" in mistake:
        mistake = {"device": "mps"}
    kept = trained(tmp_path / "run")
    before = contents(kept.path)
    with pytest.raises(AezooError):
        trained(kept.path, overwrite=True, **mistake)
    assert contents(kept.path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


# --- what used to be a traceback


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"settings": {"optimizer": {"autoencoder": "adam"}}}, "optimizer.autoencoder"),
        ({"batch_size": 1, "backbone": "conv"}, "batch of one"),
        ({"schedule": "none"}, "none"),
        ({"recipe": "flexae", "divergence": "none"}, "prior.net"),
        ({"encoder": nn.Sequential(nn.Flatten(), nn.Linear(7, 3))}, "encoder"),
        ({"prior": {"name": "gmm", "during": "gmm"}}, "GMM"),
        ({"settings": {"optimizer": {"lr": -1.0}}}, "optimizer.autoencoder.lr"),
        ({"settings": {"divergence": {"weight": -1}}}, "divergence.weight"),
        (
            {"settings": {"divergence": {"weight": {"start": 0, "end": -1, "steps": 5}}}},
            "divergence.weight.end",
        ),
        ({"recipe": "flexae", "prior": {"name": "pgen", "hidden": "huge"}}, "prior.hidden"),
    ],
)
def test_a_mistake_is_an_error_that_names_it(tmp_path, values, named):
    with pytest.raises(ConfigError) as err:
        trained(tmp_path / "run", **values)
    said = f"{err.value.what} {err.value.where}"
    assert named in said and err.value.fix and "Ramp" not in said and "literal" not in said
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "named"),
    [('scale = "paper"', "scale"), ('format = "x"', "format"), ('base = "mine.toml"', "extends itself")],
)
def test_a_file_that_cannot_be_meant_so_says_why(tmp_path, content, named):
    (tmp_path / "mine.toml").write_text(content)
    with pytest.raises(ConfigError) as err:
        resolve(tmp_path / "mine.toml")
    assert named in err.value.what and err.value.fix


# --- what ought to work


def test_recipes_phases_that_flags_take_away_lose_their_optimizers():
    config = resolve("flexae-sr", flags={"--prior": {"prior": "normal"}}, scale="paper")
    assert "prior" not in digits(config).optimizers
    config = resolve("flexae-sr", sets=["regularizer.interp=false"], scale="paper")
    assert set(digits(config).optimizers) == {"autoencoder", "latent_critic", "prior", "encoder"}


def test_a_flag_for_a_phase_that_is_not_there_is_still_an_error():
    config = resolve("flexae", flags={"--prior": {"prior": "normal"}}, sets=["optimizer.prior.lr=0.1"])
    with pytest.raises(ConfigError) as err:
        digits(config)
    assert "'prior'" in err.value.what


def test_a_ramp_replaces_the_ramp_below_it_whole():
    ramp = "optimizer.lr={start=1e-3, end=1e-4, steps=10}"
    lr = digits(resolve("two-stage-vae", sets=[ramp], scale="paper")).optimizers["autoencoder"].lr
    assert (lr.start, lr.end, lr.steps, lr.shape) == (1e-3, 1e-4, 10, "linear")


def test_a_regularizer_of_ones_own_may_live_in_a_package(tmp_path, monkeypatch):
    package = tmp_path / "mypackage"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "parts.py").write_text(
        "from aezoo.api import Regularizer\n\n\n"
        "class Mine(Regularizer):\n"
        "    def __init__(self, weight: float = 0.5, layer=dict):\n"
        "        super().__init__()\n        self.weight = weight\n\n"
        "    def terms(self, step):\n        return {'mine': self.weight * step.z.square().mean()}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    run = trained(tmp_path / "run", "ae-gmm", regularizers="mypackage.parts:Mine", dataset="digits")
    assert "autoencoder/mine" in RunDir(run.path).read_metrics()[0]
    assert run.config.regularizer["mypackage.parts:Mine"].get("weight") == 0.5
    assert run.model.latent_dim == 3


def test_regularizers_may_be_tables_or_modules(tmp_path):
    part = L2Code(weight=0.1)
    run = trained(tmp_path / "run", "flexae", regularizers={"interp": {"hidden": 8}, "small": part})
    assert run.config.regularizer["interp"].get("hidden") == 8
    assert "autoencoder/l2_code" in RunDir(run.path).read_metrics()[0]
    assert run.model.regularizer["small"] is part


def test_a_finished_run_knows_the_modules_it_was_trained_with(tmp_path):
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    run = trained(tmp_path / "run", "flexae", encoder=encoder)
    assert run.model.encode(torch.zeros(2, 1, 8, 8)).z.shape == (2, 3)
    with pytest.raises(ConfigError) as err:  # an empty Sequential() is all that its name says
        aezoo.load(run.path)
    assert "modules=" in err.value.fix or "flat" in err.value.fix


# --- the contract


@dataclass(frozen=True)
class Indexed(Posterior):
    """A posterior with a field of its own."""

    index: torch.Tensor | None = None


def test_a_posteriors_own_fields_reach_whoever_reads_them():
    chunks = [
        Indexed(z=torch.zeros(2, 3), index=torch.arange(2)),
        Indexed(z=torch.ones(1, 3), index=torch.ones(1)),
    ]
    whole, narrow = join(chunks), join(chunks, ("mean",))
    assert isinstance(whole, Indexed) and whole.index.tolist() == [0, 1, 1]
    assert narrow.index is None and narrow.z.shape == (3, 3)


class Counting(Regularizer):
    """Counts its `after`."""

    def __init__(self):
        super().__init__()
        self.memory = Memory()
        self.memory.register_buffer("calls", torch.tensor(0))

    def after(self, step):
        self.memory.calls += 1


def test_parts_of_a_waiting_fitted_prior_are_left_alone():
    assembly = digits(resolve("two-stage-vae", sets=SETS))
    inner, outer = Counting(), Counting()
    assembly.model.prior.stage.regularizer["count"] = inner
    assembly.model.regularizer["count"] = outer
    trainer = trainer_of(assembly.model, assembly.schedule)
    for _ in range(3):
        trainer.iterate()
    assert (int(inner.memory.calls), int(outer.memory.calls)) == (0, 3)


def test_seconds_are_those_of_training_alone(tmp_path):
    fitted = trained(tmp_path / "two", "two-stage-vae", settings={"prior": {"fit": {"steps": 60}}})
    seconds = fitted.results["seconds"]
    assert fitted.results["fit_seconds"] > seconds
    again = trained(
        tmp_path / "two", "two-stage-vae", settings={"prior": {"fit": {"steps": 60}}}, resume=True
    )
    assert again.results["seconds"] == pytest.approx(seconds, abs=2e-3)
    assert trained(tmp_path / "one").results["fit_seconds"] is None


def test_a_phase_cannot_be_called_like_a_draw():
    part = Part(lambda part, model: [Phase("noise", lambda step: {}, [model.encoder])])
    with pytest.raises(AssertionError, match="it is a draw"):
        trainer_of(autoencoder(part), "batch autoencoder noise")
