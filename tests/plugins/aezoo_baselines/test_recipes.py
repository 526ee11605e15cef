"""Every recipe: it resolves, has a source, and trains."""

import math
from dataclasses import dataclass

import pytest
import torch

import aezoo
from aezoo import hookimpl
from aezoo.config.optimizer import OptimizerConfig
from aezoo.data.loading import load_data
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.interfaces import moved_weights
from aezoo.registry import registry
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir
from aezoo.training import assemble as assembling
from aezoo.training.assemble import Assembly, assemble
from aezoo.verbs.plan import plan
from aezoo.verbs.train import Run, TrainRequest
from tests import tiny

RECIPES = [info.name for info in registry.list_components("recipe")]
DATASETS = ("digits", "synthetic-2d", "synthetic-5d")
PROMISED = {
    *("config.toml", "metrics.jsonl", "results.json", "model.safetensors", "README.md"),
    *("samples.png", "reconstructions.png", "curves.png", "report.html", "checkpoints"),
}
every_recipe = pytest.mark.parametrize("name", RECIPES)


def test_the_recipes_are_there():
    assert len(RECIPES) >= 7


@every_recipe
@pytest.mark.parametrize("dataset", DATASETS)
def test_small_settings_suit_each_embedded_dataset(name, dataset):
    config = resolve(name, sets=[f"dataset.name={dataset}"])
    data = load_data(config)
    found = assemble(config, data.shape, data.range)
    assert config.train.steps <= 4000
    assert set(found.optimizers) == {phase.name for phase in found.phases}
    assert found.model.latent_dim == config.train.latent_dim


IMAGES = {"mnist": (1, 28, 28), "fashion-mnist": (1, 28, 28), "cifar10": (3, 32, 32), "celeba": (3, 64, 64)}


@pytest.fixture
def datasets():
    """The papers' sets by name, whether or not they can be loaded here."""

    class Names:
        @hookimpl
        def aezoo_components(self):
            known = {info.name for info in registry.list_components("dataset")}
            digits = registry.find("dataset", "digits")
            return [
                digits.model_copy(update={"name": name, "default": False}) for name in IMAGES.keys() - known
            ]

    with registry.isolate():
        registry.register(Names(), "names")
        yield


@pytest.mark.parametrize("dataset", [*DATASETS, *IMAGES])
def test_small_settings_give_every_method_codes_of_the_same_size(dataset, datasets):
    sizes = {name: resolve(name, sets=[f"dataset.name={dataset}"]).train.latent_dim for name in RECIPES}
    assert len(set(sizes.values())) == 1, sizes


@every_recipe
@pytest.mark.parametrize("dataset", IMAGES)
def test_paper_settings_resolve_for_the_papers_sets(name, dataset, datasets):
    config = resolve(name, sets=[f"dataset.name={dataset}"], scale="paper")
    assert config.train.steps >= 100_000 and config.recipe.scale == "paper"
    assert config.train.latent_dim in (32, 64)


@pytest.mark.parametrize(
    ("name", "dataset"), [*((name, "cifar10") for name in RECIPES), ("flexae-sr", "celeba")]
)
def test_paper_networks_suit_the_papers_images(name, dataset, datasets):
    config = resolve(name, sets=[f"dataset.name={dataset}"], scale="paper")
    found = assemble(config, IMAGES[dataset], (0.0, 1.0))
    assert found.model.probe.z.shape == (2, 64)
    assert found.optimizers.keys() == {phase.name for phase in found.phases}


@every_recipe
def test_paper_settings_suit_enlarged_digits(name):
    config = resolve(name, sets=["dataset.image_size=28"], scale="paper")
    found = plan(TrainRequest(config=config))
    assert found["x"]["shape"] == [1, 28, 28]
    assert found["steps"] >= 100_000


@every_recipe
def test_a_recipe_names_its_source_and_the_papers_numbers(name):
    recipe = resolve(name).recipe
    assert recipe.name == name and recipe.scale == "small"
    assert all([recipe.title, recipe.paper, recipe.note]) and recipe.url.startswith("https://")
    for row in recipe.reported:
        assert row.table and row.metric and None not in (row.rec, row.gen)
    assert {row.dataset for row in recipe.reported} >= {"mnist", "fashion-mnist", "cifar10", "celeba"}


@every_recipe
@pytest.mark.parametrize("scale", ["small", "paper"])
def test_a_recipe_is_the_same_by_the_path_of_its_file(name, scale):
    file = registry.recipe_file(registry.find("recipe", name))
    assert resolve(str(file), scale=scale) == resolve(name, scale=scale)


