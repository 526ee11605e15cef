"""What differs between the settings of runs."""

from aezoo.report.differences import Values, differences, settings

ONE = {"prior": {"name": "a", "hidden": [64, 64]}, "train": {"steps": 10, "lr": 0.1}}
TWO = {"prior": {"name": "b"}, "train": {"steps": 10, "lr": 0.2}}


def rows(found) -> dict[str, tuple[str, ...]]:
    return {one.key: one.values for one in found}


def test_only_keys_that_differ_are_left_and_an_absent_one_is_a_dash():
    assert rows(differences([ONE, TWO])) == {
        "prior.name": ("a", "b"),
        "prior.hidden": ("[64, 64]", "–"),
        "train.lr": ("0.1", "0.2"),
    }


def test_runs_of_one_config_differ_in_nothing():
    assert differences([ONE, ONE]) == []


def test_of_an_absolute_path_only_the_last_name_is_shown():
    assert rows(settings([{"dataset": {"path": "/home/somebody/faces"}}])) == {"dataset.path": ("faces",)}
    assert rows(settings([{"dataset": {"path": "relative/faces"}}])) == {"dataset.path": ("relative/faces",)}


def test_what_an_optimizer_is_and_how_fast_it_learns_matter_more_than_the_rest():
    keys = ("optimizer.critic.lr", "optimizer.critic.name", "optimizer.critic.eps", "train.lr")
    assert [Values(key, ()).minor for key in keys] == [False, False, True, False]
