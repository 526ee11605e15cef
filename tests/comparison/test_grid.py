"""Which cells a comparison has, and what makes two of them the same."""

import pytest

from aezoo.comparison.grid import Request, grid_of
from aezoo.errors import ConfigError
from aezoo.resolve import resolve
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import content_id
from tests import tiny


def cells(tmp_path, *methods, **options):
    return grid_of(Request(methods=methods, home=tmp_path / "runs", **options)).cells


def test_a_grid_is_every_method_on_every_dataset_under_every_seed(tmp_path):
    found = cells(tmp_path, "vae", "ae-gmm", datasets=["digits", "synthetic-2d"], seeds=2)
    named = [(cell.method, cell.dataset, cell.seed) for cell in found]
    assert named == [
        (method, dataset, seed)
        for method in ("vae", "ae-gmm")
        for dataset in ("digits", "synthetic-2d")
        for seed in (0, 1)
    ]
    assert len({cell.path for cell in found}) == 8
    assert [cell.config.train.seed for cell in found[:2]] == [0, 1]


def test_steps_scale_and_settings_reach_every_cell(tmp_path):
    found = cells(tmp_path, "vae", "flexae-sr", steps=7, scale="paper", sets=["train.latent_dim=5"])
    assert {(cell.config.train.steps, cell.config.train.latent_dim) for cell in found} == {(7, 5)}
    assert {cell.config.recipe.scale for cell in found} == {"paper"}


@pytest.mark.parametrize(
    ("sets", "same"),
    [
        (["train.latent_dim=9"], False),
        (["train.steps=11"], False),
        (["optimizer.lr=0.01"], False),
        (["train.device=cpu"], True),
        (["checkpoint.every=7"], True),
        (["evaluate.end=false"], True),
        (["train.workers=1"], True),
    ],
)
def test_the_id_depends_on_whatever_the_weights_do(sets, same):
    plain, other = content_id(resolve("vae")), content_id(resolve("vae", sets=sets))
    assert len(plain) == 10 and (plain == other) is same


def test_a_cell_keeps_its_directory_from_call_to_call(tmp_path):
    assert [cell.path for cell in cells(tmp_path, "vae")] == [cell.path for cell in cells(tmp_path, "vae")]


def test_a_grid_file_says_the_same_and_the_command_line_wins(tmp_path):
    (tmp_path / "small.toml").write_text(
        '[grid]\nrecipes = ["vae", "own.toml"]\ndatasets = ["synthetic-2d"]\nseeds = 2\nsteps = 30\nn = 50\n'
    )
    (tmp_path / "own.toml").write_text('base = "vae"\n[train]\nlatent_dim = 3\n')
    grid = grid_of(Request(methods=[str(tmp_path / "small.toml")], steps=20, home=tmp_path))
    assert [(cell.method, cell.seed) for cell in grid.cells] == [
        ("vae", 0),
        ("vae", 1),
        ("own", 0),
        ("own", 1),
    ]
    assert {cell.config.train.steps for cell in grid.cells} == {20}
    assert grid.cells[-1].config.train.latent_dim == 3 and grid.n == 50


def test_what_varies_gives_a_row_for_each_combination(tmp_path):
    (tmp_path / "grid.toml").write_text(
        '[grid]\nrecipes = ["vae"]\nseeds = 1\n'
        '[grid.vary]\n"train.latent_dim" = [4, 8]\n"prior.name" = ["normal"]\n'
    )
    found = cells(tmp_path, str(tmp_path / "grid.toml"))
    assert [cell.method for cell in found] == [
        "vae train.latent_dim=4 prior.name=normal",
        "vae train.latent_dim=8 prior.name=normal",
    ]
    assert [cell.config.train.latent_dim for cell in found] == [4, 8]


def test_a_run_directory_is_a_cell_as_it_is(tmp_path):
    run = tiny.trained(tmp_path / "mine", seed=5)
    (cell,) = cells(tmp_path, str(run.path))
    assert (cell.method, cell.dataset, cell.seed, cell.path) == ("mine", "digits", 5, run.path)


@pytest.mark.parametrize(
    ("methods", "named"),
    [([], "nothing"), (["vae", "vae"], "'vae'"), (["vaee"], "vaee"), (["."], ".")],
)
def test_what_is_no_comparison_is_told(tmp_path, monkeypatch, methods, named):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        cells(tmp_path, *methods)
    assert named in caught.value.what and caught.value.fix


