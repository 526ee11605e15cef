"""`aezoo plugin new` and `check`. Written, installed, trained and broken: that is in test_newcomer.py."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aezoo.testing import check_component, suite
from tests.tiny import WORDS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def forget():
    """Made-up modules vanish from the process."""
    yield
    for name in [name for name in sys.modules if name.startswith(("aezoo_mine", "bad_plugin"))]:
        del sys.modules[name]


# --- new


def test_a_new_plugin_is_a_distribution_of_small_files(run, tmp_path):
    code, out, _ = run("plugin", "new", "mine-own")
    folder = tmp_path / "aezoo-mine-own"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert code == 0 and out.splitlines()[0] == "aezoo-mine-own"
    assert files == {
        *("pyproject.toml", "README.md", "tests/test_contract.py"),
        *(f"aezoo_mine_own/{name}.py" for name in ("__init__", "prior", "regularizer")),
    }
    project = tomllib.loads((folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "aezoo-mine-own"
    assert project["project"]["entry-points"]["aezoo"] == {"aezoo_mine_own": "aezoo_mine_own"}
    for path in folder.rglob("*.py"):
        text = path.read_text()
        assert len(text.splitlines()) <= 40 and "{{" not in text, path
        compile(text, str(path), "exec")


def test_a_new_plugin_reads_as_ours_do(run, tmp_path):
    assert run("plugin", "new", "mine")[0] == 0
    command = [sys.executable, "-m", "ruff", "check", "--config", str(ROOT / "pyproject.toml")]
    pytest.importorskip("ruff")
    for words in (command, [*command[:3], "format", "--check", *command[4:]]):
        done = subprocess.run([*words, "aezoo-mine/aezoo_mine"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "better"),
    [
        ("My Prior", "'my-prior'"),
        ("aezoo-mine", "'mine'"),
        ("mine_own", "'mine-own'"),
        ("3d", "'my-3d'"),
        ("", "'my'"),
        ("../up", "'up'"),
        ("priors", "'my-priors'"),
        ("normal", "'my-normal'"),
    ],
)
def test_an_impossible_name_is_exit_code_2_with_a_better_one(run, tmp_path, name, better):
    code, out, err = run("plugin", "new", name)
    assert (code, out) == (2, "") and better in err and "NAME" in err
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_exists_is_left_alone(run, tmp_path):
    (tmp_path / "aezoo-mine").mkdir()
    (tmp_path / "aezoo-mine" / "kept").write_text("kept")
    code, _, err = run("plugin", "new", "mine")
    assert code == 2 and "aezoo-mine" in err
    assert [path.name for path in (tmp_path / "aezoo-mine").iterdir()] == ["kept"]


def test_a_skeleton_that_cannot_be_written_leaves_nothing(run, tmp_path, monkeypatch):
    from aezoo.errors import DiskError
    from aezoo.registry import skeleton

    def refuse(path, text):
        if path.name == "prior.py":
            raise DiskError(f"{path} cannot be written: no space")

    monkeypatch.setattr(skeleton, "write_text", refuse)
    assert run("plugin", "new", "mine")[0] == 1
    assert list(tmp_path.iterdir()) == []


# --- check


def test_a_package_that_is_not_installed_is_exit_code_3(run, tmp_path):
    code, _, err = run("plugin", "check", "aezoo-nowhere")
    assert code == 3 and "aezoo-nowhere" in err and "pip install aezoo-nowhere" in err
    assert run("plugin", "check", "no.such.module")[0] == 3
    run("plugin", "new", "mine")
    assert "pip install ./aezoo-mine" in run("plugin", "check", "aezoo-mine")[2]


def test_a_new_plugin_keeps_all_rules(run, tmp_path, monkeypatch, forget):
    assert run("plugin", "new", "mine")[0] == 0
    monkeypatch.syspath_prepend(str(tmp_path / "aezoo-mine"))
    code, out, _ = run("plugin", "check", "aezoo_mine")
    assert code == 0 and out.splitlines()[-1].endswith(", 0 FAILED")
    checked = {tuple(line.split()[:2]) for line in out.splitlines()}
    assert {("ok", "prior/mine"), ("ok", "regularizer/mine-pull")} <= checked


FLAWED = """
import torch
from aezoo import ComponentInfo, hookimpl
from aezoo.api import LatentPrior

class Flawed(LatentPrior):
    def __init__(self, *, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim

    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim)

