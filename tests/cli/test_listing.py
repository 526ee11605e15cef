"""list, show, plugins, doctor: exit codes, remedies and the shape of their JSON."""

import json
import sys
from pathlib import Path

import pytest

import aezoo
from aezoo.cli import doctor as doctor_module
from aezoo.cli.main import main
from aezoo.registry import registry

MINE = """
from typing import Annotated, Literal
from pydantic import Field
from aezoo.config.base import Config

class Inner(Config):
    steps: int = Field(100, gt=0, description="how many")

class Mine:
    def __init__(
        self,
        latent_dim: int,
        *,
        size: Annotated[Literal["small", "base"], Field(description="how wide")] = "small",
        rate: Annotated[float, Field(ge=0, lt=1, description="a share")] = 0.5,
        limit: Annotated[float | None, Field(gt=0, description="a bound")] = None,
        fit: Inner = Inner(steps=7),
        depth: Annotated[int, Field(description="no default")],
    ) -> None: ...

@hookimpl
def aezoo_components():
    return [
        ComponentInfo(
            kind="prior", name="mine", target="mine_plugin:Mine", summary="a prior",
            paper={"title": "On Mine", "year": 2020, "url": "https://example.org"},
        ),
        ComponentInfo(kind="encoder", name="twin", target="mine_plugin:Mine"),
        ComponentInfo(kind="dataset", name="twin", target="mine_plugin:Mine"),
    ]
"""


def test_version_is_the_packages(run):
    assert run("--version") == (0, f"aezoo {aezoo.__version__}\n", "")


def test_list_json_is_an_array_of_five_keys(run):
    code, out, err = run("list", "--json")
    rows = json.loads(out)
    assert (code, err) == (0, "")
    assert len(rows) == len(registry.list_components())
    assert all(list(row) == ["kind", "name", "summary", "status", "plugin"] for row in rows)


def test_list_of_one_kind_shows_only_that(run):
    _, out, _ = run("list", "prior", "--json")
    assert {row["kind"] for row in json.loads(out)} == {"prior"}


def test_list_marks_the_default(run):
    _, out, _ = run("list", "prior")
    (marked,) = [line for line in out.splitlines() if " * " in line]
    assert registry.default("prior").name in marked


def test_an_unknown_kind_is_exit_2_with_the_nearest(run):
    code, out, err = run("list", "priors", "--json")
    assert (code, out) == (2, "")
    assert "did you mean 'prior'?" in err


def test_an_unknown_option_is_exit_2(run):
    assert run("list", "--jsn")[0] == 2


def test_show_json_has_each_setting_with_type_default_and_range(run, install):
    install("aezoo-mine", "mine_plugin", MINE)
    code, out, _ = run("show", "prior/mine", "--json")
    shown = json.loads(out)
    settings = {row.pop("name"): row for row in shown["settings"]}
    assert code == 0
    assert shown["paper"]["title"] == "On Mine"
    assert settings["size"] == {
        "type": "choice",
        "default": "small",
        "required": False,
        "range": "one of small, base",
        "description": "how wide",
    }
    assert (settings["rate"]["type"], settings["rate"]["range"]) == ("number", ">= 0, < 1")
    assert (settings["limit"]["type"], settings["limit"]["default"]) == ("number | none", None)
    assert settings["depth"]["required"]


def test_show_flattens_a_nested_section_with_its_owners_defaults(run, install):
    install("aezoo-mine", "mine_plugin", MINE)
    _, out, _ = run("show", "mine", "--json")
    (steps,) = [row for row in json.loads(out)["settings"] if row["name"] == "fit.steps"]
    assert (steps["default"], steps["range"]) == (7, "> 0")


def test_show_prints_a_line_per_setting(run, install):
    install("aezoo-mine", "mine_plugin", MINE)
    _, out, _ = run("show", "mine")
    (line,) = [line for line in out.splitlines() if line.startswith("rate")]
    assert line.split() == ["rate", "number", "0.5", ">=", "0,", "<", "1", "a", "share"]


def test_a_name_that_several_parts_share_asks_which(run, install):
    install("aezoo-mine", "mine_plugin", MINE)
    code, _, err = run("show", "twin")
    assert code == 2
    assert "encoder/twin, dataset/twin" in err
    assert run("show", "dataset/twin")[0] == 0


def test_an_unknown_name_is_exit_2_with_the_nearest(run, install):
    install("aezoo-mine", "mine_plugin", MINE)
    code, _, err = run("show", "mien")
    assert code == 2
    assert "did you mean 'mine'?" in err


def test_a_name_that_a_broken_plugin_may_have_had_is_exit_2_naming_the_plugin(run, install):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError('no luck')")
    code, _, err = run("show", "mine")
    assert code == 2 and "bad_plugin failed to load" in err and "aezoo plugins" in err


