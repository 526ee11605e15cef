"""The table model: what stands where, what is marked, and what is refused."""

import pytest

from aezoo.errors import ConfigError
from aezoo.evaluation.names import REFERENCES
from aezoo.registry import registry
from aezoo.tables.render import RENDERERS
from aezoo.tables.table import build
from tests.tables.cases import FD, facts, outcome, result, rough, six_seeds, ties
from tests.tables.cases import REFERENCES as FOUND

KEY = f"generation/{FD}"


def entries(table, key=KEY, dataset="digits"):
    """By method: the entries of one column."""
    (column,) = [column for column in table.of(dataset) if column.key == key]
    return {row.label: row.entry(column) for row in table.rows}


def marks(table, key=KEY, dataset="digits"):
    return {name: entry.mark for name, entry in entries(table, key, dataset).items() if entry.mark}


def scores(methods, key=KEY, **more):
    """Outcomes of methods whose values are listed by seed; None: no such run."""
    return [
        outcome(name, seed, {key: value}, **more)
        for name, values in methods.items()
        for seed, value in enumerate(values)
        if value is not None
    ]


# -- numbers worked by hand ----------------------------------------------------------------------------


def test_mean_and_deviation_are_over_seeds():
    """1, 2, 6: mean 3; squares 4 + 1 + 9 = 14, over 3 - 1 seeds 7."""
    entry = entries(build(scores({"vae": [1.0, 2.0, 6.0]})))["vae"]
    assert (entry.mean, entry.n, entry.values) == (3.0, 3, {0: 1.0, 1: 2.0, 2: 6.0})
    assert entry.std == pytest.approx(7**0.5, rel=1e-15)


def test_a_tie_of_six_seeds_is_an_interval_with_zero_in_it():
    """Differences -1, 0, 1, 1, 2, 3: 1 +- 2.5706 * sqrt(2) / sqrt(6) = 1 +- 1.484, so 0 is in it.

    Differences 0, 0.5, 1, 1, 1.5, 2 scatter half as much: 1 +- 0.742, so it is not.
    """
    wide = scores({"best": [1.0] * 6, "other": [0.0, 1.0, 2.0, 2.0, 3.0, 4.0]})
    narrow = scores({"best": [1.0] * 6, "other": [1.0, 1.5, 2.0, 2.0, 2.5, 3.0]})
    assert marks(build(wide)) == {"best": "best", "other": "best"}
    assert marks(build(narrow)) == {"best": "best", "other": "second"}


def test_few_seeds_mark_nobody_as_tied():
    """With two seeds the interval of any difference is so wide that 7.66 would tie with 0.93."""
    table = build(scores({"far": [6.0, 9.32], "near": [0.90, 0.96]}))
    assert marks(table) == {"near": "best", "far": "second"}


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_below_six_seeds_the_best_is_marked_only_where_no_other_range_reaches_it(seeds):
    apart = {"a": [1.0, 2.0, 1.1, 1.2, 1.3], "b": [2.1, 3.0, 2.2, 2.3, 2.4]}
    touching = {"a": [1.0, 2.0, 1.1, 1.2, 1.3], "b": [2.0, 3.0, 2.2, 2.3, 2.4]}
    for values, expected in ((apart, {"a": "best", "b": "second"}), (touching, {})):
        assert marks(build(scores({name: some[:seeds] for name, some in values.items()}))) == expected


def test_below_six_seeds_the_second_is_clear_of_the_rest_too():
    table = build(scores({"a": [1.0, 1.1], "b": [2.0, 3.0], "c": [2.5, 3.5]}))
    assert marks(table) == {"a": "best"}
    apart = build(scores({"a": [1.0, 1.1], "b": [2.0, 3.0], "c": [3.1, 3.5]}))
    assert marks(apart) == {"a": "best", "b": "second"}


def test_ranges_of_the_good_end_are_the_high_ones():
    values = {"a": [0.9, 0.8], "b": [0.7, 0.79], "c": [0.1, 0.85]}
    key = "generation/precision"
    assert marks(build(scores(values, key)), key) == {}
    del values["c"]
    assert marks(build(scores(values, key)), key) == {"a": "best", "b": "second"}


def test_a_single_seed_is_the_best_of_nothing():
    table = build(scores({"a": [1.0], "b": [1.0], "d": [2.0]}))
    assert marks(table) == {} and entries(table)["a"].std is None
    assert marks(build(scores({"a": [1.0, 1.1], "b": [2.0]}))) == {"a": "best"}


