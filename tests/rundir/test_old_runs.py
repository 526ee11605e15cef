"""Runs that earlier versions wrote still load, sample, measure and go on.

Each directory in `old/` is one as its version left it, without pictures: a training of six steps. Beside it
lie the weights that the same version came to when it went on to twelve.
"""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import aezoo
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir
from aezoo.rundir.seals import sealed

OLD = sorted((Path(__file__).parent / "old").iterdir())


@pytest.fixture(params=OLD, ids=lambda path: path.name)
def old(request, tmp_path) -> Path:
    return Path(shutil.copytree(request.param, tmp_path / request.param.name))


def test_an_old_run_loads_with_the_weights_in_its_file(old):
    model, tensors = aezoo.load(old), load_file(old / "model.safetensors")
    state = model.state_dict()
    assert tensors.keys() == state.keys()
    assert all(torch.equal(state[name], value) for name, value in tensors.items())
    images = model.sample(4, torch.Generator().manual_seed(0))
    assert images.shape == (4, 1, 8, 8) and bool(images.isfinite().all())


def test_an_old_runs_config_is_written_back_as_it_was_under_a_seal(old):
    before = (old / "config.toml").read_bytes()
    RunDir(old).write_config(read_config(RunDir(old)))
    assert (old / "config.toml").read_bytes() == sealed(before)


def test_an_old_run_goes_on_to_where_its_own_version_came(old):
    run = aezoo.train(old / "config.toml", out=old, steps=12, resume=True)
    expected, found = load_file(old / "extended-to-12.safetensors"), run.model.state_dict()
    assert [json.loads(line)["step"] for line in (old / "metrics.jsonl").read_text().splitlines()][:2] == [
        1,
        10,
    ]
    for name, value in expected.items():  # other processors round otherwise
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-5, msg=name)


def test_an_old_run_is_measured(old):
    found = aezoo.evaluate(old, metrics=["reconstruction"], n=50)
    assert found.value("sse", "reconstruction") > 0
