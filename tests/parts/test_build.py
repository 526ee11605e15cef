"""One class used more than once in a model."""

import pytest

from aezoo.api import ConfigError, Phase, build_model
from aezoo.registry.trust import allow_classes
from tests.toyparts import Part, autoencoder, flexae_sr, groups, only, trainer_of, watch

SMALL = {"channels": [4], "hidden": 8}


def names(model):
    return [phase.name for phase in model.phases()]


def test_one_adversary_is_used_twice_under_labels():
    model = flexae_sr(regularizer={"interp": SMALL, "far": {"name": "interp", **SMALL}})
    assert {"image_critic", "smoothing", "far_image_critic", "far_smoothing"} <= set(names(model))
    trainer, moves = watch(model)
    trainer.iterate()
    moved = {name: groups(weights) for name, weights in moves}
    assert moved["image_critic"] == {"regularizer.interp"}
    assert moved["far_image_critic"] == {"regularizer.far"}


def test_two_uses_that_both_have_labels_of_their_own_both_say_them():
    labels = {label: {"name": "interp", **SMALL} for label in ("near", "far")}
    found = set(names(flexae_sr(regularizer=labels)))
    assert {"near_smoothing", "far_smoothing"} <= found and "smoothing" not in found


def test_a_single_use_is_called_as_ever_whatever_its_label():
    assert "smoothing" in names(flexae_sr(regularizer={"far": {"name": "interp", **SMALL}}))


def test_terms_of_two_uses_are_logged_apart_and_summed():
    both = {"l2-code": {"weight": 1.0}, "more": {"name": "l2-code", "weight": 2.0}}
    trainer = only(flexae_sr(regularizer=both), "batch autoencoder")
    numbers = trainer.iterate(record=True)
    assert numbers["autoencoder/more_l2_code"] == pytest.approx(2 * numbers["autoencoder/l2_code"])


def test_a_second_divergence_as_a_regularizer_is_one_too():
    found = names(flexae_sr(regularizer={"again": {"name": "wgan", "hidden": [8]}}))
    assert {"latent_critic", "again_latent_critic", "encoder", "again_encoder"} <= set(found)


def test_parts_that_do_not_say_their_label_are_told_how():
    twice = [Part(lambda part, model: [Phase("same", lambda step: {}, [model.decoder])]) for _ in range(2)]
    with pytest.raises(ConfigError, match="two parts have a phase called 'same'") as err:
        trainer_of(autoencoder(*twice))
    assert "self.named(" in err.value.fix


def test_a_module_that_is_no_part_is_told_what_to_derive_from_and_how_a_run_of_it_opens():
    allow_classes("torch.nn:Flatten")
    with pytest.raises(ConfigError) as caught:
        build_model({"prior": "torch.nn:Flatten", "backbone": "mlp"}, shape=(4,), range=None, latent_dim=2)
    assert caught.value.what == "Flatten is no LatentPrior"
    assert (
        "aezoo.api.LatentPrior" in caught.value.fix and "modules={'prior': Flatten(...)}" in caught.value.fix
    )
