"""`aezoo.evaluate`: a run's numbers, what they depend on, what is left in the directory."""

import json
import shutil

import pytest
import torch

import aezoo
import aezoo.api
from aezoo.errors import ConfigError, MissingError, RunFileError
from aezoo.evaluation.names import TOO_FEW, WORSE_GENERATION, WORSE_RECONSTRUCTION, kind_of
from aezoo.metrics import frechet_distance
from aezoo.rundir.rundir import RunDir
from tests import tiny

SETS = ["floor", "reconstruction", "generation", "mean", "gaussian"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    settings = {"checkpoint": {"every": 20, "keep": 3}}
    return tiny.trained(tmp_path_factory.mktemp("runs") / "wae", "wae-wgan", steps=60, settings=settings)


@pytest.fixture
def run(trained, tmp_path):
    """A copy, to write into."""
    return shutil.copytree(trained.path, tmp_path / "run")


def results(path):
    return json.loads((path / "results.json").read_text())


def test_training_ends_with_a_short_evaluation(trained):
    rows = results(trained.path)["results"]
    assert {(row["metric"], row["of"]) for row in rows} >= {
        ("sse", "reconstruction"),
        ("ssim", "mean"),
        ("active_units", "codes"),
        *(("fd[classifier-digits]", of) for of in SETS),
    }
    assert all(row["n_real"] == 360 for row in rows)


def test_a_training_that_learned_nothing_is_told_when_it_ends_and_when_it_is_measured(tmp_path):
    run = tiny.trained(tmp_path / "run")
    kinds = {kind_of(text) for text in run.results["warnings"]}
    assert {WORSE_RECONSTRUCTION, WORSE_GENERATION} <= kinds
    again = aezoo.evaluate(run.path, metrics=["reconstruction", "fd"])
    assert {WORSE_RECONSTRUCTION, WORSE_GENERATION} <= {kind_of(text) for text in again.warnings}


def test_twelve_test_rows_are_told_when_training_ends_and_when_they_are_measured(tmp_path):
    run = tiny.trained(tmp_path / "run", "vae", dataset=made_up(400, 12))
    said = [text for text in run.results["warnings"] if kind_of(text) == TOO_FEW]
    assert any("12 test rows" in text for text in said)
    assert any("fd[random-conv] was taken of 12 rows" in text and "256 features" in text for text in said)
    again = aezoo.evaluate(run.path, metrics=["fd"], extractors=["pixels"], data=made_up(400, 12))
    assert any("fd[pixels] was taken of 12 rows" in text for text in again.warnings)


def test_without_evaluation_training_leaves_no_numbers(tmp_path):
    run = tiny.trained(tmp_path / "run", settings={"evaluate": {"end": False}})
    assert run.results["results"] == [] and run.results["warnings"] == []


def test_every_number_says_its_whole_protocol(run):
    found = aezoo.evaluate(run, metrics=["fd"], n=100, seed=3)
    protocol = found.results[0].protocol
    assert protocol.as_row().items() <= found.rows()[0].items()
    assert (protocol.dataset, protocol.split, protocol.n_real, protocol.n_fake) == (
        "digits",
        "test",
        100,
        100,
    )
    assert (protocol.extractor, len(protocol.weights_sha256)) == ("classifier-digits", 64)
    assert (protocol.rounding, protocol.stretched, protocol.checkpoint) == ("8 bits", False, "last")
    assert (protocol.seed, protocol.engine) == (3, "aezoo")
    assert {"commit", "torch", "aezoo"} <= results(run)["evaluation"]["versions"].keys()


def test_the_distance_is_the_one_between_what_the_model_makes_and_the_test_rows(run):
    found = aezoo.evaluate(run, metrics=["fd"], extractors=["pixels"])
    data = aezoo.data.loading.load_data(trained_config(run))
    x = (data.x(data.test.values) * 255).round() / 255
    x_hat = (aezoo.load(run).reconstruct(data.x(data.test.values)).clamp(0, 1) * 255).round() / 255
    expected = frechet_distance(x_hat.flatten(1), x.flatten(1))
    assert found.value("fd[pixels]", "reconstruction") == pytest.approx(expected, rel=1e-6)


def trained_config(path):
    from aezoo.rundir.open import read_config

    return read_config(RunDir(path))


def test_references_stand_where_they_should(run):
    found = aezoo.evaluate(run, metrics=["fd", "reconstruction"])
    distance = {of: found.value("fd[classifier-digits]", of) for of in SETS}
    assert distance["floor"] < distance["gaussian"] < distance["mean"]
    assert distance["floor"] < distance["generation"]
    data = aezoo.data.loading.load_data(trained_config(run))
    x, mean = data.x(data.test.values), data.x(data.train.values).mean(0)
    expected = (x - mean).square().flatten(1).sum(1).mean()
    assert found.value("sse", "mean") == pytest.approx(float(expected), rel=1e-5)


def test_evaluating_twice_gives_the_same_numbers_and_another_seed_gives_others(run):
    first, again, other = (aezoo.evaluate(run, metrics=["fd"], seed=seed) for seed in (0, 0, 1))
    assert first.rows() == again.rows()
    key = ("fd[classifier-digits]", "generation")
    assert first.value(*key) != other.value(*key)


def test_a_number_takes_the_place_of_its_older_self_and_others_stay(run):
    before = results(run)["results"]
    aezoo.evaluate(run, metrics=["fd"], n=50)
    after = results(run)["results"]
    assert len(after) == len(before)
    assert {row["n_real"] for row in after if row["metric"].startswith("fd")} == {50}
    assert {row["n_real"] for row in after if row["metric"] == "sse"} == {360}
    assert results(run)["steps"] == 60 and r"fd\[classifier-digits\]" in (run / "README.md").read_text()


def test_metrics_and_extractors_take_settings_of_their_own(run):
    found = aezoo.evaluate(run, metrics={"prd": {"clusters": 5, "runs": 1}}, extractors=["pixels"], n=60)
    row = found.rows()[0]
    assert row["settings"] == {"clusters": 5, "runs": 1, "fast": False}
    assert 0 <= found.value("prd_recall[pixels]") <= 1


def test_vectors_are_measured_as_they_are(tmp_path):
    run = tiny.trained(tmp_path / "run", "wae-wgan", dataset="synthetic-2d")
    found = aezoo.evaluate(run.path, metrics=["reconstruction", "fd"], n=80)
    assert {row["metric"] for row in found.rows()} == {"sse", "mse", "fd[identity]"}
    assert {row["rounding"] for row in found.rows()} == {"none"}


def test_the_papers_quirks_stand_in_rows_of_their_own(run):
    found = aezoo.evaluate(run, metrics=["fd"], stretched=True, checkpoint="min-over-checkpoints")
    rows = {row["of"]: row for row in found.rows()}
    assert [rows[of]["stretched"] for of in ("generation", "stretched-generation")] == [False, True]
    assert rows["stretched-generation"]["rounding"] == "none"
    lowest = rows["lowest-generation"]
    assert lowest["checkpoint"] == "min-over-checkpoints" and rows["generation"]["checkpoint"] == "last"
    assert lowest["value"] <= rows["generation"]["value"]


def test_the_lowest_of_the_checkpoints_is_the_lowest_of_their_values(run):
    key = "fd[classifier-digits]"
    lowest = aezoo.evaluate(run, metrics=["fd"], checkpoint="min-over-checkpoints").value(
        key, "lowest-reconstruction"
    )
    directory, values = RunDir(run), []
    for step in directory.steps():
        directory.write_model(directory.checkpoint_at(step).model)
        values.append(aezoo.evaluate(run, metrics=["fd"]).value(key, "reconstruction"))
    assert len(values) == 3 and lowest == pytest.approx(min(values), rel=1e-9)


def test_the_best_checkpoint_is_chosen_on_validation_rows_alone(tmp_path):
    rows = torch.rand(200, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    parts = {
        "train": aezoo.api.Split(rows[:120]),
        "validation": aezoo.api.Split(rows[120:160]),
        "test": aezoo.api.Split(rows[160:]),
    }
    data = aezoo.api.Data("made-up", (1, 6, 6), (0.0, 1.0), **parts)
    settings = {"checkpoint": {"every": 3, "keep": 3}}
    run = tiny.trained(tmp_path / "run", dataset=data, steps=9, batch_size=32, settings=settings)
    found = aezoo.evaluate(
        run.path, metrics=["fd"], extractors=["pixels"], checkpoint="best-validation", data=data
    )
    assert {row["checkpoint"] for row in found.rows()} == {"best-validation"}
    directory, scores = RunDir(run.path), {}
    swapped = aezoo.api.Data("made-up", (1, 6, 6), (0.0, 1.0), parts["train"], test=parts["validation"])
    for step in directory.steps():
        directory.write_model(directory.checkpoint_at(step).model)
        on = {
            name: aezoo.evaluate(run.path, metrics=["fd"], extractors=["pixels"], data=each, other_data=True)
            for name, each in (("validation", swapped), ("test", data))
        }
        scores[on["validation"].value("fd[pixels]")] = on["test"].value("fd[pixels]")
    assert found.value("fd[pixels]") == pytest.approx(scores[min(scores)], rel=1e-9)


# --- what cannot be done


@pytest.mark.parametrize(
    ("options", "named", "where"),
    [
        ({"n": 361}, "361 rows", "-n"),
        ({"metrics": ["fdd"]}, "fdd", "metric"),
        ({"extractors": ["pixel"]}, "pixel", "extractor"),
        ({"extractors": ["identity"]}, "identity", "--extractor"),
        ({"metrics": {"prd": {"cluster": 3}}}, "cluster", "prd"),
        ({"extractors": ["pixels"], "weights": "x"}, "pixels", "--weights"),
        ({"checkpoint": "best-validation"}, "validation", "--checkpoint"),
    ],
)
def test_what_cannot_be_measured_is_told_with_its_value_and_place(run, options, named, where):
    before = (run / "results.json").read_bytes()
    with pytest.raises(ConfigError) as caught:
        aezoo.evaluate(run, **options)
    assert named in caught.value.what and where in caught.value.where and caught.value.fix
    assert (run / "results.json").read_bytes() == before


def test_missing_weights_are_told_with_file_hash_and_option(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.delenv("AEZOO_INCEPTION", raising=False)
    with pytest.raises(MissingError) as caught:
        aezoo.evaluate(run, extractors=["inception"])
    text = str(caught.value)
    assert caught.value.exit_code == 3
    assert "weights-inception-2015-12-05-6726825d.pth" in text and "--weights" in text


def test_a_fitted_prior_has_no_earlier_checkpoints_to_generate_from(tmp_path):
    run = tiny.trained(tmp_path / "run", "ae-gmm")
    with pytest.raises(ConfigError, match="fitted after training"):
        aezoo.evaluate(run.path, metrics=["fd"], checkpoint="min-over-checkpoints")


def test_damaged_results_are_named_and_not_overwritten(run):
    (run / "results.json").write_text("{half")
    with pytest.raises(RunFileError, match=r"results\.json"):
        aezoo.evaluate(run, metrics=["fd"], n=20)
    assert (run / "results.json").read_text() == "{half"


def test_a_measure_that_one_set_does_not_have_leaves_the_others(run):
    found = aezoo.evaluate(run, metrics=["knn"], n=60)
    assert found.value("knn_recall[classifier-digits]", "mean") is None
    assert 0 <= found.value("knn_recall[classifier-digits]", "generation") <= 1
    why = next(row["why"] for row in found.rows() if row["value"] is None)
    assert why and why in found.table()


def test_precision_density_and_coverage_survive_where_recall_is_undefined(run):
    """Copies of one image have no neighbourhoods of their own; the real rows' are there all the same."""
    found = aezoo.evaluate(run, metrics=["knn"], n=60)
    for measure in ("knn_precision", "density", "coverage"):
        assert found.value(f"{measure}[classifier-digits]", "mean") >= 0.0


# --- what a number says of itself


def made_up(train, test, labels=None):
    """Images 4x4 of a few levels."""
    rows = torch.randint(0, 256, (train + test, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    rows = rows.to(torch.uint8)
    classes = None if labels is None else torch.tensor(labels)
    first = aezoo.api.Split(rows[:train], None if classes is None else classes[:train])
    last = aezoo.api.Split(rows[train:], None if classes is None else classes[train:])
    return aezoo.api.Data("made-up", (1, 4, 4), (0.0, 1.0), first, test=last, scale=1 / 255)


def trained_on(data, path, **settings):
    settings = {"evaluate": {"end": False}, **settings}
    return tiny.trained(path, dataset=data, batch_size=2, settings=settings)


def test_memorization_says_which_rows_it_looked_at_and_that_they_were_rounded(tmp_path):
    data = made_up(30, 20)
    run = trained_on(data, tmp_path / "run")
    found = aezoo.evaluate(run.path, metrics=["memorization"], extractors=["pixels"], data=data)
    rows = {(row["metric"], row["of"]): (row["split"], row["n_fake"], row["n_real"]) for row in found.rows()}
    assert rows["pms", "tr-tr"] == rows["ims[pixels]", "gen-tr"] == ("train", 15, 15)  # two disjoint halves
    assert rows["pms", "gen-te"] == rows["ims[pixels]", "tr-te"] == ("test", 15, 15)
    assert rows["copies", "gen-tr"] == rows["authpct", "gen-tr"] == ("train", 20, 30)
    assert {row["rounding"] for row in found.rows()} == {"8 bits"}


def test_a_copy_of_any_training_row_is_found_however_few_rows_are_measured(run):
    from aezoo.evaluation.measuring import Evaluation, Named
    from aezoo.evaluation.protocol import Protocol
    from aezoo.evaluation.sets import Sets
    from aezoo_metrics.memorization import Memorization

    data = made_up(200, 10)
    model = aezoo.load(run)
    model.decode = lambda z: data.x(data.train.values[::20])
    sets = Sets(model, data, n=10)
    evaluation = Evaluation(sets, {}, Protocol("made-up", 10, 10))
    results = evaluation.measure([Named("memorization", Memorization(), {})])
    found = {(result.metric, result.of): (result.value, result.protocol.n_real) for result in results}
    assert found["copies", "gen-tr"] == found["near_copies", "gen-tr"] == (1.0, 200)
    assert found["near_copies", "te-tr"] == (0.0, 200) and found["excess_copies_low", "gen-tr"][0] > 0.5


def test_a_number_that_this_run_does_not_have_leaves_the_others_and_says_why(tmp_path):
    data = made_up(6, 4, labels=[3] * 10)  # one class, and fewer rows than neighbours
    run = trained_on(data, tmp_path / "run")
    found = aezoo.evaluate(run.path, data=data)
    assert found.value("linear_probe", "run") is None and "label 3" in found.table()
    assert found.value("sse", "reconstruction") > 0 and found.value("active_units", "codes") >= 0


@pytest.mark.parametrize(("train", "test"), [(4, 2), (2, 2), (2, 5), (9, 3)])
def test_a_handful_of_rows_is_measured_or_says_why_not(tmp_path, train, test):
    data = made_up(train, test)
    found = aezoo.evaluate(trained_on(data, tmp_path / "run").path, data=data)
    assert found.value("sse", "reconstruction") > 0
    for row in found.rows():
        assert (row["value"] is None and row["why"]) or abs(row["value"]) < float("inf")


def test_numbers_keep_the_versions_that_made_them(run):
    path = run / "results.json"
    before = results(run)
    for row in before["results"]:
        row["versions"]["torch"] = "1.0"
    path.write_text(json.dumps(before))
    aezoo.evaluate(run, metrics=["fd"], n=20)
    versions = {row["metric"]: row["versions"]["torch"] for row in results(run)["results"]}
    assert versions["fd[classifier-digits]"] == torch.__version__ and versions["sse"] == "1.0"


def test_an_unfinished_run_is_measured_as_it_is_and_says_so(tmp_path):
    settings = {"ema": {"decay": 0.9}, "checkpoint": {"every": 1}}
    data = made_up(30, 20)
    run = trained_on(data, tmp_path / "run", **settings)
    whole = aezoo.evaluate(run.path, metrics=["fd"], data=data)
    assert {row["weights"] for row in whole.rows()} == {"averaged"}
    assert not any("not finished" in warning for warning in whole.warnings)
    (run.path / "model.safetensors").unlink()
    (run.path / "results.json").unlink()
    early = aezoo.evaluate(run.path, metrics=["fd"], data=data)
    assert {row["weights"] for row in early.rows()} == {"last"}
    assert "not finished" in early.warnings[0] and "step 2" in early.warnings[0]


def test_a_directory_that_cannot_be_written_is_told_before_anything_is_measured(run, monkeypatch):
    import tempfile

    from aezoo.errors import DiskError
    from aezoo.parts.autoencoder import Autoencoder

    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(Autoencoder, "encode", lambda *args: pytest.fail("it was measured"))
    with pytest.raises(DiskError, match="cannot be written"):
        aezoo.evaluate(run, metrics=["fd"])


def test_a_likelihood_that_a_model_does_not_have_is_told_with_the_part_that_lacks_it(run):
    found = aezoo.evaluate(run, metrics=["nll"], n=20)
    assert found.value("nll", "run") is None and "reconstruction cost is no density" in found.table()


def test_the_likelihood_of_rounded_images_says_that_they_were_dequantised(tmp_path):
    run = tiny.trained(tmp_path / "run", reconstruction="gaussian", steps=20)
    (row,) = aezoo.evaluate(run.path, metrics=["nll"], n=50).rows()
    assert row["rounding"] == "dequantised" and row["value"] > 0  # of a probability, not of a density


def test_the_likelihood_of_vectors_is_that_of_a_density(tmp_path):
    run = tiny.trained(tmp_path / "run", dataset="synthetic-2d", reconstruction="gaussian")
    (row,) = aezoo.evaluate(run.path, metrics=["nll"], n=50).rows()
    assert row["rounding"] == "none"


def test_the_likelihood_of_coins_is_refused_for_grey_images(tmp_path):
    run = tiny.trained(tmp_path / "run", reconstruction="bce")
    found = aezoo.evaluate(run.path, metrics=["nll"], n=50)
    assert found.value("nll", "run") is None and "zeros and ones" in found.table()


def test_the_likelihood_of_a_vae_is_a_number_below_the_bound_of_one_sample(tmp_path):
    run = tiny.trained(tmp_path / "run", reconstruction="gaussian", steps=20)
    few, many = (
        aezoo.evaluate(run.path, metrics={"nll": {"samples": samples}}, n=50).value("nll", "likelihood")
        for samples in (1, 200)
    )
    assert many < few


def test_a_run_on_rows_given_from_python_is_measured_on_the_same_rows_given_again(tmp_path):
    rows = torch.rand(60, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    run = trained_on(rows, tmp_path / "run")
    with pytest.raises(MissingError, match="given from Python") as caught:
        aezoo.evaluate(run.path, metrics=["reconstruction"])
    assert "aezoo.evaluate" in caught.value.fix
    again = aezoo.evaluate(run.path, metrics=["reconstruction"], data=rows)
    assert again.value("sse", "reconstruction") > 0 and again.rows()[0]["n_real"] == 6
    with pytest.raises(ConfigError, match=r"\(1, 7, 6\)"):
        aezoo.evaluate(run.path, data=torch.rand(60, 1, 7, 6))


def test_other_rows_than_the_runs_are_refused_unless_that_is_said_and_numbers_on_them_say_so(tmp_path):
    rows, others = torch.rand(2, 60, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    run = trained_on(rows, tmp_path / "run")
    before = (run.path / "results.json").read_bytes()
    with pytest.raises(ConfigError, match="others than the run was trained on") as caught:
        aezoo.evaluate(run.path, metrics=["reconstruction"], data=others)
    assert "other_data=True" in caught.value.fix
    found = aezoo.evaluate(run.path, metrics=["reconstruction"], data=others, other_data=True)
    assert found.rows()[0]["dataset"].startswith("given sha256:")
    assert (run.path / "results.json").read_bytes() == before


def test_rows_given_for_a_run_of_a_named_dataset_are_other_data(run):
    rows = torch.rand(60, 1, 8, 8)
    with pytest.raises(ConfigError, match="the dataset digits"):
        aezoo.evaluate(run, metrics=["reconstruction"], data=rows)
    named = aezoo.evaluate(run, metrics=["reconstruction"], data="digits", n=20)
    assert named.rows()[0]["dataset"] == "digits"


def test_probes_see_all_classes_of_data_that_lie_class_by_class(tmp_path):
    data = made_up(60, 20, labels=[0] * 30 + [1] * 30 + [0, 1] * 10)
    run = trained_on(data, tmp_path / "run")
    found = aezoo.evaluate(run.path, metrics={"probes": {"rows": 20, "k": 3}}, data=data)
    assert found.value("linear_probe", "codes") > 0 and found.value("knn_probe", "codes") > 0


@pytest.mark.parametrize("given", [{"metrics": [{"name": "fd"}]}, {"extractors": [{"name": "pixels"}]}])
def test_a_table_in_a_list_of_names_is_told_with_how_to_write_it(run, given):
    with pytest.raises(ConfigError, match="no name of") as caught:
        aezoo.evaluate(run, **given)
    assert "{NAME: {SETTING: VALUE}" in caught.value.fix
