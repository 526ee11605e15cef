import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aezoo import ComponentInfo, hookimpl
from aezoo.errors import AezooError, ConfigError, MissingError
from aezoo.registry import catalogue, registry
from aezoo.registry.catalogue import External

PLUGINS = Path(__file__).parents[2] / "plugins"
PACKAGES = [folder for folder in PLUGINS.iterdir() if (folder / "__init__.py").exists()]
GOOD = """
@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="prior", name="mine", target="collections:OrderedDict", summary="a prior")]
"""


def record(distribution: str) -> registry.PluginRecord:
    (found,) = [record for record in registry.plugins() if record.distribution == distribution]
    return found


def test_a_third_party_is_found_by_its_entry_point(install):
    install("aezoo-mine", "mine_plugin", GOOD)
    info = registry.find("prior", "mine")
    assert (info.summary, info.plugin) == ("a prior", "aezoo-mine 2.5")
    assert record("aezoo-mine").status == "ok"


def test_all_first_parties_load(install):
    ours = [record for record in registry.plugins() if record.distribution == "aezoo"]
    assert len(ours) == len(PACKAGES)
    assert {record.status for record in ours} == {"ok"}


def test_first_parties_come_before_third_parties(install):
    install("aaa", "aaa_plugin", GOOD)
    assert [record.distribution for record in registry.plugins()] == ["aezoo"] * len(PACKAGES) + ["aaa"]


# --- one bad plugin


