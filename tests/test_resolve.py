"""From names, files and flags to a complete run."""

import sys

import pytest

from aezoo import ComponentInfo, hookimpl
from aezoo.errors import ConfigError, MissingError
from aezoo.registry import registry
from aezoo.resolve import read, resolve, run_name

LAYERED = """
recipe = { name = "layered" }
prior = "normal"
train = { steps = 1, seed = 1, batch_size = 1, latent_dim = 1, log_every = 1, critic_steps = 1 }
[scale.paper]
train = { seed = 2, batch_size = 2, latent_dim = 2, log_every = 2, critic_steps = 2 }
[on.digits]
train = { batch_size = 3, latent_dim = 3, log_every = 3, critic_steps = 3 }
[scale.paper.on.digits]
train = { latent_dim = 4, log_every = 4, critic_steps = 4 }
[on.synthetic-2d]
backbone = "mlp"
train = { batch_size = 33 }
[scale.small.on.synthetic-2d]
train = { latent_dim = 5 }
"""

SHARED = """
backbone = "mlp"
train = { steps = 9, log_every = 9 }
[on.digits]
train = { latent_dim = 3 }
"""
SHARING = """
base = "shared.toml"
recipe = { name = "sharing" }
prior = "normal"
train = { steps = 1 }
[scale.paper]
train = { batch_size = 2, latent_dim = 2 }
"""


@pytest.fixture
def layered(tmp_path, monkeypatch):
    """Recipes: `layered` with a level in every layer, `sharing` with a base beside it."""
    package = tmp_path / "layered_recipes"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, text in {"layered": LAYERED, "shared": SHARED, "sharing": SHARING}.items():
        (package / f"{name}.toml").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, package.name, raising=False)  # another test's

    class Plugin:
        @hookimpl
        def aezoo_components(self):
            paper = {"title": "Layers", "year": 2020, "url": "https://example.org"}
            return [
                ComponentInfo(kind="recipe", name=name, target=f"layered_recipes:{name}.toml", paper=paper)
                for name in ("layered", "sharing")
            ]

    with registry.isolate():
        registry.register(Plugin(), "layered")
        yield tmp_path


def written(folder, text):
    file = folder / "run.toml"
    file.write_text(text)
    return file


def fault(*arguments, kind=ConfigError, **options):
    with pytest.raises(kind) as caught:
        resolve(*arguments, **options)
    return caught.value


def test_every_layer_wins_over_the_ones_below(layered):
    file = written(layered, 'base = "layered"\ntrain = { log_every = 5, critic_steps = 5 }\n')
    train = resolve(
        file,
        scale="paper",
        flags={"--critic": {"train": {"critic_steps": 6}}, "--c": {"checkpoint": {"every": 6, "keep": 6}}},
        sets=["checkpoint.keep=7"],
    )
    found = train.train
    assert (found.steps, found.seed, found.batch_size, found.latent_dim) == (1, 2, 3, 4)
    assert (found.log_every, found.critic_steps) == (5, 6)
    assert (train.checkpoint.every, train.checkpoint.keep, train.evaluate.every) == (6, 7, 0)


def test_the_small_scale_is_the_recipe_itself(layered):
    assert resolve("layered").train == resolve("layered", scale="small").train
    assert resolve("layered").train.seed == 1


@pytest.mark.parametrize(("scale", "latent_dim"), [(None, 5), ("small", 5), ("paper", 2)])
def test_what_a_recipe_says_of_the_small_scale_counts_where_none_is_chosen(layered, scale, latent_dim):
    assert resolve("layered", sets=["dataset.name=synthetic-2d"], scale=scale).train.latent_dim == latent_dim


def test_a_flag_chooses_the_datasets_own_settings(layered):
    config = resolve("layered", flags={"--dataset": {"dataset": "synthetic-2d"}})
    assert (config.backbone.name, config.train.batch_size) == ("mlp", 33)


def test_a_file_chooses_the_datasets_own_settings_of_the_recipe_it_extends(layered):
    config = resolve(written(layered, 'base = "layered"\ndataset = "synthetic-2d"\n'))
    assert (config.backbone.name, config.train.batch_size) == ("mlp", 33)


@pytest.mark.parametrize("recipe", ["sharing", "layered_recipes/sharing.toml"])
def test_a_recipe_and_its_base_that_is_none_share_each_layer(layered, monkeypatch, recipe):
    monkeypatch.chdir(layered)
    config = resolve(recipe, scale="paper")
    assert (config.recipe.name, config.backbone.name) == ("sharing", "mlp")
    found = config.train
    assert (found.steps, found.log_every, found.batch_size) == (1, 9, 2)
    assert found.latent_dim == 3  # on.digits of the base, after scale.paper of the recipe


def test_a_file_wins_over_every_layer_of_a_recipe_and_of_a_file_below(layered):
    file = written(layered, 'base = "sharing"\ntrain = { latent_dim = 7 }\n')
    assert resolve(file).train.latent_dim == 7
    file = written(layered, 'base = "layered_recipes/shared.toml"\ntrain = { latent_dim = 7 }\n')
    assert resolve(file).train.latent_dim == 7


