"""A run directory that somebody else wrote is data: opening it executes installed parts only."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import aezoo
from aezoo import explore
from aezoo.errors import ConfigError
from aezoo.registry import registry
from aezoo.training.trainer import Trainer
from tests.tiny import WORDS, trained

OPENING = (
    *(("sample", "RUN"), ("sample", "RUN", "RUN2"), ("reconstruct", "RUN"), ("embed", "RUN")),
    *(
        ("interpolate", "RUN"),
        ("traverse", "RUN", "--attribute", "0"),
        ("neighbours", "RUN"),
        ("latent", "RUN"),
    ),
    *(("evaluate", "RUN"), ("compare", "RUN"), ("compare", "RUN", "--dry-run"), ("train", "RUN/config.toml")),
    *(("train", "RUN/config.toml", "--dry-run"), ("train", "--out", "RUN", "--resume", *WORDS)),
    ("compare", "RUN/config.toml", "--dry-run"),
)
SECTIONS = ("backbone", "encoder", "decoder", "prior", "divergence", "reconstruction", "dataset")

EVIL = "import pathlib\npathlib.Path({mark!r}).touch()\n\nclass Part:\n    pass\n"
PLUGIN = """
from aezoo import ComponentInfo, hookimpl
from aezoo.api import Regularizer

class Small(Regularizer):
    def terms(self, step):
        return {"small": step.z.square().mean()}

@hookimpl
def aezoo_components():
    return [ComponentInfo(kind="regularizer", name="small", target="small:Small")]
"""
OWN = "from torch import nn\n\nclass Enc(nn.Module):\n" + (
    "    def __init__(self, width: int = 3):\n        super().__init__()\n"
    "        self.net = nn.Sequential(nn.Flatten(), nn.Linear(64, width))\n\n"
    "    def forward(self, x):\n        return self.net(x)\n"
)


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    return trained(tmp_path_factory.mktemp("finished") / "run").path


@pytest.fixture
def stranger(finished, tmp_path, monkeypatch):
    """A finished run in the working directory, with a module there that leaves `executed` when imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("run", "run2"):
        shutil.copytree(finished, tmp_path / name)
    (tmp_path / "evil_part.py").write_text(EVIL.format(mark=str(tmp_path / "executed")))
    yield tmp_path / "run"
    sys.modules.pop("evil_part", None)
    sys.modules.pop("own_part", None)


def write(run: Path, old: str, new: str) -> None:
    text = (run / "config.toml").read_text()
    assert old in text
    (run / "config.toml").write_text(text.replace(old, new, 1))


def name_part(run: Path, section: str, name: str) -> None:
    """The section of that part, with the name alone."""
    lines, inside = [], False
    for line in (run / "config.toml").read_text().splitlines():
        inside = line == f"[{section}]" if line.startswith("[") else inside
        if not inside:
            lines.append(line)
    (run / "config.toml").write_text("\n".join(lines) + f'\n[{section}]\nname = "{name}"\n')


def words(command: tuple[str, ...]) -> list[str]:
    return [word.replace("RUN", "run") for word in command]


@pytest.mark.parametrize("command", OPENING, ids=" ".join)
def test_opening_a_run_imports_no_module_that_it_names(run, stranger, command):
    name_part(stranger, "encoder", "evil_part:Part")
    code, _, err = run(*words(command))
    assert not (stranger.parent / "executed").exists()
    assert code == 2 and "'evil_part:Part'" in err and "encoder.name" in err and "--trust" in err
    assert "run/config.toml" in err


@pytest.mark.parametrize("section", [*SECTIONS, "regularizer.mine", "prior.during"])
def test_a_program_named_as_any_part_is_not_run(run, stranger, section):
    name_part(stranger, section, "subprocess:Popen")
    code, _, err = run("sample", "run")
    assert code == 2 and "'subprocess:Popen' is no installed part" in err and f"{section}.name" in err


def test_a_report_leaves_out_what_takes_the_model_of_a_stranger(run, stranger):
    name_part(stranger, "encoder", "evil_part:Part")
    assert run("report", "run", "--quiet")[0] == 0
    page = (stranger / "report.html").read_text()
    assert "evil_part:Part" in page and "--trust" in page
    assert not (stranger.parent / "executed").exists()


@pytest.mark.parametrize("command", OPENING, ids=" ".join)
def test_opening_a_run_executes_no_plugin_in_it(run, stranger, command):
    bring(stranger, "plugins/evil_part.py", (stranger.parent / "evil_part.py").read_text())
    code, _, err = run(*words(command))
    assert not (stranger.parent / "executed").exists()
    assert code == 2 and "run/plugins/evil_part.py" in err and "plugins in" in err and "--trust" in err


