"""Six formats: what they look like, that others can read them, and that no name breaks out of its place."""

import csv
import doctest
import io
import json
import shutil
import subprocess

import pytest

from aezoo.tables.render import RENDERERS, layout
from aezoo.tables.render.latex import escape
from aezoo.tables.table import build
from tests.tables.cases import CASES, FD, golden, outcome, rendered, rough, six_seeds, ties

FORMS = sorted(RENDERERS)
PAGE = (
    '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>t</title></head><body>{}</body></html>'
)
PREAMBLE = "\\documentclass{{article}}\\usepackage{{booktabs}}\\begin{{document}}{}\\end{{document}}"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_every_format_is_as_in_its_golden_file(case, form):
    assert rendered(case, form) == golden(case, form).read_bytes()


def test_the_examples_in_the_docstrings_hold():
    assert doctest.testmod(layout).failed == 0


@pytest.mark.parametrize("form", FORMS)
def test_a_table_of_nothing_but_failures_says_why(form):
    shown = RENDERERS[form](build([outcome("vae", 0, {}, failure="exit code 137: killed")]))
    assert "exit code 137: killed" in shown
    assert "vae" in shown


@pytest.mark.parametrize("form", FORMS)
def test_rendering_says_the_same_each_time(form):
    assert rendered("rough", form) == rendered("rough", form)


def test_a_csv_cell_is_no_formula_and_a_negative_number_is_a_number():
    name = '=HYPERLINK("http://x","y")'
    table = build([outcome(name, 0, {"generation/gap": -1.5}), outcome("@SUM(A1)", 0, {}, failure="-1+1")])
    lines = list(csv.DictReader(io.StringIO(RENDERERS["csv"](table))))
    assert {line["recipe"] for line in lines} == {"'" + name, "'@SUM(A1)"}
    assert [line["mean"] for line in lines if line["metric"] == "gap"] == ["-1.5"]


# -- text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_text_fits_a_terminal(case):
    assert max(map(len, rendered(case, "table").decode().splitlines())) <= 110


def test_text_fits_with_names_that_are_too_long():
    many = {f"generation/measure-{'x' * 60}-{n}[{'y' * 60}]": 1.0 for n in range(3)}
    table = build([outcome("m" * 300, seed, many, dataset="d" * 40) for seed in range(2)])
    assert max(map(len, RENDERERS["table"](table).splitlines())) <= 110


@pytest.mark.parametrize("form", ["table", "markdown", "latex", "html"])
def test_what_people_read_holds_nothing_that_steers_a_terminal(form):
    text = rendered("rough", form).decode()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "[31m" not in text


def test_a_long_log_keeps_its_beginning_and_its_end():
    log = "exit code 1: " + "x" * 1000 + " the reason"
    text = RENDERERS["markdown"](build([outcome("vae", 0, {}, failure=log)]))
    assert "exit code 1" in text and "the reason" in text and "x" * 500 not in text


def column_of_text(table, key):
    """The texts below a head of the first block."""
    block = layout.blocks(table)[0]
    place = [f"{head.group}/{head.title}" for head in block.heads].index(key)
    return {line.label: line.items[place].text for line in block.lines}


def test_a_reference_is_not_rounded_away_beside_large_numbers():
    runs = [
        outcome("vae", seed, {f"generation/{FD}": 120.0 + seed, f"floor/{FD}": 0.726}) for seed in range(2)
    ]
    assert column_of_text(build(runs), "generation/fd") == {
        "train against test": "0.73",
        "vae": "120.50 ± 0.71",
    }


def test_the_numbers_of_a_column_have_one_format():
    values = {"a": [0.54, 0.5401], "b": [120.0, 130.0], "c": [1e-9, 1e-9]}
    runs = [outcome(n, s, {f"generation/{FD}": v}) for n in "ab" for s, v in enumerate(values[n])]
    found = column_of_text(build(runs), "generation/fd")
    assert found == {"a": "0.540 ± 0.000", "b": "125.000 ± 7.071"}
    tiny = [*runs, *(outcome("c", s, {f"generation/{FD}": v}) for s, v in enumerate(values["c"]))]
    assert all("e" in text for text in column_of_text(build(tiny), "generation/fd").values())


def test_a_reconstruction_is_not_held_against_other_training_rows():
    """It is made from the test row itself, and passes what would be a floor for samples."""
    of_both = {f"reconstruction/{FD}": 0.294, f"generation/{FD}": 0.731, f"floor/{FD}": 0.356}
    runs = [outcome("rae-gmm", seed, of_both) for seed in range(2)]
    assert column_of_text(build(runs), "reconstruction/fd")["train against test"] == ""
    assert column_of_text(build(runs), "generation/fd")["train against test"] == "0.356"


# -- markdown ------------------------------------------------------------------------------------------


def test_markdown_rows_have_as_many_cells_as_heads():
    lines = [line for line in rendered("rough", "markdown").decode().splitlines() if line.startswith("|")]
    bars = [line.replace("\\|", "").count("|") for line in lines]
    heads = [count for count, line in zip(bars, lines, strict=True) if line.startswith("| method")]
    assert set(bars) == set(heads)
    assert "<script" not in "".join(lines)


# -- csv -----------------------------------------------------------------------------------------------


