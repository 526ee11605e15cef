"""`aezoo evaluate` as it is typed."""

import json
import shutil

import pytest

from aezoo.cli.main import COMMANDS
from tests import tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    silent = {"evaluate": {"end": False}}
    return tiny.trained(tmp_path_factory.mktemp("runs") / "vae", settings=silent).path


@pytest.fixture
def vae(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "vae")


def test_it_prints_one_table_between_its_references(run, vae):
    code, out, _ = run("evaluate", vae, "--metrics", "reconstruction,fd", "--quiet")
    assert code == 0
    lines = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert lines == ["reconstruction", "mean", "train", "reconstruction", "generation", "mean", "pixel"]
    assert "sse ↓" in out and "psnr ↑" in out and "fd ↓" in out
    assert "360 real rows, 360 of each set" in out and "classifier-digits" in out


def test_json_is_one_document_on_stdout_and_warnings_go_to_stderr(run, vae):
    code, out, err = run("evaluate", vae, "--metrics", "fd", "--json", "--quiet")
    document = json.loads(out)
    assert code == 0 and document["run"] == str(vae)
    assert {row["metric"] for row in document["results"]} == {"fd[classifier-digits]"}
    assert all(line.startswith("warning: ") for line in err.splitlines())


@pytest.mark.parametrize(
    ("arguments", "code", "named"),
    [
        (("--metrics", "fdd"), 2, "fdd"),
        (("--extractor", "pixel"), 2, "did you mean 'pixels'"),
        (("-n", "5000"), 2, "360"),
        (("-n", "1"), 2, "-n"),
        (("--checkpoint", "best"), 2, "best-validation"),
        (("--extractor", "inception", "--weights", "nowhere.pth"), 3, "nowhere.pth"),
        (("--extractor", "pixels", "--download"), 2, "--download"),
        (("--plugin", "absent.py"), 2, "absent.py"),
    ],
)
def test_a_mistake_is_told_with_its_exit_code_and_the_value(run, vae, arguments, code, named):
    found, _, err = run("evaluate", vae, *arguments, "--quiet")
    assert found == code and named in err
    assert json.loads((vae / "results.json").read_text())["results"] == []


def test_a_directory_that_is_no_run_is_told(run, tmp_path):
    code, _, err = run("evaluate", tmp_path, "--quiet")
    assert code == 1 and str(tmp_path) in err


def test_a_metric_of_ones_own_is_measured_like_ours(run, vae, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from aezoo import ComponentInfo, hookimpl\n"
        "from aezoo.api import Measure, SetMetric\n"
        "class Mine(SetMetric):\n"
        "    measures = {'mine': Measure('lower', 'distance of the means')}\n"
        "    def compare(self, fake, real, seed):\n"
        "        return {'mine': float((fake.mean(0) - real.mean(0)).norm())}\n"
        "@hookimpl\n"
        "def aezoo_components():\n"
        "    return [ComponentInfo(kind='metric', name='mine', target='mine:Mine')]\n"
    )
    code, out, _ = run(
        "evaluate", vae, "--plugin", tmp_path / "mine.py", "--metrics", "mine,fd", "--json", "--quiet"
    )
    found = {(row["metric"], row["of"]): row["value"] for row in json.loads(out)["results"]}
    assert (
        code == 0
        and found["mine[classifier-digits]", "mean"] > found["mine[classifier-digits]", "floor"] >= 0
    )


def test_training_without_evaluation_prints_no_table(run):
    code, out, _ = run("train", "vae", "--steps", 2, "--no-evaluate", "--out", "run")
    assert code == 0 and "sse" not in out and "evaluate" in COMMANDS