@hookimpl
def aezoo_components():
    brings = {"divergence": "wgan"}
    return [ComponentInfo(kind="prior", name="flawed", target="flawed:Flawed", defaults=brings)]
"""


def test_a_plugin_that_breaks_a_rule_is_exit_code_1_and_says_what_to_mend(run, tmp_path):
    (tmp_path / "flawed.py").write_text(FLAWED)
    code, out, _ = run("plugin", "check", "flawed.py")
    lines = out.splitlines()
    assert code == 1
    assert any(line.split()[:3] == ["ok", "prior/flawed", "shapes"] for line in lines)
    assert any(line.split()[:3] == ["FAILED", "prior/flawed", "randomness"] for line in lines)
    assert "fix:   draw everything from the generator" in out and "FAILED" in lines[-1]


def test_findings_as_json(run, tmp_path):
    (tmp_path / "flawed.py").write_text(
        FLAWED.replace("latent_dim)\n\n@", "latent_dim, generator=generator)\n\n@")
    )
    code, out, _ = run("plugin", "check", "flawed.py", "--json")
    found = {finding["rule"]: finding for finding in json.loads(out)}
    assert code == 1
    assert list(found["shapes"]) == ["kind", "name", "rule", "status", "what", "fix", "where"]
    assert found["randomness"]["status"] == "ok" and "device" in found["dtype-device"]["what"]


NEEDY = """
import torch
from aezoo import ComponentInfo, hookimpl
from aezoo.api import LatentPrior, Regularizer, Terms

class Needy(LatentPrior):
    def __init__(self, *, latent_dim: int, hidden: int, scale: float = 1.0) -> None:
        super().__init__()
        if hidden != 8 or latent_dim != 2:
            raise ValueError(f"hidden is {hidden} and m is {latent_dim}")
        self.latent_dim = latent_dim

    def sample(self, n, generator):
        return torch.randn(n, self.latent_dim, generator=generator, device=generator.device)

class Pull(Regularizer):
    def __init__(self, *, weight: float) -> None:
        super().__init__()
        self.weight = weight

    def terms(self, step) -> Terms:
        return {"pull": self.weight * step.z.square().mean()}

@hookimpl
def aezoo_components():
    brings = {"divergence": "wgan"}
    return [
        ComponentInfo(kind="prior", name="needy", target="needy:Needy", defaults=brings),
        ComponentInfo(kind="regularizer", name="pulled", target="needy:Pull"),
    ]