def test_a_part_that_cannot_be_imported_is_exit_3(run, install):
    install("aezoo-mine", "mine_plugin", MINE.replace("mine_plugin:Mine", "no_such_module:C"))
    code, out, err = run("show", "mine", "--json")
    assert (code, out) == (3, "")
    assert "no_such_module" in err and "aezoo-mine 2.5" in err


def test_show_of_a_recipe_holds_its_parts_and_those_of_its_base(run, install, tmp_path: Path):
    (tmp_path / "mine_recipes").mkdir()
    (tmp_path / "mine_recipes" / "__init__.py").touch()
    (tmp_path / "mine_recipes" / "shared.toml").write_text("# as ever\ntrain = { steps = 7, seed = 1 }\n")
    (tmp_path / "mine_recipes" / "r.toml").write_text(
        'base = "shared.toml"\nrecipe = { name = "r" }\nprior = { name = "mine" }\ntrain = { seed = 2 }\n'
    )
    row = 'ComponentInfo(kind="recipe", name="r", target="mine_recipes:r.toml")'
    install("aezoo-mine", "mine_plugin", f"@hookimpl\ndef aezoo_components():\n    return [{row}]")
    code, out, err = run("show", "r", "--json")
    assert code == 0, err
    shown = json.loads(out)["recipe"]
    assert (shown["prior"], shown["train"]) == ({"name": "mine"}, {"steps": 7, "seed": 2})
    _, out, _ = run("show", "r")
    own, base = out.split("# --- its base, recipe mine_recipes:shared.toml\n")
    assert "seed = 2" in own and "# as ever" in base


def test_plugins_json_tells_what_became_of_each(run, install, monkeypatch):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError('no luck')")
    install("aezoo-mine", "mine_plugin", MINE)
    install("aezoo-off", "off_plugin", "")
    monkeypatch.setenv("AEZOO_DISABLE_PLUGINS", "aezoo-off")
    code, out, _ = run("plugins", "--json")
    rows = {row["distribution"]: row for row in json.loads(out)}
    assert code == 0
    assert rows["aezoo-bad"] == {
        "name": "bad_plugin",
        "distribution": "aezoo-bad",
        "version": "2.5",
        "status": "FAILED",
        "components": 0,
        "reason": "RuntimeError: no luck",
    }
    assert (rows["aezoo-mine"]["status"], rows["aezoo-mine"]["components"]) == ("ok", 3)
    assert rows["aezoo-off"]["status"] == "disabled"


COMMANDS = """
@hookimpl
def aezoo_commands(app):
    @app.command()
    def greet():
        print("hello")
"""


def test_a_plugin_can_add_a_command(run, install):
    install("aezoo-mine", "mine_plugin", COMMANDS)
    assert run("greet") == (0, "hello\n", "")


def test_a_plugin_that_breaks_while_adding_commands_is_failed_and_the_rest_works(run, install):
    install(
        "aezoo-bad", "bad_plugin", "@hookimpl\ndef aezoo_commands(app):\n    raise RuntimeError('no luck')"
    )
    install("aezoo-mine", "mine_plugin", COMMANDS)
    assert run("greet")[1] == "hello\n"
    rows = json.loads(run("plugins", "--json")[1])
    assert {row["distribution"]: row["status"] for row in rows}["aezoo-bad"] == "FAILED"


def test_a_bug_keeps_its_traceback(install, monkeypatch):
    install("aezoo-mine", "mine_plugin", COMMANDS.replace('print("hello")', "1 / 0"))
    monkeypatch.setattr(sys, "argv", ["aezoo", "greet"])
    with pytest.raises(ZeroDivisionError):
        main()


def test_doctor_json_knows_versions_devices_and_the_cache(run, monkeypatch, tmp_path):
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "new" / "cache"))
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    assert (code, report["problems"]) == (0, [])
    assert report["devices"][0] == "cpu" and report["threads"] >= 1
    assert set(report["versions"]) >= {"torch", "torchvision", "torch-fidelity"}
    assert report["cache"] == {"path": str(tmp_path / "new" / "cache"), "writable": True}


def test_doctor_names_a_failed_third_party_and_is_still_content(run, install):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError('no luck')")
    code, out, _ = run("doctor", "--json")
    assert code == 0
    assert json.loads(out)["failed_plugins"] == [
        {"name": "bad_plugin", "distribution": "aezoo-bad 2.5", "reason": "RuntimeError: no luck"}
    ]


def test_doctor_leaves_with_1_when_an_essential_library_cannot_be_imported(run, monkeypatch):
    monkeypatch.setattr(doctor_module, "NEEDED", ("no_such_library",))
    code, out, _ = run("doctor", "--json")
    assert code == 1
    assert "no_such_library" in json.loads(out)["problems"][0]