def test_csv_gives_back_names_and_full_precision():
    text = RENDERERS["csv"](ties())
    lines = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert text.endswith("\r\n") and text.count("\r\n") == len(lines) + 1
    (found,) = [
        line
        for line in lines
        if (line["recipe"], line["of"], line["metric"]) == ("rae-gmm", "generation", FD)
    ]
    assert float(found["mean"]) == pytest.approx((4.0 + 5.2 + 4.1) / 3, abs=1e-12)
    assert (found["n"], found["mark"], found["seeds"], found["extractor"]) == (
        "3",
        "",
        "0 1 2",
        "classifier-digits",
    )
    assert {line["recipe"] for line in lines if line["mark"] == "best"} == {"rae-gmm"}


def test_csv_holds_hostile_names_and_logs_of_several_lines():
    lines = list(csv.DictReader(io.StringIO(RENDERERS["csv"](rough()), newline=""), strict=True))
    names = {line["recipe"] for line in lines}
    assert {"<script>alert(1)</script>", "a|b", r"50%_& \$^~{}[x]*#", "died"} <= names
    (died,) = [line for line in lines if (line["recipe"], line["dataset"]) == ("died", "digits")]
    assert "\n" in died["missing"] and died["failed_seeds"] == "0"


def test_csv_keeps_the_papers_numbers_apart():
    lines = list(csv.DictReader(io.StringIO(RENDERERS["csv"](ties()), newline="")))
    copied = [line for line in lines if line["kind"] == "reported"]
    assert {(line["recipe"], line["of"], line["table"], line["mean"]) for line in copied} >= {
        ("vae", "generation", "UAI Table 1", "56.07"),
        ("flexae-sr", "reconstruction", "UAI Table 1", "7.63"),
    }


# -- json ----------------------------------------------------------------------------------------------


def test_json_has_the_promised_shape():
    document = json.loads(RENDERERS["json"](six_seeds()))
    assert document["protocol"]["n_real"] == 360
    assert [(row["recipe"], row["dataset"]) for row in document["rows"]][:3] == [
        ("vae", "digits"),
        ("vae", "fashion-mnist"),
        ("rae-gmm", "digits"),
    ]
    first = document["rows"][0]
    assert first["seeds"] == [0, 1, 2, 3, 4, 5]
    assert first["metrics"][f"generation/{FD}"].keys() >= {"mean", "std", "n"}
    assert first["metrics"][f"generation/{FD}"]["n"] == 6
    assert first["mean_rank"] == 4


def test_json_has_null_for_what_is_no_number():
    document = json.loads(RENDERERS["json"](rough()), parse_constant=pytest.fail)
    (row,) = [
        row for row in document["rows"] if row["recipe"].startswith("50%") and row["dataset"] == "digits"
    ]
    assert row["metrics"]["reconstruction/sse"]["mean"] is None
    assert row["metrics"]["reconstruction/sse"]["missing"] == "nan is no finite number"


# -- html ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_html_keeps_to_the_grammar(case):
    html5lib = pytest.importorskip("html5lib", reason="html5lib is not installed: it comes with aezoo[test]")
    html5lib.HTMLParser(strict=True).parse(PAGE.format(rendered(case, "html").decode()))


@pytest.mark.parametrize("case", CASES)
def test_html_passes_a_validator(case):
    if not (tidy := shutil.which("tidy")):
        pytest.skip("HTML Tidy is not installed")
    page = PAGE.format(rendered(case, "html").decode())
    done = subprocess.run(
        [tidy, "-quiet", "-errors", "-utf8"], input=page.encode(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_html_keeps_hostile_names_text():
    shown = rendered("rough", "html").decode()
    assert "<script" not in shown and "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    table = build([outcome("m", 0, {"generation/fd": 1.0}, dataset='" onmouseover="x')])
    assert 'aria-label="&quot; onmouseover=&quot;x"' in RENDERERS["html"](table)


# -- latex ---------------------------------------------------------------------------------------------


def compiled(body: str, folder) -> str:
    """The compiler's complaint about a document with this body, empty if there is none."""
    if not (compiler := shutil.which("pdflatex")):
        pytest.skip("no LaTeX is installed")
    (folder / "table.tex").write_text(PREAMBLE.format(body), "utf-8")
    command = [compiler, "-interaction=nonstopmode", "-halt-on-error", "table.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    log = done.stdout.decode("utf-8", "replace")
    if "booktabs.sty' not found" in log:
        pytest.skip("LaTeX is installed without booktabs")
    return "" if done.returncode == 0 else log[-2000:]


@pytest.mark.parametrize("case", CASES)
def test_latex_compiles(case, tmp_path):
    assert compiled(rendered(case, "latex").decode(), tmp_path) == ""


def test_latex_compiles_with_any_characters(tmp_path):
    every = "".join(chr(code) for code in [*range(32, 127), *range(0xA0, 0x250), 0x3B1, 0x6570, 0x1F600])
    rows = " \\\\\n".join(escape(every[at : at + 40]) for at in range(0, len(every), 40))
    rows += " \\\\\n" + " \\\\\n".join(escape(start) for start in ("*", "[x]", "--", "''", "``"))
    assert compiled(f"\\begin{{tabular}}{{l}}{rows}\\end{{tabular}}", tmp_path) == ""


def test_latex_escapes_what_it_would_read():
    assert escape("50%_& a--b") == r"50\%\_\& a-{}-b"