"""


def test_required_settings_fail_the_check_until_they_are_set(run, tmp_path):
    (tmp_path / "needy.py").write_text(NEEDY)
    code, out, _ = run("plugin", "check", "needy.py")
    assert code == 1 and "hidden" in out and "--set hidden=VALUE" in out and "--set weight=VALUE" in out
    assert out.splitlines()[-1] == "0 ok, 0 skipped, 2 FAILED"
    sets = ("--set", "hidden=8", "--set", "train.latent_dim=2", "--set", "regularizer.pulled.weight=0.5")
    code, out, _ = run("plugin", "check", "needy.py", *sets)
    assert code == 0 and "ok       prior/needy" in out and "ok       regularizer/pulled" in out


@pytest.mark.parametrize("text", ["prior.hiden=8", "hiden=8", "regularizer.other.weight=1", "train.steps=3"])
def test_a_setting_that_no_part_has_is_refused_with_the_nearest(run, tmp_path, text):
    (tmp_path / "needy.py").write_text(NEEDY)
    code, _, err = run("plugin", "check", "needy.py", "--set", text)
    assert code == 2 and text.partition("=")[0] in err and "hidden, scale, weight" in err
    assert ("did you mean 'hidden'" in err) == ("hiden" in text)


def test_a_part_that_cannot_be_built_is_one_line_of_the_authors_and_no_advice_of_other_rules(run, tmp_path):
    text = FLAWED.replace(
        "= latent_dim\n", "= latent_dim\n        self.register_buffer('half', torch.zeros(1))\n"
    )
    (tmp_path / "flawed.py").write_text(text)
    code, out, _ = run("plugin", "check", "flawed.py")
    line = 1 + next(number for number, one in enumerate(text.splitlines()) if "half" in one)
    assert code == 1 and out.splitlines()[-1] == "0 ok, 0 skipped, 1 FAILED"
    assert f"flawed.py, line {line}" in out and "'half' already exists" in out


SAYING = "print('hello from the top')\n"


def test_what_a_plugin_prints_while_it_is_imported_stays_out_of_json(run, tmp_path, install, forget):
    (tmp_path / "flawed.py").write_text(SAYING + FLAWED)
    code, out, err = run("plugin", "check", "flawed.py", "--json")
    assert code == 1 and json.loads(out) and "hello from the top" in err
    install(
        "aezoo-bad",
        "bad_plugin",
        SAYING + "@hookimpl\ndef aezoo_components():\n    print('hook')\n    return []",
    )
    code, out, err = run("plugins", "--json")
    assert code == 0 and json.loads(out) and "hello from the top" in err and "hook" in err


def test_a_plugin_that_prints_may_still_import_no_torch(install):
    rows = "return [ComponentInfo(kind='prior', name='loud', target='aezoo.testing.plain:PlainPrior')]"
    install("aezoo-bad", "bad_plugin", f"{SAYING}@hookimpl\ndef aezoo_components():\n    {rows}")
    check_component("prior", "loud", rule="import")


@pytest.mark.parametrize(
    ("body", "reason"),
    [("ComponentInfo", "aezoo_components gives nothing"), ("return 3", "aezoo_components gives int")],
)
def test_a_hook_that_returns_no_list_is_a_failed_plugin(run, install, forget, body, reason):
    install("aezoo-bad", "bad_plugin", f"@hookimpl\ndef aezoo_components():\n    {body}")
    code, out, _ = run("plugins")
    assert code == 0 and reason in out and "return a list of ComponentInfo" in out
    assert run("plugin", "check", "aezoo-bad")[0] == 1


def test_a_plugin_without_parts_is_no_success(run, install, forget):
    install("aezoo-bad", "bad_plugin", "@hookimpl\ndef aezoo_components():\n    return []")
    code, _, err = run("plugin", "check", "aezoo-bad")
    assert code == 1 and "brings no parts" in err


ABSENT = """
from aezoo import ComponentInfo, hookimpl
from aezoo.api import MissingError

class Absent:
    def __init__(self) -> None:
        raise MissingError("its library is not installed", fix="pip install it")

    encoder = decoder = __init__

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="backbone", name="absent", target="absent:Absent")]
"""


def test_a_part_of_which_every_rule_was_skipped_is_no_success(run, tmp_path, monkeypatch):
    (tmp_path / "absent.py").write_text(ABSENT)
    monkeypatch.setattr(suite, "rules", lambda kind: ["built", "joined"])
    code, out, _ = run("plugin", "check", "absent.py")
    assert code == 1 and "its library is not installed" in out.splitlines()[0]
    assert "every rule was skipped" in out


@pytest.mark.parametrize("text", ["raise RuntimeError('no luck')", "@hookimpl\ndef aezoo_component(): ..."])
def test_a_plugin_that_failed_to_load_is_exit_code_1_with_the_reason(run, install, forget, text):
    install("aezoo-bad", "bad_plugin", text)
    for name in ("aezoo-bad", "bad_plugin", "AEZOO_bad"):
        code, _, err = run("plugin", "check", name)
        assert code == 1 and "FAILED" in err and ("no luck" in err or "aezoo_component" in err)


def test_a_module_that_no_entry_point_names_can_be_checked(run, tmp_path, forget):
    (tmp_path / "bad_plugin.py").write_text("raise RuntimeError('no luck')")
    code, _, err = run("plugin", "check", "bad_plugin")
    assert code == 1 and "no luck" in err


TAKEN = """
@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="prior", name="normal", target="collections:OrderedDict")]
"""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("@hookimpl\ndef aezoo_component():\n    return []", "aezoo_component"),
        (TAKEN, "bad_plugin             aezoo-bad     2.5      ok"),
        ("aezoo_api = 99" + TAKEN, "it needs API 99"),
    ],
    ids=["raises", "misspells", "takes", "newer"],
)
def test_whatever_a_plugin_does_list_lives_and_plugins_shows_why(run, install, forget, text, reason):
    install("aezoo-bad", "bad_plugin", text)
    assert run("list")[0] == 0
    code, out, _ = run("plugins")
    assert code == 0 and reason in out and "aezoo-bad" in out
    assert run("train", "vae", *WORDS, "--steps", 2, "--quiet", "--out", "run")[0] == 0
