"""Files that extend each other, in a package and on disk."""

import sys
import zipfile

import pytest

from aezoo import ComponentInfo, hookimpl
from aezoo.errors import ConfigError, MissingError
from aezoo.registry import registry
from aezoo.registry.sources import sources

FILES = {
    "recipes/based.toml": 'base = "common.toml"\n[recipe]\nname = "based"\n',
    "recipes/common.toml": 'base = "../shared/lowest.toml"\n',
    "shared/lowest.toml": "train.steps = 7\n",
    "recipes/named.toml": 'base = "based"\n',
    "recipes/lost.toml": 'base = "none.toml"\n',
    "recipes/round.toml": 'base = "round.toml"\n',
}


@pytest.fixture(params=["folder", "archive"])
def installed(request, tmp_path, monkeypatch):
    """A package with those files, in a folder or in an archive; four of them are registered."""
    package, home = f"bases_{request.param}", tmp_path / "home.zip"
    files = {f"{package}/{path}": text for path, text in {"__init__.py": "", **FILES}.items()}
    if request.param == "archive":
        with zipfile.ZipFile(home, "w") as archive:
            for path, text in files.items():
                archive.writestr(path, text)
    else:
        for path, text in files.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_text(text)
    monkeypatch.syspath_prepend(str(home))
    monkeypatch.delitem(sys.modules, package, raising=False)  # another test's

    class Plugin:
        @hookimpl
        def aezoo_components(self):
            return [
                ComponentInfo(kind="recipe", name=name, target=f"{package}:recipes/{name}.toml")
                for name in ("based", "named", "lost", "round")
            ]

    with registry.isolate():
        registry.register(Plugin(), "bases")
        yield package


def walked(name):
    return list(sources("recipe", name, "--recipe"))


def test_a_base_is_looked_for_beside_a_registered_recipe(installed):
    found = walked("based")
    common, lowest = f"{installed}:recipes/common.toml", f"{installed}:shared/lowest.toml"
    assert [one.origin for one in found] == ["recipe based", f"recipe {common}", f"recipe {lowest}"]
    assert found[-1].table == {"train": {"steps": 7}} and found[-1].text() == "train.steps = 7\n"


def test_a_base_is_a_recipe_of_that_name(installed):
    assert [one.origin for one in walked("named")][:2] == ["recipe named", "recipe based"]


def test_a_base_that_is_not_there_is_told_with_the_file_that_names_it(installed):
    with pytest.raises(MissingError, match=r"recipes/none\.toml in package bases_") as caught:
        walked("lost")
    assert caught.value.where == "base in recipe lost" and caught.value.fix


def test_a_registered_recipe_that_extends_itself_says_so(installed):
    with pytest.raises(ConfigError, match="extends itself"):
        walked("round")


def test_a_base_beside_a_file_on_disk(tmp_path):
    (tmp_path / "below.toml").write_text("train.steps = 7")
    (tmp_path / "mine.toml").write_text('base = "below.toml"')
    found = walked(tmp_path / "mine.toml")
    assert [one.place for one in found] == [tmp_path / "mine.toml", tmp_path / "below.toml"]


@pytest.mark.parametrize(("base", "what"), [("3", "'base' cannot be 3"), ('"no-such"', "'no-such'")])
def test_a_base_that_cannot_be_is_told_with_its_file(tmp_path, base, what):
    (tmp_path / "mine.toml").write_text(f"base = {base}")
    with pytest.raises(ConfigError, match=what) as caught:
        walked(tmp_path / "mine.toml")
    assert caught.value.where == f"base in {tmp_path / 'mine.toml'}" and caught.value.fix
