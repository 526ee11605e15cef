"""One page: self-contained, escaped, the same for the same files, and made whatever is missing."""

import base64
import hashlib
import json
import os
import re
from dataclasses import replace

import pytest

from aezoo.errors import ConfigError, RunFileError
from aezoo.report import Looks, Picture, Points, of_outcomes, of_runs, render, short_page, view
from aezoo.tables.cell import Outcome
from tests.report.runs import HOSTILE, make_run, parsed, png
from tests.tables.cases import outcome


def text_of(tree) -> str:
    return "".join(tree.itertext())


def section(html: str, name: str) -> str:
    return html.partition(f'aria-labelledby="{name}"')[2].partition("</section>")[0]


@pytest.fixture
def pair(tmp_path):
    changed = {"train": {"batch_size": 8}}
    return [make_run(tmp_path / "one", sse=3.0), make_run(tmp_path / "two", sse=4.0, changed=changed)]


def test_the_page_is_valid_html_with_every_section_that_files_alone_give(pair):
    html = render(of_runs(pair))
    tree = parsed(html)
    assert tree.get("lang") == "en" and tree.find("head/title").text == "2 runs side by side – aezoo report"
    found = [heading.get("id") for heading in tree.iter("h2")]
    assert found == ["numbers", "samples", "reconstructions", "curves", "settings", "provenance"]
    links = [link.get("href") for link in tree.iter("a")]
    assert links == [f"#{name}" for name in found]


def test_nothing_on_the_page_is_loaded_from_elsewhere(pair):
    html = render(of_runs(pair))
    tree = parsed(html)
    assert {one.tag for one in tree.iter() if isinstance(one.tag, str)} & {
        "link",
        "iframe",
        "object",
        "base",
    } == set()
    assert all(one.get("src").startswith("data:image/png;base64,") for one in tree.iter("img"))
    assert [one.attrib for one in tree.iter("script")] == [{}]
    assert "url(" not in html and "@import" not in html
    assert not any(name.startswith("on") or name == "style" for one in tree.iter() for name in one.attrib)


def test_the_policy_allows_this_script_and_this_style_and_nothing_else(pair):
    tree = parsed(render(of_runs(pair)))
    (policy,) = (
        one.get("content") for one in tree.iter("meta") if one.get("http-equiv") == "Content-Security-Policy"
    )
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'" and allowed["img-src"] == "data:"
    for source, tag in (("script-src", "script"), ("style-src", "style")):
        text = next(tree.iter(tag)).text
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[source] == f"'sha256-{digest}'"


def test_the_same_files_give_the_same_bytes(pair):
    assert render(of_runs(pair)) == render(of_runs(pair))


def test_hostile_names_values_and_warnings_stay_text(tmp_path):
    name = HOSTILE.replace("/", "|")  # no name of a directory holds a slash
    changed = {"train": {"schedule": HOSTILE}, "dataset": {"path": f"/data/{name}"}}
    lines = [{"step": 1, f"{HOSTILE}/{HOSTILE}": 1.0}, {"step": 2, f"{HOSTILE}/{HOSTILE}": 2.0}]
    paths = [
        make_run(tmp_path / name, HOSTILE, warnings=[HOSTILE], lines=lines, changed=changed, device=HOSTILE),
        make_run(tmp_path / "plain"),
    ]
    page = of_runs(paths)
    points = Points({HOSTILE: [(0, 0)], "b": [(1, 1)]}, [(0, 1)], (HOSTILE, ""))
    looks = Looks(Picture(why=HOSTILE), Picture(png(), note=HOSTILE), points)
    html = render(replace(page, looks={page.views[0].label: looks}))
    tree = parsed(html)
    assert "<img src=x" not in html and "alert(1)</script>" not in html
    assert len(list(tree.iter("script"))) == 1
    assert all(one.get("src").startswith("data:") for one in tree.iter("img"))
    for place in (
        "numbers",
        "settings",
        "provenance",
        "neighbours",
        "interpolations",
        "codes",
        "curves",
        "warnings",
    ):
        assert "&lt;img src=x" in section(html, place), place
    assert HOSTILE in text_of(tree) and name in text_of(tree)