def test_enough_seeds_that_two_do_not_share_are_few():
    """Six each and none in common: nothing is paired, so ranges decide."""
    table = build(scores({"a": [1.0] * 6, "b": [None] * 6 + [2.0] * 6}))
    assert marks(table) == {"a": "best", "b": "second"}
    (column,) = table.columns
    assert column.marked_by == "ranges"


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "html", "csv", "json"])
def test_every_format_says_how_the_best_was_found(form):
    few, many = ties(), six_seeds()
    said = {"csv": ("ranges", "intervals"), "json": ('"ranges"', '"intervals"')}
    by_ranges, by_intervals = said.get(form, ("fewer than 6 common seeds", "6 common seeds or more"))
    texts = [" ".join(RENDERERS[form](table).split()) for table in (few, many)]
    assert by_ranges in texts[0] and by_intervals not in texts[0]
    assert by_intervals in texts[1]


def test_six_seeds_are_tested_exactly():
    """Six differences of one sign: 2 of 64 patterns are as extreme; Holm takes three comparisons times 3."""
    digits = [test for test in six_seeds().tests if test.column.dataset == "digits"]
    assert {(test.method, test.against, test.n) for test in digits} == {
        (name, "flexae-sr", 6) for name in ("vae", "rae-gmm", "wae-wgan")
    }
    assert {(test.p, test.adjusted) for test in digits} == {(2 / 64, 6 / 64)}
    assert {(test.smallest, test.smallest_adjusted) for test in digits} == {(2 / 64, 6 / 64)}


def test_mean_rank_is_over_datasets():
    """digits: flexae-sr, rae-gmm, wae-wgan, vae; fashion-mnist: rae-gmm, wae-wgan, flexae-sr, vae."""
    table = six_seeds()
    assert {row.label: row.mean_rank for row in table.methods} == {
        "flexae-sr": (1 + 3) / 2,
        "rae-gmm": (2 + 1) / 2,
        "wae-wgan": (3 + 2) / 2,
        "vae": 4,
        "ae-gmm": None,  # it was not run on both
    }
    assert [(column.dataset, column.key) for column in table.ranked] == [
        ("digits", KEY),
        ("fashion-mnist", KEY),
    ]


def test_what_training_took_is_a_mean_over_seeds():
    runs = [outcome("vae", seed, {KEY: 1.0}, facts=facts(10.0 * (1 + seed))) for seed in range(2)]
    runs.append(outcome("vae", 2, {KEY: 1.0}, facts={"peak_memory_mb": 300.0}))
    found = build(runs).methods[0].facts["digits"]
    assert (found.seconds, found.images_per_s, found.parameters) == (15.0, 4800.0, 3 * 12_345)
    assert (found.peak_memory_mb, found.seeds) == (300.0, (0, 1, 2))


# -- marks ---------------------------------------------------------------------------------------------


def test_ties_of_six_seeds_are_marked_together():
    found = marks(six_seeds(), dataset="fashion-mnist")
    assert found == {"rae-gmm": "best", "wae-wgan": "second"}
    close = build(scores({"a": [1.0, 2, 3, 4, 5, 6], "b": [1.1, 1.9, 3.1, 3.9, 5.1, 5.9], "c": [9.0] * 6}))
    assert marks(close) == {"a": "best", "b": "best", "c": "second"}
    assert marks(ties()) == {}  # three seeds whose ranges overlap


def test_the_higher_end_is_best_where_that_is_the_good_one():
    values = {"a": [0.9, 0.91], "b": [0.1, 0.11]}
    assert marks(build(scores(values, "generation/precision")), "generation/precision")["a"] == "best"


def test_no_method_is_the_best_of_one():
    assert marks(build(scores({"a": [1.0, 2.0]}))) == {}


def test_a_measure_without_a_good_end_has_no_best():
    runs = [outcome(name, 0, {"": result(KEY, 1.0, better=None)}) for name in "ab"]
    assert marks(build(runs)) == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), None])
def test_what_is_no_number_is_never_best(value):
    spoilt = outcome("a", 1, {"": result(KEY, value, why="so")})
    table = build([*scores({"a": [0.1], "b": [1.0, 1.1], "c": [2.0, 2.1]}), spoilt])
    assert marks(table) == {"b": "best", "c": "second"}
    entry = entries(table)["a"]
    assert (entry.mean, entry.n) == (0.1, 1)
    assert entry.missing in ("so", f"{value} is no finite number")
    assert table.notes[entry.notes[0] - 1] == f"seed 1: {entry.missing}"


def test_references_never_compete():
    table = ties()
    assert [row.label for row in table.rows[:3]] == list(REFERENCES.values())
    assert entries(table)["train against test"].mean == 0.31
    assert entries(table)["train against test"].mark == ""
    assert entries(table, "reconstruction/sse")["mean image"].mean == FOUND["mean/sse"]


