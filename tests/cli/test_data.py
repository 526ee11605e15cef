"""Data at the command line: names with a path, options, and faults with exit code, value and remedy."""

import json
import tomllib

import numpy as np
import pytest

from tests.images import picture, write_folder, write_idx
from tests.tiny import WORDS


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("AEZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AEZOO_DATA", raising=False)


def train(run, dataset, *options, batch_size=4):
    small = (*WORDS, "--steps", 2, "--batch-size", batch_size)
    return run("train", "vae", "--dataset", dataset, *small, "--quiet", "--out", "r", *options)


def section(tmp_path):
    return tomllib.loads((tmp_path / "r" / "config.toml").read_text())["dataset"]


# --- what works


def test_a_folder_by_its_path(run, tmp_path):
    write_folder(tmp_path / "faces")
    code, _, err = train(run, "folder:faces", "--image-size", 8, "--skip-bad-images")
    assert (code, err) == (0, "")
    assert {key: section(tmp_path)[key] for key in ("name", "path", "image_size", "skip_bad_images")} == {
        "name": "folder",
        "path": str(tmp_path / "faces"),
        "image_size": 8,
        "skip_bad_images": True,
    }
    assert run("train", "r/config.toml", "--out", "again", "--quiet")[0] == 0
    model = (tmp_path / "again" / "model.safetensors").read_bytes()
    assert model == (tmp_path / "r" / "model.safetensors").read_bytes()
    assert run("reconstruct", "r", "-n", 1)[0] == 0


def test_an_npz_by_its_path_in_a_file_and_on_the_command_line(run, tmp_path):
    np.savez(tmp_path / "a.b.npz", x=np.zeros((20, 1, 17, 23), np.uint8))
    assert train(run, "npz:a.b.npz")[0] == 0
    (tmp_path / "mine.toml").write_text('dataset = "npz:a.b.npz"\n')
    assert run("train", "mine.toml", "--batch-size", "4", "--dry-run", "--json")[0] == 0
    (tmp_path / "mine.toml").write_text('dataset = { name = "npz:a.b.npz", test = 0.5 }\n')
    _, out, _ = run("train", "mine.toml", "--batch-size", "4", "--dry-run", "--json")
    assert json.loads(out)["x"] == {"shape": [1, 17, 23], "range": [0.0, 1.0], "train": 10, "test": 10}
    _, out, _ = run("train", "vae", "--dataset", "npz:a.b.npz", "--batch-size", "4", "--dry-run", "--json")
    assert json.loads(out)["run"] == "vae-npz-a.b-s0"


def test_a_dataset_of_ones_own_by_module_and_class(run, tmp_path, monkeypatch):
    (tmp_path / "own_data.py").write_text(
        "import torch\nfrom aezoo.api import Data, Split\n\n"
        "class Noise:\n"
        "    def __init__(self, rows: int = 30) -> None:\n        self.rows = rows\n"
        "    def load(self) -> Data:\n"
        "        part = Split(torch.rand(self.rows, 5, generator=torch.Generator().manual_seed(0)))\n"
        '        return Data("noise", (5,), (0.0, 1.0), part, part)\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert train(run, "own_data:Noise", "--set", "dataset.rows=12")[0] == 0
    assert section(tmp_path) == {"name": "own_data:Noise", "rows": 12}


def test_the_data_root_by_option(run, tmp_path):
    write_idx(tmp_path / "source")
    assert train(run, "mnist", "--data-root", "source")[0] == 0
    assert section(tmp_path)["root"] == str(tmp_path / "source")
    assert run("reconstruct", "r", "-n", 1)[0] == 0


def test_bad_images_are_skipped_and_counted_on_stderr(run, tmp_path):
    write_folder(tmp_path / "faces")
    (tmp_path / "faces" / "bad.jpg").write_bytes(b"\xff\xd8\xff")
    code, out, err = train(run, "folder:faces", "--image-size", 8, "--skip-bad-images")
    assert (code, out) == (0, "") and "bad.jpg" in err and "1 of 13" in err


# --- faults: exit code, offending value, remedy


def mixed(tmp_path):
    write_folder(tmp_path / "d")
    picture(0, mode="L").save(tmp_path / "d" / "grey.png")


def truncated(tmp_path):
    write_folder(tmp_path / "d")
    picture(0, (300, 300)).save(tmp_path / "d" / "cut.png")
    whole = (tmp_path / "d" / "cut.png").read_bytes()
    (tmp_path / "d" / "cut.png").write_bytes(whole[: len(whole) // 2])


def few(tmp_path):
    write_folder(tmp_path / "d", count=5)


def arrays(**named):
    return lambda tmp_path: np.savez(tmp_path / "d", **named)


FAULTS = {
    "missing folder": (None, "folder:d", 3, ("d", "folder:PATH")),
    "missing npz": (None, "npz:d.npz", 3, ("d.npz", "npz:PATH")),
    "missing set": (None, "fashion-mnist", 3, ("FashionMNIST/raw", "--data-root", "--download")),
    "empty folder": (lambda tmp_path: (tmp_path / "d").mkdir(), "folder:d", 2, ("d cannot", "png jpg")),
    "empty path": (None, "folder:", 2, ("dataset.path", "''")),
    "mixed channels": (mixed, "folder:d", 2, ("grey.png", "00000.png", "dataset.channels=1")),
    "truncated": (truncated, "folder:d", 2, ("cut.png", "--skip-bad-images")),
    "few images": (few, "folder:d", 2, ("4 training rows", "minibatch of 6", "--batch-size 4")),
    "no such name": (None, "foldr:some/where", 2, ("'foldr'", "did you mean 'folder'?")),
    "no such class": (None, "nowhere:Class", 3, ("nowhere", "install it")),
    "no such file": (None, "mnits", 2, ("'mnits'", "did you mean 'mnist'?")),
    "path for none": (None, "digits:here", 2, ("'digits'", "here")),
    "NaN": (arrays(x=np.full((20, 1, 4, 4), np.nan)), "npz:d.npz", 2, ("row 0", "nan", "d.npz")),
    "range": (arrays(x=np.full((20, 1, 4, 4), 255.0)), "npz:d.npz", 2, ("row 0", "255", "0..1")),
    "pickle": (arrays(x=np.array([{}] * 9, dtype=object)), "npz:d.npz", 2, ("d.npz", "np.savez")),
    "shape": (arrays(x=np.zeros((20, 2, 4, 5), np.uint8)), "npz:d.npz", 2, ("(20, 2, 4, 5)", "[N, C, H, W]")),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_exit_code_value_and_remedy_and_leaves_no_run(fault, run, tmp_path):
    make, dataset, exit_code, said = FAULTS[fault]
    if make is not None:
        make(tmp_path)
    code, out, err = train(run, dataset, batch_size=6)
    assert (code, out) == (exit_code, "") and not (tmp_path / "r").exists()
    assert all(words in err for words in said), err
    assert "fix:" in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("option", "key"),
    [
        (("--data-root", "x"), "dataset.root"),
        (("--download",), "dataset.download"),
        (("--skip-bad-images",), "dataset.skip_bad_images"),
    ],
)
def test_an_option_that_a_dataset_does_not_have_is_exit_2(run, option, key):
    code, _, err = train(run, "digits", *option)
    assert code == 2 and key in err and option[0] in err