def test_absolute_paths_are_on_no_page(tmp_path):
    run = make_run(
        tmp_path / "mine", changed={"dataset": {"path": str(tmp_path / "faces"), "name": "folder"}}
    )
    html = render(of_runs([run, make_run(tmp_path / "other")]))
    assert str(tmp_path) not in html
    assert "folder:faces" in html


def test_warnings_of_results_stand_first_with_the_runs_they_are_true_of(tmp_path):
    runs = [make_run(tmp_path / name, warnings=["the prior misses the codes"]) for name in ("one", "two")]
    tree = parsed(render(of_runs(runs)))
    first = next(tree.iter("main")).find("section")
    assert first.get("aria-labelledby") == "warnings"
    assert "one, two: the prior misses the codes" in text_of(first)


def test_the_numbers_are_those_of_results_json(pair):
    html = section(render(of_runs(pair)), "numbers")
    assert re.findall(r'data-value="([\d.]+)"', html) == [
        *("1", "3.0", "6.0", "37035", "2.5", "25600.0"),
        *("1", "4.0", "8.0", "37035", "2.5", "25600.0"),
    ]


def test_settings_that_differ_are_a_row_each(pair):
    rows = re.findall(
        r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", section(render(of_runs(pair)), "settings")
    )
    assert rows == [("train.batch_size", "<td><code>64</code></td><td><code>8</code></td>")]


def test_provenance_says_commit_versions_and_the_hash_of_the_weights(tmp_path):
    run = make_run(tmp_path / "one")
    header = json.dumps({"__metadata__": {"sha256": "ab" * 32}}).encode()
    (run / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    html = section(short_page(run), "provenance")
    assert all(text in html for text in ("ab" * 32, "0123456789ab", "0.1.0", "3.11", "cpu", "2.5"))


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("link", "is a link"),
        ("pipe", "is no file"),
        ("folder", "is no file"),
        ("text", "is no whole PNG"),
        ("jpeg", "is no whole PNG"),
        ("cut", "is no whole PNG"),
        ("flipped", "is no whole PNG"),
        ("large", "has more than"),
    ],
)
def test_a_page_holds_no_file_but_whole_pictures_of_the_run(tmp_path, monkeypatch, how, why):
    run, secret = make_run(tmp_path / "one"), png(colour=17)
    (tmp_path / "secret.png").write_bytes(secret)
    file, whole = run / "samples.png", (run / "samples.png").read_bytes()
    file.unlink()
    if how == "link":
        file.symlink_to(tmp_path / "secret.png")
    elif how == "pipe":
        os.mkfifo(file)
    elif how == "folder":
        file.mkdir()
    elif how == "large":
        file.write_bytes(whole)
        monkeypatch.setattr(view, "LARGEST_PICTURE", 50)
    else:
        middle = len(whole) // 2
        flipped = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
        file.write_bytes(
            {"text": b"<svg>", "jpeg": b"\xff\xd8", "cut": whole[:middle], "flipped": flipped}[how]
        )
    html = short_page(run)
    assert f"no samples: samples.png {why}" in section(html, "samples")
    assert base64.b64encode(secret).decode() not in html


@pytest.mark.parametrize("name", ["model.safetensors", "metrics.jsonl"])
def test_a_pipe_among_the_files_of_a_run_is_not_waited_for(tmp_path, name):
    run = make_run(tmp_path / "one")
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    assert "Provenance" in short_page(run)


