"""Data handed over in Python: what is taken, what the run says of it, what comes back without it."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

import aezoo
from aezoo.cli.main import main
from aezoo.data.given import given_data
from aezoo.data.loading import load_data
from aezoo.errors import ConfigError, MissingError
from aezoo.parts.types import Data, Split
from tests.tiny import trained


def images(n=40, *shape, dtype=torch.uint8):
    values = torch.randint(0, 256, (n, *(shape or (1, 6, 6))), generator=torch.Generator().manual_seed(0))
    return values.to(torch.uint8) if dtype == torch.uint8 else (values / 255).to(dtype)


def train(dataset, out, **options):
    return trained(out, dataset=dataset, **options)


class Pairs(Dataset):
    """Items (x, class)."""

    def __init__(self, x, labels):
        self.x, self.labels = x, labels

    def __len__(self):
        return len(self.x)

    def __getitem__(self, index):
        return self.x[index], self.labels[index]


@pytest.mark.parametrize(
    ("dataset", "kind", "shape"),
    [
        (images(), "tensor", (1, 6, 6)),
        (images(40, 6, 7, dtype=torch.float32), "tensor", (1, 6, 7)),
        (images(40, 5, dtype=torch.float64), "tensor", (5,)),
        (images(40, 6, 7, 3).numpy(), "array", (3, 6, 7)),
        (TensorDataset(images()), "dataset", (1, 6, 6)),
        (Pairs(images(), [n % 3 for n in range(40)]), "dataset", (1, 6, 6)),
        (Data("own", (2,), None, Split(torch.randn(40, 2)), Split(torch.randn(9, 2))), "Data", (2,)),
    ],
    ids=["uint8", "float", "vectors", "array", "TensorDataset", "pairs", "Data"],
)
def test_a_run_on_given_data_says_so_and_its_model_needs_none(dataset, kind, shape, tmp_path):
    options = {"settings": {"reconstruction": {"name": "mse"}}} if kind == "Data" else {}
    run = train(dataset, tmp_path / "run", **options)
    assert run.config.dataset.get("kind") == kind and len(run.config.dataset.get("sha256")) == 64
    model = aezoo.load(run.path)
    assert model.sample(3, torch.Generator().manual_seed(0)).shape == (3, *shape)
    with pytest.raises(MissingError, match="given from Python") as caught:
        load_data(run.config)
    assert "dataset=" in caught.value.fix


def test_nine_tenths_are_trained_on_and_all_values_kept():
    x = images()
    data, section = given_data(x)
    assert (len(data.train), len(data.test), section["rows"]) == (36, 4, 40)
    rows = torch.cat([data.train.values, data.test.values])
    assert torch.equal(rows.flatten(1).sum(1).sort().values, x.flatten(1).sum(1).sort().values)


def test_labels_follow_their_rows():
    x = torch.arange(40, dtype=torch.uint8)[:, None].repeat(1, 4)
    data, _ = given_data(Pairs(x, list(range(40))))
    for part in (data.train, data.test):
        assert part.labels.tolist() == part.values[:, 0].tolist()
    assert len(data.classes) == 40


def test_the_callers_tensor_is_not_changed(tmp_path):
    x = images(40, 1, 6, 6, dtype=torch.float32).requires_grad_()
    before = x.detach().clone()
    train(x, tmp_path / "run")
    assert torch.equal(x, before) and x.grad is None


def test_the_run_is_named_after_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert train(images(), None).path.name == "vae-Given-s0"


def test_a_resumed_run_wants_the_same_data(tmp_path):
    train(images(), tmp_path / "run")
    assert train(images(), tmp_path / "run", resume=True, steps=3).results["steps"] == 3
    other = images()
    other[0, 0, 0, 0] += 1
    with pytest.raises(ConfigError, match=r"dataset\.sha256"):
        train(other, tmp_path / "run", resume=True, steps=4)


@pytest.mark.parametrize(
    ("dataset", "said"),
    [
        (torch.full((20, 1, 4, 4), 1.25), "1.25"),
        (torch.full((20, 4), float("nan")), "nan"),
        (torch.zeros(20), "(20,)"),
        (torch.zeros(20, 4, dtype=torch.int64), "int64"),
        (np.array(["a"] * 20), "<U1"),
        (TensorDataset(torch.zeros(0, 4)), "TensorDataset"),
        (Pairs([torch.zeros(2), torch.zeros(3)], [0, 1]), "(3,)"),
        (Pairs(torch.zeros(20, 2), [-1] * 20), "-1"),
        (images(1), "1 rows"),
    ],
)
def test_data_that_cannot_be_trained_on_are_refused_with_the_value(dataset, said, tmp_path):
    with pytest.raises(ConfigError) as caught:
        train(dataset, tmp_path / "run")
    assert said in caught.value.what and caught.value.fix and not (tmp_path / "run").exists()


def test_fewer_rows_than_a_minibatch_names_both(tmp_path):
    with pytest.raises(ConfigError, match="18 training rows") as caught:
        train(images(20), tmp_path / "run", batch_size=32)
    assert "32" in caught.value.what and "--batch-size 18" in caught.value.fix


def test_reconstructing_at_the_command_line_is_exit_3(tmp_path, monkeypatch, capsys):
    run = train(images(), tmp_path / "run")
    monkeypatch.setattr("sys.argv", ["aezoo", "reconstruct", str(run.path)])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 3 and "given from Python" in capsys.readouterr().err


def test_a_name_with_a_path_and_a_table_with_one_are_the_same(tmp_path):
    np.savez(tmp_path / "a.npz", x=images().numpy())
    for number, dataset in enumerate(
        [f"npz:{tmp_path / 'a.npz'}", {"name": "npz", "path": str(tmp_path / "a.npz")}]
    ):
        run = train(dataset, tmp_path / str(number))
        assert run.config.dataset.name == "npz" and run.config.dataset.get("path") == str(tmp_path / "a.npz")