def test_a_fault_in_a_base_is_told_with_its_file(layered):
    (layered / "layered_recipes" / "shared.toml").write_text("train = { stepz = 3 }")
    assert fault("sharing").where == "train.stepz in recipe layered_recipes:shared.toml"


def test_a_recipe_that_states_no_paper_has_that_of_its_row(layered):
    found = resolve("layered").recipe
    assert (found.paper, found.url) == ("Layers (2020)", "https://example.org")
    own = resolve(written(layered, 'base = "layered"\nrecipe = { paper = "Mine (2021)" }\n')).recipe
    assert (own.name, own.paper) == ("layered", "Mine (2021)")


def test_a_scale_that_is_not_there_lists_those_that_are(layered):
    found = fault("layered", scale="huge")
    assert (found.exit_code, found.where) == (2, "--scale")
    assert "huge" in found.what and "small, paper" in found.fix


def test_a_file_extends_a_recipe_and_another_file(layered):
    written(layered, 'base = "layered"\ntrain = { seed = 8 }\n')
    top = layered / "top.toml"
    top.write_text(f'base = "{layered / "run.toml"}"\ntrain = {{ batch_size = 9 }}\n')
    train = resolve(top).train
    assert (train.seed, train.batch_size, train.latent_dim) == (8, 9, 3)


def test_a_file_without_base_starts_from_the_defaults(tmp_path):
    config = resolve(written(tmp_path, 'prior = "normal"\n'))
    assert config.recipe.name == "" and config.divergence.name == "kl"


def test_the_default_recipe_is_what_its_parts_give():
    bare, parts = (
        resolve(),
        resolve(flags={"--p": {"prior": "pgen"}, "--r": {"regularizer": {"interp": True}}}),
    )
    assert bare == resolve("flexae-sr")
    without = {"recipe": True}
    assert parts.model_dump(exclude=without) == bare.model_dump(exclude=without)


def test_a_prior_brings_its_divergence_and_that_its_encoder():
    config = resolve(flags={"--prior": {"prior": "normal"}})
    assert (config.divergence.name, config.encoder.name) == ("kl", "gaussian")


def test_what_is_named_is_not_replaced_by_what_is_brought_along():
    config = resolve(flags={"--prior": {"prior": "normal"}, "--divergence": {"divergence": "wgan"}})
    assert (config.divergence.name, config.encoder.name) == ("wgan", "point")


def test_a_prior_named_by_flag_drops_the_recipes_settings_for_its_own():
    config = resolve("rae-gmm", flags={"--prior": {"prior": "pgen"}})
    assert config.prior.name == "pgen" and config.prior.get("components") is None


def test_set_is_typed_by_the_parts_own_settings():
    config = resolve("flexae", sets=["divergence.penalty=5", "prior.hidden=[4, 4]"])
    assert config.divergence.get("penalty") == 5.0 and isinstance(config.divergence.get("penalty"), float)
    assert "'divergence.penalty'" in fault("flexae", sets=["divergence.penalty=abc"]).what


@pytest.mark.parametrize(
    ("recipe", "text"),
    [
        ("ae-gmm", "prior.components=0"),
        ("ae-gmm", "prior.covariance=round"),
        ("ae-gmm", "regularizer.decoder-decay.weight=-1"),
        ("two-stage-vae", "prior.fit.batch_size=0"),
        ("wae-wgan", "divergence.hidden=[8, 0]"),
        ("vae", "dataset.image_size=0"),
    ],
)
def test_set_keeps_to_the_range_that_a_constructor_states(recipe, text):
    found = fault(recipe, sets=[text])
    key = text.partition("=")[0]
    assert f"'{key}" in found.what and "cannot be" in found.what and "--set" in found.where


def test_set_takes_a_regularizer_away():
    assert resolve("flexae-sr", sets=["regularizer.interp=false"]).regularizer == {}


def test_faults_of_all_sections_come_at_once_with_their_origins(tmp_path):
    file = written(tmp_path, 'base = "flexae"\nprior = { hiden = [1] }\ntrain = { stepz = 3 }\ntrian = {}\n')
    found = fault(file, flags={"--backbone": {"backbone": "convv"}}, sets=["divergence.penalty=-1"])
    assert found.exit_code == 2
    for bad in ("'prior.hiden'", "'train.stepz'", "'trian'", "'convv'", "'divergence.penalty'"):
        assert bad in found.what
    for where in (f"prior.hiden in {file}", "backbone.name in --backbone", "divergence.penalty in --set"):
        assert where in found.where
    for remedy in ("'prior.hidden'", "'train.steps'", "'train'", "'conv'"):
        assert f"did you mean {remedy}?" in found.fix


def test_an_unknown_recipe_suggests_the_nearest():
    found = fault("flexea")
    assert found.exit_code == 2 and "'flexea'" in found.what and "'flexae'" in found.fix