def test_references_are_a_mean_over_runs():
    runs = [outcome(name, 0, {KEY: 1.0, f"floor/{FD}": value}) for name, value in (("a", 1.0), ("b", 3.0))]
    entry = entries(build(runs))["train against test"]
    assert (entry.mean, entry.n, entry.std) == (2.0, 2, None)


def test_below_six_seeds_nothing_is_tested():
    assert build(scores({"a": [1.0] * 5, "b": [2.0] * 5})).tests == ()
    assert len(build(scores({"a": [1.0] * 6, "b": [2.0] * 6})).tests) == 1


# -- the papers' numbers -------------------------------------------------------------------------------


def test_reported_numbers_stand_in_columns_of_their_own():
    table = ties()
    reported = [column for column in table.columns if column.reported]
    assert [column.key for column in reported] == [
        "reconstruction/fid (UAI Table 1)",
        "generation/fid (UAI Table 1)",
        "reconstruction/fid (earlier version, Table 1)",
        "generation/fid (earlier version, Table 1)",
    ]
    copied = entries(table, "generation/fid (UAI Table 1)")
    assert (copied["vae"].mean, copied["flexae-sr"].mean, copied["rae-gmm"].mean) == (56.07, 6.75, None)
    assert not any(entry.mark for entry in copied.values())
    assert "not to be compared" in table.notes[reported[0].notes[0] - 1]


def test_no_reported_numbers_beside_a_measure_that_the_paper_has_not():
    assert not any(column.reported for column in build(_with_paper(), columns=["sse"]).columns)


def _with_paper():
    row = {"table": "T", "dataset": "digits", "metric": "fid", "rec": 1.0, "gen": 2.0}
    return [outcome("a", 0, {"reconstruction/sse": 1.0, KEY: 1.0}, reported=[row])]


# -- protocols -----------------------------------------------------------------------------------------


def test_two_protocols_do_not_share_a_column():
    runs = [
        outcome("a", 0, {KEY: 1.0}),
        outcome("b", 0, {KEY: 2.0}, n_fake=100, checkpoint="best-validation"),
    ]
    with pytest.raises(ConfigError) as caught:
        build(runs)
    said = str(caught.value)
    for part in (
        "runs/a-digits-s0",
        "runs/b-digits-s0",
        "n_fake 360 and 100",
        "checkpoint last and best-validation",
    ):
        assert part in said
    assert "--allow-mixed" in said and "evaluate both again" in said and "n_real" not in said


def test_mixed_protocols_get_a_footnote_and_no_best():
    table = rough()
    (column,) = [column for column in table.of("digits") if column.key == KEY]
    assert column.mixed and "n_fake" not in column.protocol and column.protocol["n_real"] == 360
    assert "n_fake 360 (" in table.notes[column.notes[0] - 1]
    assert marks(table) == {} and table.ranked == ()


def test_references_of_different_protocols_have_no_mean():
    values = {KEY: 1.0, f"floor/{FD}": 1.0}
    table = build([outcome("a", 0, values), outcome("b", 0, values, n_fake=100)], allow_mixed=True)
    assert "train against test" not in entries(table)


def test_datasets_may_differ_in_protocol():
    table = build([outcome("a", 0, {KEY: 1.0}), outcome("a", 0, {KEY: 1.0}, dataset="mnist", n_real=10_000)])
    assert "n_real" not in table.protocol and table.protocol["n_fake"] == 360
    assert [column.protocol["n_real"] for column in table.columns] == [360, 10_000]


def test_the_same_data_under_another_name_is_no_other_protocol():
    runs = [outcome("a", 0, {"": result(KEY, 1.0, dataset="images")}), outcome("b", 0, {KEY: 2.0})]
    assert not build(runs).columns[0].mixed


# -- columns -------------------------------------------------------------------------------------------


MANY = {
    "reconstruction/psnr": 1.0,
    "reconstruction/sse": 1.0,
    f"reconstruction/{FD}": 1.0,
    "reconstruction/fd[pixels]": 1.0,
    KEY: 1.0,
    "generation/kd[pixels]": 1.0,
    "generation/fid": 1.0,
    f"floor/{FD}": 1.0,
    "codes/active-units": 5.0,
    f"lowest-generation/{FD}": 1.0,
}


def keys(*names):
    return [column.key for column in build([outcome("a", 0, MANY)], columns=names or None).columns]


def test_the_usual_columns():
    assert keys() == [
        "reconstruction/sse",
        f"reconstruction/{FD}",
        KEY,
        "generation/kd[pixels]",
        "generation/fid",
    ]