def bring(run: Path, name: str, text: str) -> None:
    """Put a one-file plugin into a run that its config names."""
    (run / "plugins").mkdir(exist_ok=True)
    (run / name).write_text(text)
    write(run, "plugins = []", f'plugins = ["{name}"]')


@pytest.mark.parametrize("how", ["parent", "absolute", "link", "linked folder"])
def test_a_plugin_outside_the_run_is_refused_even_with_trust(run, stranger, how):
    outside, text = stranger.parent / "evil_part.py", "plugins/evil_part.py"
    (stranger / "plugins").mkdir()
    if how == "parent":
        text = "../evil_part.py"
    elif how == "absolute":
        text = str(outside)
    elif how == "link":
        (stranger / "plugins" / "evil_part.py").symlink_to(outside)
    else:
        (stranger / "plugins").rmdir()
        (stranger / "plugins").symlink_to(stranger.parent)
    write(stranger, "plugins = []", f'plugins = ["{text}"]')
    code, _, err = run("sample", "run", "--trust")
    assert code == 2 and "not inside the run directory" in err and text in err
    assert not (stranger.parent / "executed").exists()


def test_with_trust_a_run_executes_its_plugins_and_its_classes(run, stranger):
    (stranger.parent / "own_part.py").write_text(OWN)
    (stranger.parent / "small.py").write_text(PLUGIN)
    train = ("train", *WORDS, "--steps", 2, "--quiet", "--out", "own", "--regularizer", "small")
    assert run(*train, "--plugin", "small.py", "--encoder", "own_part:Enc") == (0, "", "")
    code, _, err = run("sample", "own")
    assert code == 2 and "own/plugins/small.py" in err
    assert run("sample", "own", "--trust")[0] == 0
    with registry.isolate():
        with pytest.raises(ConfigError, match="comes with a run"):
            aezoo.load("own")
        assert aezoo.load("own", trust=True).latent_dim == 3
        assert aezoo.load("own").latent_dim == 3  # it is executed already
    for command in (("evaluate", "own", "--quiet"), ("report", "own", "--quiet"), ("embed", "own")):
        assert run(*command, "--trust")[0] == 0
    assert (
        run("train", "own/config.toml", "--out", "own", "--resume", "--steps", 3, "--quiet", "--trust")[0]
        == 0
    )
    assert run("train", "own/config.toml", "--out", "own", "--resume", "--steps", 4, "--quiet")[0] == 2


def test_the_commands_that_training_names_have_the_trust_they_need(run, stranger, monkeypatch):
    (stranger.parent / "own_part.py").write_text(OWN)
    iterate = Trainer.iterate

    def interrupting(self, record=False):
        os.kill(os.getpid(), signal.SIGINT)
        return iterate(self, record)

    words = ("train", "ae-gmm", *WORDS, "--steps", 2, "--no-evaluate")
    own = ("--encoder", "own_part:Enc")
    assert "grid.png --trust" in run(*words, *own, "--out", "own")[1]
    assert "--trust" not in run(*words, "--out", "plain")[1]
    monkeypatch.setattr(Trainer, "iterate", interrupting)
    assert "--resume --trust" in run(*words, *own, "--out", "stopped")[2]


def test_python_takes_trust_wherever_it_opens_a_run(stranger):
    (stranger.parent / "own_part.py").write_text(OWN)
    with registry.isolate():
        trained(stranger.parent / "own", "ae-gmm", encoder="own_part:Enc", dataset="digits")
    for open_it in (
        lambda **options: aezoo.evaluate("own", metrics=["reconstruction"], **options),
        lambda **options: explore.open_run("own", **options),
        lambda **options: explore.lineup(["own"], n=2, **options),
        lambda **options: aezoo.train("own/config.toml", out="again", overwrite=True, **options),
        lambda **options: aezoo.train("own/config.toml", out="own", resume=True, **options),
    ):
        with registry.isolate():
            with pytest.raises(ConfigError, match="'own_part:Enc' is no installed part"):
                open_it()
            open_it(trust=True)


def test_a_run_that_was_trained_in_this_process_opens_without_asking(stranger):
    (stranger.parent / "own_part.py").write_text(OWN)
    (stranger.parent / "small.py").write_text(PLUGIN)
    with registry.isolate():
        made = trained(
            stranger.parent / "own",
            "ae-gmm",
            encoder="own_part:Enc",
            plugins=["small.py"],
            regularizers="small",
        )
        assert made.model.latent_dim == 3 and made.results["results"]
        assert aezoo.evaluate(made.path, metrics=["reconstruction"]).results


def test_a_part_given_from_python_is_the_callers_own(stranger):
    (stranger.parent / "own_part.py").write_text(OWN)
    with registry.isolate():
        trained(stranger.parent / "own", "ae-gmm", encoder="own_part:Enc")
    import own_part

    with registry.isolate():
        assert aezoo.load("own", modules={"encoder": own_part.Enc()}).latent_dim == 3