HOOK = "@hookimpl\ndef aezoo_components"
BROKEN = {
    "raises": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "missing": ("import no_such_library", "no_such_library"),
    "exits": ("raise SystemExit(5)", "SystemExit: 5"),
    "syntax": ("def broken(:", "SyntaxError"),
    "misspelt": (
        GOOD.replace("aezoo_components", "aezoo_component"),
        "unknown hook 'aezoo_component'; did you mean 'aezoo_components'?",
    ),
    "type": (f"{HOOK}():\n    return ['mine']", "'mine'"),
    "hook": (f"{HOOK}():\n    return 1 / 0", "ZeroDivisionError"),
    "arguments": (f"{HOOK}(surplus):\n    return []", "surplus"),
    "no-hook": ("x = 1", "no hook"),
    "kind": (GOOD.replace("prior", "pryor", 1), "pryor"),
    "key": (
        GOOD.replace("summary=", 'sumary="a prior", summary='),
        "a row of ComponentInfo has the unknown key 'sumary'",
    ),
    "api": ("aezoo_api = 99" + GOOD, "API 99"),
    "api-remedy": ("aezoo_api = 99" + GOOD, "pip install --upgrade aezoo"),
    "api-text": ("aezoo_api = '2'" + GOOD, "aezoo_api is '2'"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_a_failed_record_with_its_reason(install, source, reason):
    install("aezoo-bad", "bad_plugin", source)
    failed = record("aezoo-bad")
    assert (failed.status, failed.version) == ("FAILED", "2.5")
    assert reason in failed.reason
    assert registry.default("prior").name in {info.name for info in registry.list_components("prior")}


def test_a_row_of_before_that_names_a_settings_class_is_taken_with_a_warning(install, capsys):
    install("aezoo-mine", "mine_plugin", GOOD.replace("summary=", 'config="mine:MineConfig", summary='))
    assert record("aezoo-mine").status == "ok" and "config" not in registry.find("prior", "mine").model_dump()
    assert "config= of prior 'mine' is not read" in capsys.readouterr().err


def test_a_broken_plugin_leaves_the_other_third_parties_alone(install):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError")
    install("aezoo-mine", "mine_plugin", GOOD)
    assert registry.find("prior", "mine").plugin == "aezoo-mine 2.5"


def test_strict_raises_what_the_plugin_raised(install, monkeypatch):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError('no luck')")
    monkeypatch.setenv("AEZOO_STRICT_PLUGINS", "1")
    with pytest.raises(RuntimeError, match="no luck"):
        registry.plugins()


def test_an_unknown_name_mentions_the_plugin_that_failed_to_load(install):
    install("aezoo-bad", "bad_plugin", "raise RuntimeError")
    with pytest.raises(ConfigError) as caught:
        registry.find("prior", "whatever-it-had")
    assert "bad_plugin" in caught.value.fix


def test_a_plugin_for_the_api_at_hand_loads(install):
    install("aezoo-mine", "mine_plugin", "aezoo_api = 1" + GOOD)
    assert record("aezoo-mine").status == "ok"


# --- duplicates


def test_a_third_party_cannot_take_a_shipped_name_and_is_reached_by_its_own(install):
    shipped = registry.default("prior")
    source = GOOD.replace('"mine"', repr(shipped.name))
    with registry.isolate():
        install("aezoo-thief", "thief_plugin", source)
        assert record("aezoo-thief").status == "ok"
        assert registry.find("prior", shipped.name) == shipped
        assert registry.find("prior", f"aezoo:{shipped.name}") == shipped
        assert registry.find("prior", f"aezoo-thief:{shipped.name}").plugin == "aezoo-thief 2.5"


def test_a_bare_name_of_two_distributions_is_refused_with_both_and_how_to_write_each(install):
    install("aezoo-two", "two_plugin", GOOD)
    install("aezoo-one", "one_plugin", GOOD)
    with pytest.raises(ConfigError) as caught:
        registry.find("prior", "mine", "--prior")
    assert "aezoo-one 2.5" in caught.value.what and "aezoo-two 2.5" in caught.value.what
    assert "'aezoo-one:mine'" in caught.value.fix and "'aezoo-two:mine'" in caught.value.fix
    assert caught.value.where == "--prior"


def test_a_newcomer_with_a_taken_name_disables_nothing(install):
    two = GOOD.replace("]\n", ', ComponentInfo(kind="prior", name="other", target="collections:Counter")]\n')
    install("aezoo-two", "two_plugin", two)
    install("aezoo-one", "one_plugin", GOOD)
    assert {record(name).status for name in ("aezoo-one", "aezoo-two")} == {"ok"}
    assert registry.find("prior", "other").plugin == "aezoo-two 2.5"
    assert registry.find("prior", "Aezoo_Two:mine").plugin == "aezoo-two 2.5"


def test_within_one_distribution_a_name_is_taken_once(install, tmp_path):
    install("aezoo-one", "one_plugin", GOOD)
    (tmp_path / "again_plugin.py").write_text((tmp_path / "one_plugin.py").read_text())
    entries = tmp_path / "aezoo_one-2.5.dist-info" / "entry_points.txt"
    entries.write_text(entries.read_text() + "zz_again = again_plugin\n")
    found = {record.name: record for record in registry.plugins() if record.distribution == "aezoo-one"}
    assert found["zz_again"].status == "FAILED" and "duplicate" in found["zz_again"].reason
    assert registry.find("prior", "mine").plugin == "aezoo-one 2.5"


def test_a_name_of_a_distribution_that_is_not_installed_says_so(install):
    with pytest.raises(MissingError) as caught:
        registry.find("prior", "aezoo-far:mine")
    assert caught.value.fix == "pip install aezoo-far"


def test_a_distributions_word_for_a_divergence_is_not_taken_for_ours(install):
    divergence = registry.list_components("divergence")[0]
    source = GOOD.replace('"mine"', repr(divergence.name)).replace('"prior"', '"regularizer"')
    with registry.isolate():
        install("aezoo-thief", "thief_plugin", source)
        assert registry.find("regularizer", divergence.name) == divergence
        assert registry.find("regularizer", f"aezoo-thief:{divergence.name}").kind == "regularizer"


def test_a_third_party_cannot_become_the_default(install):
    shipped = registry.default("prior").name
    with registry.isolate():
        install("aaa", "aaa_plugin", GOOD.replace("summary=", "default=True, summary="))
        assert record("aaa").status == "ok"
        assert registry.default("prior").name == shipped


# --- the environment


@pytest.mark.parametrize("name", ["aezoo-mine", "AEZOO_mine", "mine_plugin", "other, mine-plugin"])
def test_a_disabled_plugin_is_not_even_imported(install, monkeypatch, name):
    install("aezoo-mine", "mine_plugin", GOOD)
    monkeypatch.setenv("AEZOO_DISABLE_PLUGINS", name)
    assert record("aezoo-mine").status == "disabled"
    assert "mine_plugin" not in sys.modules


def test_an_empty_load_list_leaves_out_every_third_party(install, monkeypatch):
    install("aezoo-mine", "mine_plugin", GOOD)
    monkeypatch.setenv("AEZOO_LOAD_PLUGINS", "")
    statuses = {record.distribution: record.status for record in registry.plugins()}
    assert statuses == {"aezoo": "ok", "aezoo-mine": "disabled"}


def test_a_load_list_keeps_those_it_names(install, monkeypatch):
    install("aezoo-mine", "mine_plugin", GOOD)
    install("aezoo-other", "other_plugin", GOOD.replace('"mine"', '"other"'))
    monkeypatch.setenv("AEZOO_LOAD_PLUGINS", "aezoo-mine")
    assert record("aezoo-mine").status == "ok"
    assert record("aezoo-other").status == "disabled"


def test_a_name_in_a_disabled_plugin_says_which_one_with_exit_code_3(install, monkeypatch):
    package = registry.default("prior").target.partition(".")[0]
    name = registry.default("prior").name
    monkeypatch.setenv("AEZOO_DISABLE_PLUGINS", package)
    with registry.isolate(), pytest.raises(MissingError) as caught:
        registry.find("prior", name, "--prior")
    assert caught.value.exit_code == 3
    assert package in caught.value.what and "AEZOO_DISABLE_PLUGINS" in caught.value.fix
    assert caught.value.where == "--prior"


# --- asking


def test_an_unknown_name_suggests_the_nearest_and_says_where(install):
    install("aezoo-mine", "mine_plugin", GOOD)
    with pytest.raises(ConfigError) as caught:
        registry.find("prior", "mien", "prior.name in run.toml")
    assert caught.value.exit_code == 2
    assert "'mine'" in caught.value.fix
    assert caught.value.where == "prior.name in run.toml"


def test_an_unknown_kind_suggests_the_nearest():
    with pytest.raises(ConfigError) as caught:
        registry.list_components("priors")
    assert "'prior'" in caught.value.fix


def test_a_regularizer_may_be_a_divergence_but_not_the_other_way_round():
    divergence = registry.list_components("divergence")[0]
    regularizer = registry.list_components("regularizer")[0]
    assert registry.find("regularizer", divergence.name) == divergence
    with pytest.raises(ConfigError):
        registry.find("divergence", regularizer.name)


def test_a_kind_without_default_says_so():
    with pytest.raises(ConfigError):
        registry.default("regularizer")


def test_a_name_of_a_known_third_party_says_what_to_install(monkeypatch):
    known = (External(install="aezoo-far", provides=("prior/far",)),)
    monkeypatch.setattr(catalogue, "externals", lambda: known)
    with pytest.raises(MissingError) as caught:
        registry.find("prior", "far")
    assert caught.value.fix == "pip install aezoo-far"


# --- importing on use


def part(target: str, **rest: str) -> ComponentInfo:
    return ComponentInfo(kind="prior", name="x", target=target, **rest)


def test_a_target_is_imported_when_it_is_loaded():
    assert registry.load_target(part("collections:OrderedDict")).__name__ == "OrderedDict"


def test_a_target_whose_module_is_missing_is_exit_code_3():
    with pytest.raises(MissingError, match="no_such_module"):
        registry.load_target(part("no_such_module:X"))


def test_a_target_whose_module_breaks_is_told_with_its_reason(tmp_path, monkeypatch):
    (tmp_path / "breaks_on_import.py").write_text("raise RuntimeError('no luck')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(AezooError, match="no luck") as caught:
        registry.load_target(part("breaks_on_import:X"))
    assert caught.value.exit_code == 1 and caught.value.fix


def test_a_target_without_its_class_names_the_class():
    with pytest.raises(AezooError, match="'Nothing'"):
        registry.load_target(part("collections:Nothing"))


@pytest.mark.parametrize("package", ["json", "colorsys", "no_such_package"])
def test_a_recipe_without_its_file_is_exit_code_3(package):
    with pytest.raises(MissingError, match=r"recipes/x\.toml"):
        registry.recipe_file(ComponentInfo(kind="recipe", name="x", target=f"{package}:recipes/x.toml"))


# --- registering by hand


class Fake:
    @hookimpl
    def aezoo_components(self) -> list[ComponentInfo]:
        return [ComponentInfo(kind="prior", name="fake", target="collections:OrderedDict")]


def test_a_registered_plugin_is_forgotten_after_isolation():
    with registry.isolate():
        registry.register(Fake(), "fake")
        assert registry.find("prior", "fake").plugin == "fake"
    with pytest.raises(ConfigError):
        registry.find("prior", "fake")


def test_registering_what_is_no_plugin_is_the_users_error():
    with registry.isolate(), pytest.raises(ConfigError, match="empty"):
        registry.register(SimpleNamespace(), "empty")


def test_a_withdrawn_plugin_is_forgotten_and_may_come_again():
    with registry.isolate():
        registry.register(Fake(), "fake")
        registry.withdraw("fake")
        with pytest.raises(ConfigError):
            registry.find("prior", "fake")
        registry.register(Fake(), "fake")
        assert registry.owner("prior", "fake").name == "fake"


def test_registering_one_plugin_twice_is_an_error():
    with registry.isolate():
        registry.register(Fake(), "fake")
        with pytest.raises(ConfigError, match="duplicate"):
            registry.register(Fake(), "fake")
