import tomllib
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from pydantic import ValidationError

from aezoo.config.check import settings_of
from aezoo.config.describe import settings
from aezoo.errors import ConfigError
from aezoo.registry import catalogue, registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.registry.sources import sources

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = sorted(folder.name for folder in PLUGINS.iterdir() if (folder / "__init__.py").exists())
WRITTEN = tomllib.loads(catalogue.registry_file().read_text(encoding="utf-8"))
SHIPPED = [info for package in PACKAGES for info in catalogue.rows(package)]


def test_every_row_belongs_to_a_package_of_the_tree():
    assert len(SHIPPED) == len(WRITTEN["component"])


def test_every_package_of_the_tree_has_an_entry_point_of_its_own_name():
    ours = {e.name: e.value for e in entry_points(group="aezoo") if e.dist and e.dist.name == "aezoo"}
    assert ours == {package: package for package in PACKAGES}


def test_rows_of_a_package_are_only_those_inside_it():
    assert {info.target.split(".")[0] for info in catalogue.rows("aezoo_priors")} == {"aezoo_priors"}
    assert catalogue.rows("aezoo_prior") == []


def test_no_kind_has_two_rows_of_one_name():
    assert [key for key, n in Counter((i.kind, i.name) for i in SHIPPED).items() if n > 1] == []


@pytest.mark.parametrize(
    "kind", ["recipe", "backbone", "encoder", "decoder", "prior", "reconstruction", "dataset"]
)
def test_a_kind_that_every_run_needs_has_exactly_one_default(kind):
    assert sum(info.default for info in SHIPPED if info.kind == kind) == 1


def test_what_a_part_brings_along_exists():
    known = {(info.kind, info.name) for info in SHIPPED}
    brought = {pair for info in SHIPPED for pair in info.defaults.items()}
    assert brought <= known


def test_every_prior_brings_a_divergence():
    assert all("divergence" in info.defaults for info in SHIPPED if info.kind == "prior")


@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: f"{info.kind}/{info.name}")
def test_every_row_has_a_summary_of_one_line_and_a_whole_paper(info):
    assert info.summary and "\n" not in info.summary and not info.summary.endswith(".")
    assert info.paper is None or (info.paper.year >= 1990 and info.paper.url.startswith("https://"))


@pytest.mark.parametrize("info", SHIPPED, ids=lambda info: f"{info.kind}/{info.name}")
def test_what_a_row_points_at_can_be_loaded(info):
    if info.kind in ("recipe", "experiment"):
        section = {"recipe": "recipe", "experiment": "grid"}[info.kind]
        assert any(section in file.table for file in sources(info.kind, info.name, "test"))
    else:
        assert isinstance(registry.load_target(info), type)


@pytest.mark.parametrize(
    "info",
    [info for info in SHIPPED if info.kind not in ("recipe", "experiment")],
    ids=lambda info: f"{info.kind}/{info.name}",
)
def test_every_setting_of_a_part_is_described(info):
    described = {one.name: one.description for one in settings(settings_of(registry.load_target(info)))}
    assert [name for name, text in described.items() if not text] == []


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a:b", ".."])
def test_a_name_that_a_shell_or_a_directory_would_stumble_over_is_refused(name):
    with pytest.raises(ValidationError):
        ComponentInfo(kind="prior", name=name, target="m:C")


def test_a_row_with_an_unknown_key_is_refused():
    with pytest.raises(ValidationError):
        ComponentInfo(kind="prior", name="x", target="m:C", colour="red")


@pytest.fixture
def written(monkeypatch, tmp_path):
    """Puts a text in the place of registry.toml."""
    cached = [found for found in vars(catalogue).values() if hasattr(found, "cache_clear")]

    def write(text):
        file = tmp_path / "registry.toml"
        file.write_text(text)
        monkeypatch.setattr(catalogue, "registry_file", lambda: file)
        for function in cached:
            function.cache_clear()

    yield write
    for function in cached:
        function.cache_clear()


def test_an_external_row_is_read_with_its_parts(written):
    written('[[external]]\ninstall = "aezoo-mine"\nprovides = ["prior/mine"]\n')
    (row,) = catalogue.externals()
    assert (row.install, row.provides) == ("aezoo-mine", ("prior/mine",))


ROW = '[[component]]\nkind = "prior"\nname = "mine"\ntarget = "mine:Mine"\npaper = "KEY"\n'
PAPER = '[paper]\nmine = { authors = "Me", title = "On Mine", year = 2020, url = "https://example.org" }\n'


def test_a_row_has_the_paper_whose_key_it_gives(written):
    written(PAPER + ROW.replace("KEY", "mine"))
    (row,) = catalogue.rows("mine")
    assert row.paper.citation() == {"paper": "Me: On Mine (2020)", "url": "https://example.org"}


def test_an_unknown_paper_is_told_with_its_row_and_the_nearest(written):
    written(PAPER + ROW.replace("KEY", "mien"))
    with pytest.raises(ConfigError, match="'mien'") as caught:
        catalogue.rows("mine")
    assert "prior/mine in registry.toml" in caught.value.where
    assert "did you mean 'mine'?" in caught.value.fix


def test_every_paper_is_that_of_some_row():
    known = {paper["title"] for paper in WRITTEN["paper"].values()}
    assert known == {info.paper.title for info in SHIPPED if info.paper}


@pytest.mark.parametrize(
    "content",
    [
        b"\xff",
        b"[[component",
        b"x = " + b"[" * 5000,
        b"component = 3",
        b'component = ["vae"]',
        b'[[component]]\nkind = "prior"\nname = 3\ntarget = "a:B"',
        b'paper = ["x"]',
        b"[[external]]\ninstall = 1",
    ],
)
def test_a_damaged_registry_toml_is_an_error_and_no_crash(tmp_path, monkeypatch, content):
    (tmp_path / "registry.toml").write_bytes(content)
    monkeypatch.setattr(catalogue, "registry_file", lambda: tmp_path / "registry.toml")
    cached = (catalogue._tables, catalogue.shipped, catalogue.externals)
    try:
        for one in cached:
            one.cache_clear()
        with pytest.raises(ConfigError, match=r"registry\.toml") as caught:
            (catalogue.shipped(), catalogue.externals())
        assert "registry.toml" in caught.value.where
    finally:
        for one in cached:
            one.cache_clear()
