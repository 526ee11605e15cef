"""`aezoo report`, the page at the end of a training, and the page of a comparison."""

import json

from tests.report.runs import make_run, parsed
from tests.tiny import WORDS

TRAIN = ("train", "vae", *WORDS, "--steps", 2, "--quiet")


def test_a_training_ends_with_a_page_even_without_evaluation(run, tmp_path):
    assert run(*TRAIN, "--no-evaluate", "--out", "runs/one")[0] == 0
    html = (tmp_path / "runs" / "one" / "report.html").read_text()
    parsed(html)
    assert html.count("<img ") == 2 and "<polyline" in html and str(tmp_path) not in html
    assert "aezoo report one" in html


def test_evaluation_brings_its_numbers_onto_the_page(run, tmp_path):
    run(*TRAIN, "--no-evaluate", "--out", "one")
    before = (tmp_path / "one" / "report.html").read_text()
    assert run("evaluate", "one", "--metrics", "reconstruction", "--quiet")[0] == 0
    assert "sse" not in before and ">sse" in (tmp_path / "one" / "report.html").read_text()


def test_report_of_a_run_adds_what_takes_the_model(run, tmp_path):
    run(*TRAIN, "--out", "one")
    assert run("report", "one", "--quiet") == (0, "one/report.html\n", "")
    html = (tmp_path / "one" / "report.html").read_text()
    parsed(html)
    assert html.count("<img ") == 4 and 'class="cloud"' in html


def test_report_of_several_runs_goes_where_out_says_and_shows_those_that_cannot_be_loaded(run, tmp_path):
    make_run(tmp_path / "foreign")
    run(*TRAIN, "--out", "one")
    assert run("report", "one", "foreign", "--quiet", "--out", "both.html") == (0, "both.html\n", "")
    html = (tmp_path / "both.html").read_text()
    parsed(html)
    assert "the run cannot be loaded" in html and html.count("<img ") == 6
    assert run("report", "one", "foreign", "--quiet")[1] == "report.html\n"


def test_report_of_what_is_no_run_or_to_where_nothing_can_be_written_is_refused(run, tmp_path):
    (tmp_path / "empty").mkdir()
    code, out, err = run("report", "empty")
    assert code == 1 and out == "" and "no run directory" in err
    make_run(tmp_path / "one")
    code, out, err = run("report", "one", "--quiet", "--out", "absent/page.html")
    assert code == 1 and out == "" and "absent/page.html" in err


def test_a_comparison_always_leaves_a_page_and_says_where(run, tmp_path):
    for name in ("one", "two"):
        run(*TRAIN, "--out", name)
    compare = ("compare", "one", "two", "--metrics", "reconstruction", "--quiet")
    code, out, err = run(*compare, "--format", "json")
    assert code == 0 and json.loads(out) and err.startswith("page  runs/compare.html\n")
    worse = "warning: one on digits, two on digits: reconstruction is worse than the mean image: "
    assert worse in err and "(the first of 2 runs)" in err
    parsed((tmp_path / "runs" / "compare.html").read_text())
    assert run(*compare, "--format", "html", "--out", "mine.html")[:2] == (0, "mine.html\n")
    assert (tmp_path / "mine.html").read_bytes() == (tmp_path / "runs" / "compare.html").read_bytes()


def test_a_page_nobody_asked_for_that_cannot_be_written_costs_no_table(run, tmp_path):
    run(*TRAIN, "--out", "one")
    (tmp_path / "runs" / "compare.html").mkdir(parents=True)
    code, out, err = run("compare", "one", "--metrics", "reconstruction", "--quiet")
    assert code == 0 and "sse" in out and "warning: no page: " in err
