import pytest

from aezoo.errors import ConfigError
from aezoo.training.schedule import Group, Sampling, check_names, default_schedule, parse
from tests.toyparts import flexae_sr, trainer_of

BATCH, NOISE = Sampling("batch"), Sampling("noise")


def run(*names):
    return Group(names)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("batch a", (BATCH, run("a"))),
        ("  batch   a \n", (BATCH, run("a"))),
        ("batch a noise b", (BATCH, run("a"), NOISE, run("b"))),
        ("batch a+b+c d", (BATCH, run("a", "b", "c"), run("d"))),
        ("batch 2*(a b) c", (BATCH, *(run("a"), run("b")) * 2, run("c"))),
        ("batch 2 * ( a )", (BATCH, run("a"), run("a"))),
        ("2*(batch 2*(a) b+c)", (BATCH, run("a"), run("a"), run("b", "c")) * 2),
        ("batch 0*(a) b", (BATCH, run("b"))),
        ("batch phase-1.x phase_2", (BATCH, run("phase-1.x"), run("phase_2"))),
    ],
)
def test_a_schedule_is_unrolled(text, entries):
    assert parse(text) == entries


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("batch a) b", "unmatched ')' at character 8"),
        ("batch 2*(a", "misses a ')'"),
        ("batch 2*(3*(a) b", "misses a ')'"),
        ("batch a, b", "cannot be read from ', b' on"),
        ("batch a + b", "cannot be read from '+ b' on"),
        ("batch 2(a)", "cannot be read from '2(a)' on"),
        ("a batch", "does not begin with a batch"),
        ("noise a", "does not begin with a batch"),
        ("", "does not begin with a batch"),
    ],
)
def test_what_is_no_schedule_is_an_error_that_says_where(text, what):
    with pytest.raises(ConfigError) as err:
        parse(text, where="train.schedule in my.toml")
    assert what in err.value.what and err.value.where == "train.schedule in my.toml"
    assert err.value.fix


def test_an_unknown_phase_suggests_the_nearest():
    with pytest.raises(ConfigError, match="names 'critik', which is no phase") as err:
        check_names(parse("batch critik player"), ["critic", "player"])
    assert err.value.fix == "did you mean 'critic'? the phases are critic, player"


def test_half_of_a_sum_of_phases_is_an_error():
    with pytest.raises(ConfigError, match="names '', which is no phase"):
        check_names(parse("batch a+"), ["a"])


def test_a_phase_without_a_turn_is_an_error():
    with pytest.raises(ConfigError, match="never runs b, c"):
        check_names(parse("batch a"), ["a", "b", "c"])


@pytest.mark.parametrize(
    ("critics", "players", "text"),
    [
        ([], ["autoencoder"], "batch autoencoder"),
        (["c"], ["autoencoder", "e"], "batch autoencoder 5*(batch c) e"),
        (["c", "d"], ["autoencoder"], "batch autoencoder 5*(batch c d)"),
        ([], ["g"], "batch g"),
        (["c"], ["g"], "5*(batch c) g"),
    ],
)
def test_critics_get_fresh_batches_between_the_autoencoder_and_the_other_players(critics, players, text):
    assert default_schedule(critics, players, 5) == text
    parse(text)


def test_the_default_schedule_of_flexae_sr_is_the_released_codes():
    model = flexae_sr()
    phases = model.phases()
    critics = [phase.name for phase in phases if phase.role == "critic"]
    players = [phase.name for phase in phases if phase.role == "player"]
    assert default_schedule(critics, players, 5) == (
        "batch autoencoder 5*(batch latent_critic image_critic) smoothing prior encoder"
    )


def test_a_trainer_refuses_a_schedule_that_leaves_a_phase_out():
    with pytest.raises(ConfigError, match="never runs encoder"):
        trainer_of(flexae_sr(), "batch autoencoder latent_critic image_critic smoothing prior")