def test_an_unknown_regularizer_says_who_named_it():
    found = fault(flags={"--regularizer": {"regularizer": {"interpp": True}}})
    assert "--regularizer" in found.where and "'interp'" in found.fix


def test_a_class_of_ones_own_is_found_beside_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *__import__("sys").path])
    (tmp_path / "mine_resolve.py").write_text(
        "from torch import nn\nclass E(nn.Module):\n    def __init__(self, width: int = 3): ...\n"
    )
    config = resolve(sets=["encoder.name=mine_resolve:E", "encoder.width=5"])
    assert config.encoder.model_dump() == {"name": "mine_resolve:E", "width": 5}
    assert fault(sets=["encoder.name=mine_resolve:F"]).exit_code == 2
    missing = fault(sets=["encoder.name=mine_elsewhere:E"], kind=MissingError)
    assert missing.exit_code == 3 and "mine_elsewhere" in missing.what


def test_a_run_is_named_after_its_recipe_or_its_parts():
    assert run_name(resolve("vae", sets=["train.seed=3"])) == "vae-digits-s3"
    parts = resolve(flags={"--p": {"prior": "pgen"}, "--r": {"regularizer": {"interp": True}}})
    assert run_name(parts) == "pgen-interp-digits-s0"


def test_a_datasets_own_default_path_is_recorded_as_an_absolute_one(tmp_path, monkeypatch):
    source = "class D:\n    def __init__(self, path: str = 'rows.npz', kind: str = 'a') -> None: ...\n"
    (tmp_path / "mine_default.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    config = resolve("vae", flags={"--dataset": {"dataset": {"name": "mine_default:D"}}})
    assert config.dataset.model_dump() == {
        "name": "mine_default:D",
        "path": str(tmp_path / "rows.npz"),
        "kind": "a",
    }


def test_a_fault_of_the_prior_in_force_is_told_beside_others_of_the_prior():
    sets = ["prior.name=gmm", "prior.during=nonesuch", "prior.components=-3"]
    with pytest.raises(ConfigError) as caught:
        resolve("rae-gmm", sets=sets)
    assert "'prior.components'" in caught.value.what and "'nonesuch'" in caught.value.what


def test_none_leaves_a_setting_at_its_default():
    config = resolve("vae", flags={"train()": {"reconstruction": {"name": "mse", "reduction": None}}})
    assert config.reconstruction.get("reduction") == "sum"


# --- files of any shape


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"prior": 3}, "prior"),
        ({"encoder": []}, "encoder"),
        ({"backbone": [["name", "mlp"]]}, "backbone"),
        ({"prior": {"name": {"x": 1}}}, "prior.name"),
        ({"regularizer": 3}, "regularizer"),
        ({"regularizer": {"decoder-decay": 3}}, "regularizer.decoder-decay"),
    ],
)
def test_a_section_of_a_run_that_is_no_table_is_refused_by_its_name(table, place):
    with pytest.raises(ConfigError) as caught:
        read(table)
    assert f"'{place}' cannot be" in caught.value.what


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("scale = { paper = 3 }", "scale.paper"),
        ("scale = { small = { on = 3 } }", "scale.small.on"),
        ("scale = { small = { on = { digits = 3 } } }", "scale.small.on.digits"),
        ("on = { digits = [] }", "on.digits"),
        ('recipe = { reported = [{ table = "T" }] }', "recipe.reported.0.dataset"),
        ('recipe = { reported = [{ table = "T", dataset = "d", metric = 3 }] }', "recipe.reported.0.metric"),
        (
            'recipe = { reported = [{ table = "T", dataset = "d", metric = "m", rec = "x" }] }',
            "reported.0.rec",
        ),
        ("recipe = { reported = [3] }", "recipe.reported.0"),
        ('base = "vae"\noptimizer = 3', "optimizer"),
    ],
)
def test_a_table_of_a_recipe_that_has_another_shape_is_refused_by_its_name(tmp_path, text, place):
    (tmp_path / "odd.toml").write_text(f"{text}\n")
    with pytest.raises(ConfigError) as caught:
        resolve(tmp_path / "odd.toml")
    assert place in caught.value.what


def test_an_optimizer_that_is_no_table_is_refused_also_below_another(tmp_path):
    (tmp_path / "odd.toml").write_text('base = "vae"\noptimizer = 3\n')
    with pytest.raises(ConfigError, match="optimizer"):
        resolve(tmp_path / "odd.toml", flags={"--set": {"prior": "normal", "optimizer": 4}})


def test_a_class_that_is_not_where_a_run_says_is_told_with_how_to_give_the_object():
    with pytest.raises(ConfigError) as caught:
        resolve(flags={"--prior": {"prior": "tests.toyparts:Sphere"}})
    assert (
        "has no class 'Sphere'" in caught.value.what and "modules={'prior': Sphere(...)}" in caught.value.fix
    )
