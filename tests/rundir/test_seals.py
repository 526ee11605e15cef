"""A run's files say whose they are and whether they are as they were written."""

import json
import shutil

import pytest
import torch

import aezoo
from aezoo.errors import RunFileError
from aezoo.rundir import sealed
from aezoo.rundir.rundir import RunDir
from tests.folders import flip_a_bit
from tests.tiny import trained

BRIEF = {"steps": 6, "log_every": 1, "settings": {"checkpoint": {"every": 2, "keep": 9}}}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two trainings that differ in their seed."""
    home = tmp_path_factory.mktemp("runs")
    return [trained(home / name, seed=seed, **BRIEF).path for seed, name in enumerate("ab")]


@pytest.fixture
def run(runs, tmp_path):
    return shutil.copytree(runs[0], tmp_path / "run")


def state_of(run, step=6):
    return run / "checkpoints" / f"step-{step:09d}" / "state.json"


def rewrite(file, sign=True, **values):
    table = {**json.loads(file.read_text()), **values}
    file.write_text(json.dumps(sealed.seal_table(table) if sign else table))


# --- of another run


def test_the_model_of_another_run_is_refused_by_name(runs, run):
    shutil.copy(runs[1] / "model.safetensors", run)
    with pytest.raises(RunFileError) as caught:
        aezoo.load(run)
    ids = [RunDir(path).read_config()["id"] for path in runs]
    assert ids[0] != ids[1] and all(one in caught.value.what for one in ids)
    assert "model.safetensors" in caught.value.what


def test_a_checkpoint_of_another_run_is_passed_over_aloud(runs, run, capsys):
    shutil.rmtree(state_of(run).parent)
    shutil.copytree(state_of(runs[1]).parent, state_of(run).parent)
    found, faults = RunDir(run).load_latest()
    assert found.step == 4 and "another run" in faults[0] and "step-000000006" in faults[0]
    trained(run, resume=True, **BRIEF)
    assert "another run" in capsys.readouterr().err
    assert (run / "model.safetensors").read_bytes() == (runs[0] / "model.safetensors").read_bytes()


def test_trainings_of_the_same_settings_have_the_same_identifier_however_long(runs, tmp_path):
    longer = trained(tmp_path / "longer", seed=0, **{**BRIEF, "steps": 7}).path
    assert RunDir(longer).read_config()["id"] == RunDir(runs[0]).read_config()["id"]


def test_a_new_run_from_another_ones_config_gets_an_identifier_of_its_own(runs, tmp_path):
    new = trained(tmp_path / "new", runs[0] / "config.toml", seed=5, steps=2).path
    assert RunDir(new).read_config()["id"] != RunDir(runs[0]).read_config()["id"]
    assert aezoo.load(new).sample(2).shape == (2, 1, 8, 8)


# --- state.json


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"step": 4}, "step-000000004"),
        ({"stage": "fit"}, "fit-000000006"),
        ({"stage": "warm-up"}, "warm-up"),
        ({"step": "6"}, "another form"),
        ({"stage": None}, "another form"),
        ({"sha256": []}, "another form"),
        ({"sha256": {"model.safetensors": 1}}, "another form"),
        ({"seconds": [1]}, "another form"),
        ({"run": "0123456789abcdef"}, "another run"),
    ],
    ids=str,
)
def test_a_state_that_cannot_be_this_checkpoints_is_passed_over_with_its_reason(run, values, said):
    rewrite(state_of(run), **values)
    found, faults = RunDir(run).load_latest()
    assert found.step == 4 and said in faults[0] and "step-000000006" in faults[0]
    with pytest.raises(RunFileError, match=said):
        RunDir(run).checkpoint_at(6)


@pytest.mark.parametrize("content", ["[]", "6", "null", "[" * 100_000, "{}"], ids=lambda text: text[:5])
def test_a_state_that_is_no_table_is_passed_over(run, content):
    state_of(run).write_text(content)
    found, faults = RunDir(run).load_latest()
    assert found.step == 4 and len(faults) == 1


def test_a_state_whose_numbers_were_changed_fails_its_checksum(run):
    rewrite(state_of(run), sign=False, seconds=12.5)
    assert "checksum" in RunDir(run).load_latest()[1][0]


def test_a_flipped_bit_in_a_checkpoint_is_told_where_it_is_asked_for(run):
    flip_a_bit(state_of(run, 2).parent / "model.safetensors")
    with pytest.raises(RunFileError, match="checksum"):
        RunDir(run).checkpoint_at(2)


# --- the model's header


def test_a_header_that_was_changed_is_told(run):
    file = run / "model.safetensors"
    content = file.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    alike = [name for name in names if header[name]["shape"] == header[names[0]]["shape"]]
    one, other = (names[0], alike[-1]) if len(alike) > 1 else (names[0], names[0])
    header[one], header[other] = header[other], {**header[one], "shape": header[one]["shape"][::-1]}
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    with pytest.raises(RunFileError, match="header"):
        aezoo.load(run)


@pytest.mark.parametrize("header", [b"[]", b'"text"', b'{"__metadata__": 3}', b"", b"[" * 100_000], ids=repr)
def test_a_header_of_another_form_is_told(run, header):
    (run / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RunFileError, match=r"model\.safetensors is damaged"):
        aezoo.load(run)


# --- config.toml and results.json


def test_an_edited_config_and_edited_results_are_told_and_taken(run, capsys):
    for name, old, new in (
        ("config.toml", "workers = 0", "workers = 1"),
        ("results.json", "digits", "digitz"),
    ):
        text = (run / name).read_text()
        assert old in text
        (run / name).write_text(text.replace(old, new))
    aezoo.load(run)
    assert RunDir(run).read_results()["dataset"] == "digitz"
    err = capsys.readouterr().err
    assert f"{run / 'config.toml'} is not as aezoo wrote it" in err
    assert f"{run / 'results.json'} is not as aezoo wrote it" in err


def test_files_as_they_were_written_are_not_told(run, capsys):
    aezoo.load(run)
    RunDir(run).read_results()
    trained(run, resume=True, **BRIEF)
    aezoo.load(run)
    assert capsys.readouterr().err == ""


# --- extensions


def stopped_extension(run, monkeypatch, after=2):
    """Ten more steps, of which training was killed after some."""
    from aezoo.training.trainer import Trainer

    iterate = Trainer.iterate

    def dying(self, record=False):
        if self.completed == 6 + after:
            raise KeyboardInterrupt
        return iterate(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "iterate", dying)
        with pytest.raises(KeyboardInterrupt):
            trained(run, resume=True, **{**BRIEF, "steps": 16})
    return RunDir(run)


def test_a_stopped_extension_is_measured_at_its_newest_checkpoint_and_is_not_finished(run, monkeypatch):
    from aezoo.comparison.work import is_measured, is_trained

    assert is_trained(run)
    directory = stopped_extension(run, monkeypatch, after=4)
    assert not directory.is_finished() and not is_trained(run) and not is_measured(run, {})
    expected = directory.checkpoint_at(10).model
    assert all(torch.equal(value, expected[name]) for name, value in aezoo.load(run).state_dict().items())
    found = aezoo.evaluate(run, metrics=["reconstruction"], n=20)
    assert "step 10 of 16" in found.warnings[0]
    rows = json.loads((run / "results.json").read_text())["results"]
    assert {row["n_real"] for row in rows} == {20}  # none of the model of six steps is left among them


def test_a_stopped_extension_without_a_new_checkpoint_has_the_model_it_had(run, monkeypatch):
    before = {name: value.clone() for name, value in aezoo.load(run).state_dict().items()}
    stopped_extension(run, monkeypatch, after=1)
    assert all(torch.equal(value, before[name]) for name, value in aezoo.load(run).state_dict().items())
    assert not RunDir(run).is_finished() and RunDir(run).reached() == 6


def test_a_page_says_that_an_extension_was_stopped(run, monkeypatch):
    from aezoo.report import short_page

    stopped_extension(run, monkeypatch)
    assert "its training was extended and is not finished" in short_page(run)


# --- numbers that were measured


def test_resuming_a_finished_run_keeps_what_was_measured(run):
    aezoo.evaluate(run, metrics=["prd"], n=30)
    before = RunDir(run).read_results()
    trained(run, resume=True, **BRIEF)
    after = RunDir(run).read_results()
    assert after["results"] == before["results"] and after["evaluation"] == before["evaluation"]


def test_an_extension_forgets_what_was_measured_of_its_older_weights(run):
    aezoo.evaluate(run, metrics=["prd"], n=30)
    trained(run, resume=True, **{**BRIEF, "steps": 8})
    assert not [row for row in RunDir(run).read_results()["results"] if row["n_real"] == 30]


def test_numbers_of_a_run_that_was_replaced_meanwhile_are_not_kept(run, monkeypatch):
    from aezoo.verbs import evaluate as verb

    record = verb.record

    def late(*arguments):
        trained(run, seed=3, overwrite=True)
        record(*arguments)

    monkeypatch.setattr(verb, "record", late)
    with pytest.raises(RunFileError, match="replaced"):
        aezoo.evaluate(run, metrics=["prd"], n=30)
    assert not [row for row in RunDir(run).read_results()["results"] if row["n_real"] == 30]


def test_two_evaluations_at_a_time_keep_the_numbers_of_both(run, monkeypatch):
    import threading
    import time

    from aezoo.rundir.open import read_config
    from aezoo.verbs import finish

    before = (run / "results.json").read_bytes()
    found = [aezoo.evaluate(run, metrics=[name], n=30) for name in ("prd", "fd")]
    (run / "results.json").write_bytes(before)
    config, model, read = read_config(RunDir(run)), aezoo.load(run), RunDir.read_results

    def write(one):
        finish.record(RunDir(run), config, model, one, "cpu", {}, RunDir(run).newest(), {})

    def slow(self):
        results = read(self)
        time.sleep(0.3)
        return results

    monkeypatch.setattr(RunDir, "read_results", slow)
    threads = [threading.Thread(target=write, args=(one,)) for one in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    new = [row["metric"].partition("[")[0] for row in read(RunDir(run))["results"] if row["n_real"] == 30]
    assert {"prd_precision", "prd_recall", "fd"} <= set(new)


def test_a_run_that_is_trained_on_is_not_evaluated(run):
    import threading

    from aezoo.rundir.lock import hold

    refused = []

    def measure():
        try:
            aezoo.evaluate(run, metrics=["prd"], n=30)
        except RunFileError as err:
            refused.append(err)

    with hold(run):
        thread = threading.Thread(target=measure)
        thread.start()
        thread.join()
    assert len(refused) == 1 and "in use" in refused[0].what