def test_the_usual_columns_do_not_depend_on_which_plugins_are_there(monkeypatch):
    whole = keys()
    monkeypatch.setenv("AEZOO_DISABLE_PLUGINS", "aezoo")
    with registry.isolate():
        assert registry.list_components("metric") == [] and keys() == whole


def test_columns_are_chosen_by_name():
    assert keys("psnr", "active-units") == ["reconstruction/psnr", "codes/active-units"]
    assert keys("fd") == [f"reconstruction/{FD}", "reconstruction/fd[pixels]", KEY]
    assert keys("fd[pixels]") == ["reconstruction/fd[pixels]"]
    assert keys("generation/fd") == [KEY]
    assert keys("lowest-generation/fd", "sse", "sse") == [f"lowest-generation/{FD}", "reconstruction/sse"]


def test_an_unknown_measure_suggests_the_nearest():
    with pytest.raises(ConfigError, match="no run has the measure 'psnrr'") as caught:
        keys("psnrr")
    assert "did you mean 'psnr'?" in str(caught.value)


def test_a_measure_of_one_dataset_alone_is_a_column_there():
    runs = [outcome("a", 0, {"reconstruction/sse": 1.0}), outcome("a", 0, {KEY: 1.0}, dataset="mnist")]
    assert [(column.dataset, column.key) for column in build(runs, ["sse"]).columns] == [
        ("digits", "reconstruction/sse")
    ]


# -- gaps ----------------------------------------------------------------------------------------------


def test_a_missing_cell_is_empty_and_says_why():
    table = rough()
    other = entries(table, "reconstruction/sse", "folder:a_b|c")
    assert other["a|b"].mean is None and other["a|b"].missing == "not run"
    row = next(row for row in table.methods if row.label == "a|b")
    assert [table.notes[n - 1] for n in row.facts["folder:a_b|c"].notes] == ["not run on folder:a_b|c"]
    recall = entries(table, "generation/recall[classifier-digits]")
    assert "not measured" in table.notes[recall["a|b"].notes[0] - 1]


def test_a_failed_cell_keeps_its_row_and_its_reason():
    table = rough()
    died, half = (next(row for row in table.methods if row.label == name) for name in ("died", "half"))
    assert "exit code 4" in died.facts["digits"].failures[0]
    assert half.facts["digits"].failures == {0: "exit code 137: killed"} and half.facts["digits"].seeds == (
        1,
    )
    assert "exit code 137: killed" in table.notes[half.facts["digits"].notes[0] - 1]
    assert entries(table)["half"].n == 1 and entries(table)["half"].competes


def test_results_of_all_failed_cells_leave_no_columns():
    table = build([outcome("a", 0, {}, failure="exit code 1")], columns=["fd"])
    assert table.columns == () and [row.label for row in table.rows] == ["a"]


def test_a_seed_without_the_measure_is_told():
    table = build([outcome("a", 0, {KEY: 1.0}), outcome("a", 1, {"reconstruction/sse": 1.0})])
    entry = entries(table)["a"]
    assert entry.n == 1 and table.notes[entry.notes[0] - 1].startswith("seed 1: not measured")


# -- what is refused -----------------------------------------------------------------------------------


def test_nothing_to_compare():
    with pytest.raises(ConfigError, match="no runs to compare"):
        build([])


def test_the_same_cell_twice_is_refused():
    with pytest.raises(ConfigError, match="two runs are both 'a' on digits with seed 0"):
        build([outcome("a", 0, {KEY: 1.0}), outcome("a", 0, {KEY: 2.0})])


def test_results_that_do_not_say_what_they_are_of_are_refused():
    old = {"metric": "sse", "unit": "", "n": 3, "split": "test", "value": 1.0}
    with pytest.raises(ConfigError, match="do not say what they were taken of") as caught:
        build([outcome("a", 0, {"": old})])
    assert "aezoo evaluate runs/a-digits-s0" in str(caught.value)


def test_measures_that_are_usually_left_out_are_shown_where_they_are_all_there_is():
    found = build([outcome("vae", 0, {"test/nll": 3.0, "mean/sse": 4.0})])
    assert [column.metric for column in found.columns] == ["nll"]
    usual = build([outcome("vae", 0, {"test/nll": 3.0, "reconstruction/sse": 4.0})])
    assert [column.metric for column in usual.columns] == ["sse"]


def test_columns_of_an_untrained_network_say_what_they_are_worth():
    made = build(
        [outcome("vae", 0, {"generation/fd[random-conv]": result("generation/fd[random-conv]", 7.4)})]
    )
    (note,) = [text for text in made.notes if "untrained network" in text]
    assert made.columns[0].notes == (made.notes.index(note) + 1,)