@pytest.mark.parametrize("place", ["mine.toml", "elsewhere/mine.toml"])
def test_a_file_of_ones_own_executes_what_it_names(run, stranger, place):
    (stranger.parent / "own_part.py").write_text(OWN)
    file = stranger.parent / place
    file.parent.mkdir(exist_ok=True)
    file.write_text('base = "vae"\ndivergence = "none"\nencoder = "own_part:Enc"\n')
    assert run("train", place, *WORDS, "--dry-run")[0] == 0


@pytest.mark.parametrize("place", ["run/mine.toml", "run/samples/mine.toml", "config.toml", "linked.toml"])
def test_a_file_in_a_run_directory_is_the_runs(run, stranger, place):
    (stranger / "samples").mkdir(exist_ok=True)
    text = 'base = "vae"\nencoder = "evil_part:Part"\n'
    (stranger.parent / place).write_text(text)
    if place == "linked.toml":
        (stranger / "mine.toml").write_text(text)
        (stranger.parent / place).unlink()
        (stranger.parent / place).symlink_to(stranger / "mine.toml")
    code, _, err = run("train", place, "--dry-run")
    assert code == 2 and "'evil_part:Part' is no installed part" in err
    assert not (stranger.parent / "executed").exists()


def test_a_file_that_a_runs_file_extends_is_not_the_users_either(run, stranger):
    (stranger.parent / "below.toml").write_text('base = "vae"\nencoder = "evil_part:Part"\n')
    (stranger / "config.toml").write_text('base = "../below.toml"\nformat = 1\nencoder = {}\n')
    code, _, err = run("train", "run/config.toml", "--dry-run")
    assert code == 2 and "'evil_part:Part' is no installed part" in err
    assert not (stranger.parent / "executed").exists()


@pytest.mark.parametrize(
    "command", [("compare", "run/grid.toml"), ("reproduce", "run/grid.toml")], ids=" ".join
)
def test_a_grid_in_a_run_directory_is_not_taken(run, stranger, command):
    (stranger / "grid.toml").write_text('[grid]\nrecipes = ["vae"]\nset = ["encoder.name=evil_part:Part"]\n')
    code, _, err = run(*command, "--dry-run")
    assert code == 2 and "grid.toml lies in a run directory" in err and "copy it" in err
    assert not (stranger.parent / "executed").exists()


def test_a_class_that_is_no_part_is_not_called(run, stranger):
    for section in ("backbone", "encoder", "decoder", "prior", "divergence", "reconstruction", "dataset"):
        (stranger.parent / "evil_part.py").write_text(
            "import pathlib\n\nclass Part:\n    def __init__(self) -> None:\n"
            f"        pathlib.Path({str(stranger.parent / 'executed')!r}).touch()\n"
        )
        option = ("--set", f"{section}.name=evil_part:Part")
        code, _, err = run("train", "vae", *WORDS, *option, "--dry-run")
        assert code == 2 and "Part is no " in err and f"{section}.name" in err
        assert not (stranger.parent / "executed").exists()


# --- the working directory


def test_the_processes_of_a_comparison_import_nothing_from_the_working_directory(run, stranger):
    mark = stranger.parent / "executed"
    for name in ("copy", "calendar", "numbers"):
        (stranger.parent / f"{name}.py").write_text(f"import pathlib\npathlib.Path({str(mark)!r}).touch()\n")
    code, _, err = run(
        "compare", "vae", "--steps", 2, *sets(), "--metrics", "reconstruction", "--jobs", 1, "--quiet"
    )
    assert (code, mark.exists()) == (0, False), err


def sets() -> list[str]:
    return ["--set", "backbone.name=mlp", "--set", "train.latent_dim=3"]


def test_a_comparison_trains_with_the_users_own_plugin_and_class(run, stranger):
    (stranger.parent / "own_part.py").write_text(OWN)
    (stranger.parent / "small.py").write_text(PLUGIN)
    own = ("--plugin", "small.py", "--set", "regularizer.small=true", "--set", "encoder.name=own_part:Enc")
    code, out, err = run(
        "compare",
        "ae-gmm",
        "--steps",
        2,
        *sets(),
        *own,
        "--metrics",
        "reconstruction",
        "--jobs",
        1,
        "--quiet",
    )
    assert code == 0 and "sse" in out, err


def test_python_m_aezoo_takes_no_plugin_from_the_working_directory(stranger):
    folder = stranger.parent / "evil-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (folder / "entry_points.txt").write_text("[aezoo]\nevil = evil_part\n")
    said = subprocess.run(
        [sys.executable, "-m", "aezoo", "plugins"],
        capture_output=True,
        text=True,
        check=True,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
    )
    assert "evil" not in said.stdout and "aezoo_priors" in said.stdout
    assert not (stranger.parent / "executed").exists()