@pytest.mark.parametrize("name", ["samples", "reconstructions"])
def test_a_picture_that_is_missing_is_said_in_its_place(tmp_path, name):
    run = make_run(tmp_path / "one")
    (run / f"{name}.png").unlink()
    html = short_page(run)
    assert f"no {name}: the run directory holds no {name}.png" in section(html, name)
    assert html.count("<img ") == 1


def test_a_run_that_is_not_finished_is_shown_as_far_as_it_got(tmp_path):
    run = make_run(tmp_path / "one", finished=False, pictures=False)
    html = short_page(run)
    parsed(html)
    assert "its training is not finished" in section(html, "warnings")
    assert "<polyline" in section(html, "curves")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("results.json", "{", "results.json is damaged"),
        ("results.json", "[]", "results.json is damaged"),
        ("metrics.jsonl", "nonsense\n", "metrics.jsonl is damaged"),
        ("metrics.jsonl", '{"autoencoder/mse": 1.0}\n', "lines left out: 1"),
    ],
)
def test_a_damaged_file_is_told_and_the_rest_is_shown(tmp_path, file, content, said):
    run = make_run(tmp_path / "one")
    (run / file).write_text(content)
    html = short_page(run)
    parsed(html)
    assert said in section(html, "warnings") and str(tmp_path) not in html
    assert html.count("<img ") == 2


def test_a_directory_that_is_no_run_and_one_named_twice_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunFileError, match="no run directory"):
        of_runs([tmp_path / "empty"])
    run = make_run(tmp_path / "one")
    with pytest.raises(ConfigError, match="named twice"):
        of_runs([run, tmp_path / "empty" / ".." / "one"])


def test_runs_of_one_name_are_told_apart_by_what_is_above_them(tmp_path):
    runs = [make_run(tmp_path / folder / "vae-like") for folder in ("a", "b")]
    assert [view.label for view in of_runs(runs).views] == ["a/vae-like", "b/vae-like"]


def test_numbers_of_two_protocols_are_no_table_unless_they_are_allowed(tmp_path, pair):
    table = json.loads((pair[1] / "results.json").read_text())
    for row in table["results"]:
        row["n_real"] = 100
    (pair[1] / "results.json").write_text(json.dumps(table))
    page = of_runs(pair)
    refused = section(render(page), "numbers")
    assert "two protocols" in refused and "<table" not in refused
    assert "<table" in section(render(replace(page, allow_mixed=True)), "numbers")


def test_a_comparison_has_all_rows_and_pictures_of_the_first_seeds(tmp_path):
    made = []
    for method in ("a", "b"):
        for seed in (0, 1):
            run = make_run(tmp_path / f"{method}{seed}", method, changed={"train": {"seed": seed}})
            view = of_runs([run]).views[0]
            made.append(Outcome(replace(view.outcome.cell, method=method, seed=seed), view.results))
    failed = outcome("c", 0, {}, dataset="made-up", failure="exit code 4: loss is not finite")
    page = of_outcomes([*made, failed])
    assert [view.label for view in page.views] == ["a", "b"]
    html = render(page)
    parsed(html)
    assert "3 methods side by side" in html and html.count("<img ") == 4
    assert "failed: exit code 4: loss is not finite" in section(html, "warnings")
    assert 'data-value="2"' in section(html, "numbers")  # n


def test_a_comparison_of_which_nothing_was_trained_still_has_its_page():
    html = render(of_outcomes([outcome("a", 0, {}, failure="killed")]))
    parsed(html)
    assert "killed" in section(html, "warnings") and 'id="samples"' not in html


def test_a_run_whose_config_is_damaged_has_its_row_and_no_pictures(tmp_path, capsys):
    made = [of_runs([make_run(tmp_path / name, name)]).views[0].outcome for name in ("damaged", "whole")]
    (tmp_path / "damaged" / "config.toml").write_text("")
    page = of_outcomes(made)
    assert [view.label for view in page.views] == ["whole"] and len(page.outcomes) == 2
    assert "no pictures of damaged" in capsys.readouterr().err
