"""Laying settings over each other, and reading them."""

import pytest

from aezoo.config.merge import Layers, over, parse_set, read_toml
from aezoo.errors import ConfigError


def laid(*tables):
    layers = Layers()
    for number, table in enumerate(tables):
        layers.add(table, f"layer {number}")
    return layers


def test_a_later_layer_wins_key_by_key():
    layers = laid({"train": {"steps": 1, "seed": 2}}, {"train": {"steps": 3}})
    assert layers.values == {"train": {"steps": 3, "seed": 2}}
    assert (layers.origin("train.steps"), layers.origin("train.seed")) == ("layer 1", "layer 0")


def test_a_key_nobody_wrote_comes_from_the_section_around_it_else_from_the_defaults():
    layers = laid({"prior": {"name": "a"}})
    assert layers.origin("prior.hidden") == "layer 0"
    assert layers.origin("ema.decay") == "the defaults"


@pytest.mark.parametrize("anew", ["b", {"name": "b"}])
def test_a_part_named_anew_drops_the_settings_of_the_old_one(anew):
    layers = laid({"prior": {"name": "a", "hidden": [1]}}, {"prior": anew})
    assert layers.values == {"prior": {"name": "b"}}
    assert "prior.hidden" not in layers.origins


def test_a_part_named_again_keeps_its_settings():
    assert laid({"prior": {"name": "a", "k": 1}}, {"prior": "a"}).values == {"prior": {"name": "a", "k": 1}}


def test_settings_alone_are_for_the_part_that_is_there():
    assert laid({"prior": "a"}, {"prior": {"k": 1}}).values == {"prior": {"name": "a", "k": 1}}


def test_false_takes_a_regularizer_away_with_its_settings():
    layers = laid({"regularizer": {"a": {"weight": 2}, "b": True}}, {"regularizer": {"a": False}})
    assert layers.values == {"regularizer": {"b": {}}}
    again = laid(
        {"regularizer": {"a": {"weight": 2}}}, {"regularizer": {"a": False}}, {"regularizer": {"a": True}}
    )
    assert again.values == {"regularizer": {"a": {}}}


def test_a_later_rate_for_all_phases_wins_over_an_earlier_one_of_a_phase():
    first = {"optimizer": {"critic": {"lr": 1.0, "eps": 2.0}, "lr": 3.0}}
    assert laid(first, {"optimizer": {"lr": 4.0}}).values == {
        "optimizer": {"critic": {"eps": 2.0}, "lr": 4.0}
    }


def test_within_one_layer_a_phases_own_rate_stays():
    layers = laid({"optimizer": {"lr": 3.0, "critic": {"lr": 1.0}}})
    assert layers.values["optimizer"]["critic"] == {"lr": 1.0}


@pytest.mark.parametrize(
    ("table", "key", "remedy"),
    [
        ({"prior": 3}, "prior", "[prior"),
        ({"prior": {"name": 5}}, "prior.name", "aezoo list prior"),
        ({"regularizer": ["interp"]}, "regularizer", "[regularizer"),
        ({"regularizer": {"interp": 3}}, "regularizer.interp", "[regularizer"),
    ],
)
def test_a_part_that_is_no_table_is_refused_with_its_key_and_origin(table, key, remedy):
    with pytest.raises(ConfigError) as caught:
        laid(table)
    assert caught.value.where == f"{key} in layer 0"
    assert remedy in caught.value.fix


def test_a_table_lies_over_another_key_by_key_and_a_list_replaces_one():
    found = over({"grid": {"n": 5, "set": ["a"]}, "x": 1}, {"grid": {"n": 9, "seeds": 3, "set": []}, "x": {}})
    assert found == {"grid": {"n": 5, "seeds": 3, "set": ["a"]}, "x": 1}


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("a.b=3", {"a": {"b": 3}}),
        ("a = normal", {"a": "normal"}),
        ("a.b.c=[0, 0.9]", {"a": {"b": {"c": [0, 0.9]}}}),
        ("a={ lr = 1e-3 }", {"a": {"lr": 1e-3}}),
        ("a=false", {"a": False}),
        ("a=x=y", {"a": "x=y"}),
    ],
)
def test_set_reads_toml_values_and_bare_words(text, table):
    assert parse_set(text) == table


@pytest.mark.parametrize("text", ["train.steps", "=3"])
def test_set_without_key_or_value_is_exit_2(text):
    with pytest.raises(ConfigError) as caught:
        parse_set(text)
    assert caught.value.exit_code == 2 and repr(text) in caught.value.what


@pytest.mark.parametrize("content", [b"a = \n", b"a = '\xff'\n"])
def test_bad_toml_names_the_file(tmp_path, content):
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_toml(file)
    assert caught.value.where == str(file)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize("content", ["x = " + "[" * 5000, "x = " + "9" * 5000])
def test_a_file_that_no_reader_can_take_is_refused_by_its_name(tmp_path, content):
    (tmp_path / "odd.toml").write_text(content)
    with pytest.raises(ConfigError, match=r"odd\.toml"):
        read_toml(tmp_path / "odd.toml")


def test_a_text_that_is_no_value_of_toml_stays_text():
    assert parse_set("a=" + "9" * 5000) == {"a": "9" * 5000}