def test_an_unknown_key_of_a_grid_file_is_told_with_its_file_and_the_nearest(tmp_path):
    (tmp_path / "grid.toml").write_text('[grid]\nrecipes = ["vae"]\nseed = 3\n')
    with pytest.raises(ConfigError) as caught:
        cells(tmp_path, str(tmp_path / "grid.toml"))
    text = str(caught.value)
    assert "seed" in text and "seeds" in text and "grid.toml" in text
    assert "'grid.seed'" in text and "grid in" not in text


def test_a_recipe_keeps_the_dataset_of_its_own_file(tmp_path):
    (tmp_path / "own.toml").write_text('base = "vae"\ndataset = "synthetic-2d"\n')
    own, plain = cells(tmp_path, str(tmp_path / "own.toml"), "vae")
    assert (own.dataset, own.config.dataset.name, plain.dataset) == ("synthetic-2d",) * 2 + ("digits",)
    (other,) = cells(tmp_path, str(tmp_path / "own.toml"), datasets=["digits"])
    assert other.config.dataset.name == "digits"


def test_a_cell_is_called_after_what_it_is_trained_on_whatever_set_says(tmp_path):
    (cell,) = cells(tmp_path, "vae", datasets=["digits"], sets=["dataset.name=synthetic-2d", "train.seed=7"])
    assert (cell.dataset, cell.seed) == ("synthetic-2d", 7)


@pytest.mark.parametrize(
    "twice",
    [
        {"datasets": ["digits", "digits"]},
        {"seeds": 2, "sets": ["train.seed=7"]},
        {"vary": {"train.latent_dim": [4, 4]}},
    ],
)
def test_one_place_in_the_table_asked_for_twice_is_told_before_any_training(tmp_path, twice):
    with pytest.raises(ConfigError, match="two runs are both 'vae"):
        cells(tmp_path, "vae", **twice)


def test_nothing_to_vary_is_told(tmp_path):
    (tmp_path / "grid.toml").write_text('[grid]\nrecipes = ["vae"]\n[grid.vary]\n"train.latent_dim" = []\n')
    with pytest.raises(ConfigError, match=r"grid\.vary\.train\.latent_dim"):
        cells(tmp_path, str(tmp_path / "grid.toml"))


def test_a_damaged_config_of_a_run_is_told_as_such(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.toml").write_text("x = [")
    with pytest.raises(ConfigError, match="no TOML"):
        cells(tmp_path, str(tmp_path / "mine"))


# -- runs by their directories -------------------------------------------------------------------------


@pytest.fixture
def trained(tmp_path):
    """Runs by name, as far as a comparison looks at them: their settings."""

    def write(name, recipe="vae", **train):
        run = RunDir(tmp_path / name)
        sets = [f"train.{key}={value}" for key, value in train.items()]
        run.write_config(resolve(recipe, sets=sets))
        return str(run.path)

    return write


def methods(tmp_path, *names, **options):
    return [(cell.method, cell.seed) for cell in cells(tmp_path, *names, **options)]


def test_runs_that_differ_in_their_seed_alone_are_one_method(tmp_path, trained):
    runs = [trained("a", seed=0), trained("b", seed=1), trained("other", latent_dim=3)]
    assert methods(tmp_path, *runs) == [("vae", 0), ("vae", 1), ("other", 0)]


def test_a_second_run_of_the_same_seed_is_a_method_of_its_own(tmp_path, trained):
    assert methods(tmp_path, trained("a"), trained("b")) == [("a", 0), ("b", 0)]


def test_two_families_of_one_recipe_are_told_apart_by_directory(tmp_path, trained):
    runs = [trained(f"m{m}-s{s}", latent_dim=m, seed=s) for m in (3, 4) for s in (0, 1)]
    assert methods(tmp_path, *runs) == [("m3-s0", 0), ("m3-s0", 1), ("m4-s0", 0), ("m4-s0", 1)]


def test_runs_leave_the_name_of_a_recipe_to_the_recipe(tmp_path, trained):
    runs = [trained("a", latent_dim=3, seed=0), trained("b", latent_dim=3, seed=1)]
    assert methods(tmp_path, *runs, "vae", seeds=1) == [("a", 0), ("a", 1), ("vae", 0)]