# UAI 2021, table 1: rec / gen FID on MNIST and on CelebA
TABLE = {
    "vae": (52.14, 56.07, 56.66, 63.85),
    "wae-wgan": (10.48, 13.60, 32.49, 45.58),
    "two-stage-vae": (10.83, 11.91, 37.60, 44.85),
    "ae-gmm": (9.69, 14.70, 30.16, 43.79),
    "rae-gmm": (9.25, 10.80, 34.35, 44.72),
    "flexae": (8.28, 7.28, 35.31, 36.99),
    "flexae-sr": (7.63, 6.75, 23.94, 25.78),
}
# the earlier version's table 1: rec / gen FID on CIFAR-10
EARLIER = {
    "vae": (176.5, 169.1),
    "two-stage-vae": (47.03, 86.15),
    "ae-gmm": (41.45, 70.97),
    "rae-gmm": (40.48, 69.24),
    "flexae": (39.91, 62.66),
}


def reported(name, table, dataset):
    (row,) = [r for r in resolve(name).recipe.reported if table in r.table and r.dataset == dataset]
    assert row.metric == "fid"
    return row.rec, row.gen


@pytest.mark.parametrize("name", TABLE)
def test_reported_numbers_are_the_papers(name):
    assert (*reported(name, "UAI", "mnist"), *reported(name, "UAI", "celeba")) == TABLE[name]


@pytest.mark.parametrize("name", EARLIER)
def test_reported_numbers_of_the_earlier_version_are_its_own(name):
    assert reported(name, "earlier", "cifar10") == EARLIER[name]


# --- a tiny run of each


@dataclass
class Trained:
    run: Run
    start: Assembly  # as it was before training
    end: Autoencoder  # the very model that was trained


@pytest.fixture(scope="module", params=RECIPES)
def trained(request, tmp_path_factory):
    made = []

    def kept(*arguments):
        made.append(assemble(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembling, "assemble", kept)
        settings = {"optimizer": {"lr": 3e-3}}
        options = {"steps": 30, "batch_size": 16, "critic_steps": 1, "log_every": 1, "settings": settings}
        run = tiny.trained(tmp_path_factory.mktemp("runs") / request.param, request.param, **options)
    return Trained(run, assemble(run.config, run.config.x.shape, run.config.x.range), made[0].model)


def test_a_run_leaves_the_promised_files(trained):
    assert {path.name for path in trained.run.path.iterdir()} == PROMISED
    assert (trained.run.path / "checkpoints" / "latest").exists()


def test_every_phases_terms_are_logged_and_finite(trained):
    lines = [line for line in RunDir(trained.run.path).read_metrics() if "stage" not in line]
    assert [line["step"] for line in lines] == list(range(1, 31))
    for phase in trained.start.phases:
        values = [value for line in lines for key, value in line.items() if key.startswith(f"{phase.name}/")]
        assert len(values) >= 30 and all(map(math.isfinite, values))


def test_every_phases_weights_moved(trained):
    names = {id(weight): name for name, weight in trained.start.model.named_parameters()}
    after = dict(trained.end.named_parameters())
    for phase in trained.start.phases:
        still = [names[id(w)] for w in moved_weights(phase) if torch.equal(w, after[names[id(w)]])]
        critic = phase.role == "critic"  # the loss of a Wasserstein critic does not depend on its last bias
        assert len(still) == critic and all(name.endswith("bias") for name in still), (phase.name, still)


def test_reconstruction_is_better_than_at_the_start(trained):
    data = load_data(trained.run.config)
    x = data.x(data.test.values)
    before = (x - trained.start.model.reconstruct(x)).square().flatten(1).sum(dim=1).mean()
    assert trained.run.results["results"][0]["value"] < 0.9 * float(before)


def test_a_reloaded_model_samples_as_the_trained_one(trained):
    loaded = aezoo.load(trained.run.path)
    one, same, other = (
        model.sample(5, torch.Generator().manual_seed(seed))
        for model, seed in ((loaded, 1), (trained.end, 1), (loaded, 2))
    )
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert one.shape == (5, 1, 8, 8) and one.min() >= 0 and one.max() <= 1


@pytest.mark.parametrize("dataset", ["digits", *IMAGES])
def test_two_stages_scale_can_arrive_at_small_errors_within_1000_steps(dataset, datasets):
    """Adam moves log gamma by its rate a step at most, and images are reconstructed to within 0.05 or so."""
    config = resolve("two-stage-vae", sets=[f"dataset.name={dataset}"])
    start = math.log(config.reconstruction.settings.gamma)
    assert not config.optimizer and start - 1000 * OptimizerConfig().lr <= math.log(0.05)


def test_the_published_two_stage_vae_starts_its_scale_as_published():
    config = resolve("two-stage-vae", scale="paper")
    assert config.reconstruction.settings.gamma == 1.0 and config.prior.settings.fit.batch_size == 64
