import weakref

import pytest
import torch
from torch import nn

from aezoo.api import LatentPrior, Phase
from aezoo.config.optimizer import OptimizerConfig
from aezoo.parts.statistics import batch_norms, running_statistics, still_statistics
from aezoo.training.step import Step, weight_ids
from tests.toyparts import (
    Back,
    Learned,
    Lines,
    Part,
    Rows,
    autoencoder,
    groups,
    moved,
    seeded,
    state_of,
    trainer_of,
    weights_of,
)

SGD = OptimizerConfig(name="sgd", lr=0.1)


def looking(name, look, moves=lambda part, model: [part.own], **options):
    """A regularizer with one phase, which moves a weight of its own while it looks around."""

    def loss(part, step):
        look(step)
        return {"own": part.own.square()}

    def phases(part, model):
        yield Phase(name, lambda step: loss(part, step), moves(part, model), SGD, **options)

    return Part(phases, own=nn.Parameter(torch.tensor(1.0)))


def moving(name, loss, *moves, **options):
    """A regularizer with one phase over other parts' weights; `moves` are names of attributes."""

    def phases(part, model):
        parts = [getattr(model, part) for part in moves]
        yield Phase(name, lambda step: {"loss": loss(step)}, parts, SGD, **options)

    return Part(phases)


def watched(*regularizers, schedule, batches=None, **parts):
    model = autoencoder(*regularizers, **parts)
    trainer = trainer_of(model, schedule, batches=batches, optimizers={"autoencoder": SGD})
    for descent in trainer.descents.values():  # one that bumps version counters: stale graphs are errors
        descent.optimizer = torch.optim.SGD(descent.weights, 0.1, foreach=False)
    return model, trainer


# -- what is computed, and when it is forgotten


def test_a_pass_is_computed_once_while_nothing_behind_it_moves():
    seen = []
    look = looking("look", lambda step: seen.extend([step.z, step.z, step.x_hat, step.x_hat]))
    model, trainer = watched(look, look2 := looking("again", lambda step: seen.append(step.z)),
                             schedule="batch look again autoencoder")  # fmt: skip
    calls = model.encoder.calls
    trainer.iterate()
    assert model.encoder.calls == calls + 1
    assert all(z is seen[0] for z in (seen[1], seen[4]))
    assert look2.own.item() != 1.0


def test_a_pass_is_forgotten_exactly_when_a_weight_behind_it_moves():
    codes, images = [], []

    def look(step):
        codes.append(step.z)
        images.append(step.x_hat)

    decode = moving("decode", lambda step: step.x_hat.square().mean(), "decoder")
    encode = moving("encode", lambda step: step.z.square().mean(), "encoder")
    names = ["one", "two", "three", "four"]
    parts = [looking(name, look) for name in names]
    model, trainer = watched(
        *parts, decode, encode, schedule="batch one decode two encode three autoencoder four"
    )
    encoded, decoded = model.encoder.calls, model.decoder.calls
    trainer.iterate()
    assert codes[1] is codes[0] and images[1] is not images[0]  # the decoder moved
    assert codes[2] is not codes[1] and images[2] is not images[1]  # the encoder moved
    assert model.encoder.calls - encoded == 3 and model.decoder.calls - decoded == 4
    with torch.no_grad():
        assert torch.equal(codes[3], model.encoder.net(Rows().batch(0)))


def test_training_with_the_memo_is_bitwise_training_without_it(monkeypatch):
    """Under an optimizer that bumps version counters a graph that outlived a move would be an error.

    No loss reads one pass on two ways: its gradients would be summed in another order.
    """

    def train():
        decode = moving("decode", lambda step: (step.x_hat - step.x_prior).square().mean(), "decoder")
        encode = moving("encode", lambda step: step.x_hat.square().mean(), "encoder")
        mixed = moving("mixed", lambda step: (step.x_hat - step.x_prior).mean(), "encoder", "prior")
        model, trainer = watched(
            decode,
            encode,
            mixed,
            schedule="batch decode autoencoder encode mixed decode noise mixed encode",
            prior=seeded(Learned),
            encoder=seeded(lambda: Lines(noisy=True)),
        )
        for _ in range(4):
            trainer.iterate()
        return weights_of(model)

    def once_without_memory(step, key, compute, *parts):
        step.forget(weight_ids(step.model))
        return once(step, key, compute, *parts)

    kept, once = train(), Step.once
    monkeypatch.setattr(Step, "once", once_without_memory)
    recomputed = train()
    assert all(torch.equal(kept[name], recomputed[name]) for name in kept)


def test_a_pass_keeps_a_graph_only_for_phases_that_move_a_part_behind_it_before_the_next_draw():
    graphs = {}

    def note(name):
        return looking(name, lambda step: graphs.update({name: step.z.requires_grad}))

    encode = moving("encode", lambda step: step.z.square().mean(), "encoder")
    decode = moving("decode", lambda step: step.x_hat.square().mean(), "decoder")
    _, trainer = watched(
        *(note(name) for name in ("early", "after_draw", "before", "behind")),
        encode,
        decode,
        schedule="batch early autoencoder batch after_draw decode noise before encode behind",
    )
    trainer.iterate()
    assert graphs == {"early": True, "after_draw": False, "before": True, "behind": False}


def test_a_pass_without_graph_is_recomputed_with_one_after_the_next_draw():
    encode = moving("encode", lambda step: step.z.square().mean(), "encoder")
    look = looking("look", lambda step: step.z)
    model, trainer = watched(look, encode, schedule="batch autoencoder look noise encode")
    before = weights_of(model)
    trainer.iterate()
    assert any(name.startswith("encoder") for name in moved(before, model))


def test_what_when_reads_still_carries_a_graph_for_its_phase():
    encode = moving(
        "encode", lambda step: step.z.square().mean(), "encoder", when=lambda step: step.z.mean() < 1e6
    )
    _, trainer = watched(encode, schedule="batch autoencoder batch encode")
    trainer.iterate()  # without a graph the first run would be an error
    assert trainer.descents["encode"].checked


# -- held parts


class Echo(LatentPrior):
    """Codes of three rows, by the encoder that it holds."""

    latent_dim = 2

    def attach(self, model):
        self._held = (model.encoder,)

    def sample(self, n, generator):
        return self._held[0](Rows().batch(7)).z[:n]


def test_the_gradient_of_a_prior_that_holds_the_encoder_reaches_the_encoder():
    pull = moving("pull", lambda step: step.z_prior.square().mean(), "encoder")
    model, trainer = watched(pull, schedule="batch autoencoder batch pull", prior=Echo())
    trainer.iterate()
    assert trainer.descents["pull"].checked
    before = weights_of(model)
    trainer._update(trainer._plan[-1])
    assert groups(moved(before, model)) == {"encoder"}


def test_codes_of_a_prior_are_forgotten_when_a_part_that_it_holds_has_moved():
    seen = []
    parts = [looking(name, lambda step: seen.append(step.z_prior)) for name in "ab"]
    encode = moving("encode", lambda step: step.z.square().mean(), "encoder")
    model, trainer = watched(*parts, encode, schedule="batch autoencoder a encode b", prior=Echo())
    trainer.iterate()
    assert not torch.equal(seen[0], seen[1])
    assert torch.equal(seen[1].detach(), model.encoder(Rows().batch(7)).z.detach())


def test_a_pass_that_reads_a_held_part_names_only_the_part_that_holds_it():
    look = looking("look", lambda step: step.once("mine", lambda: step.z_prior.mean(), step.model.prior))
    _, trainer = watched(look, schedule="batch look autoencoder", prior=Echo())
    trainer.iterate()  # the encoder is behind it by way of the prior: no error


@pytest.mark.parametrize(
    "keep",
    [
        lambda layer: (layer,),
        lambda layer: [[layer]],
        lambda layer: {"it": layer},
        lambda layer: layer.weight,
        weakref.ref,
    ],
    ids=["tuple", "list", "table", "weight", "weak"],
)
def test_a_held_layer_counts_however_it_is_kept(keep):
    holder, layer = nn.Module(), nn.Linear(2, 2)
    holder.__dict__["_held"] = keep(layer)
    assert id(layer.weight) in weight_ids(holder) and not list(holder.parameters())


def test_parts_that_hold_each_other_end():
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    one._held, other._held = (other,), (one,)
    assert weight_ids(one) == weight_ids(other) and len(weight_ids(one)) == 4


# -- draws


def test_a_batch_brings_new_images_and_noise_brings_only_noise():
    seen = []
    parts = [looking(name, lambda step: seen.append((step.x, step.z_prior, step.z))) for name in "abc"]
    _, trainer = watched(
        *parts, schedule="batch a noise b batch c autoencoder", encoder=seeded(lambda: Lines(noisy=True))
    )
    trainer.iterate()
    (x_a, p_a, z_a), (x_b, p_b, z_b), (x_c, _, _) = seen
    assert x_b is x_a and not torch.equal(x_c, x_a)
    assert not torch.equal(p_a, p_b) and not torch.equal(z_a, z_b)
    assert torch.equal(x_a, Rows().batch(0)) and torch.equal(x_c, Rows().batch(1))
    trainer.iterate()
    assert torch.equal(seen[3][0], Rows().batch(2)) and torch.equal(seen[5][0], Rows().batch(3))


def test_a_recomputed_random_pass_sees_the_same_noise():
    priors = []
    shift = moving("shift", lambda step: step.z_prior.square().mean(), "prior")
    parts = [looking(name, lambda step: priors.append(step.z_prior)) for name in "ab"]
    model, trainer = watched(*parts, shift, schedule="batch a shift b autoencoder", prior=seeded(Learned))
    trainer.descents["shift"].optimizer = torch.optim.SGD(trainer.descents["shift"].weights, lr=0.0)
    calls = model.prior.calls
    trainer.iterate()
    assert model.prior.calls == calls + 2 and priors[0] is not priors[1]
    assert torch.equal(priors[0], priors[1])


def test_draws_differ_between_steps_positions_phases_and_passes():
    noise = []

    def look(step):
        noise.append(torch.rand(3, generator=step.generator))
        noise.append(step.once("own", lambda: torch.rand(3, generator=step.generator)))

    _, trainer = watched(*(looking(name, look) for name in "ab"), schedule="batch a b batch a b autoencoder")
    trainer.iterate()
    trainer.iterate()
    # eight draws of phases; the pass is shared by the two phases on a draw
    assert len({tuple(value.tolist()) for value in noise}) == 8 + 4


def test_the_partner_batch_is_another_draw_of_the_same_source():
    seen = []
    look = looking("look", lambda step: seen.append((step.x, step.partner.x, step.z, step.partner.z)))
    _, trainer = watched(look, schedule="batch look autoencoder")
    trainer.iterate()
    x, other, z, z_other = seen[0]
    assert torch.equal(other, Rows().batch(0, stream=1)) and not torch.equal(other, x)
    assert not torch.equal(z, z_other)


# -- errors


def test_a_pass_that_does_not_name_a_part_behind_it_is_an_error():
    look = looking("look", lambda step: step.once("mine", lambda: step.x_hat.mean(), step.model.encoder))
    _, trainer = watched(look, schedule="batch look autoencoder")
    with pytest.raises(RuntimeError, match="'mine' reads 'x_hat' but does not name every part"):
        trainer.iterate()


def test_a_remembered_pass_is_checked_as_a_new_one_is():
    def look(step):
        _ = step.x_hat
        step.once("mine", lambda: step.x_hat.mean())

    _, trainer = watched(looking("look", look), schedule="batch look autoencoder")
    with pytest.raises(RuntimeError, match=r"step\.once\('mine', compute, \*parts\)"):
        trainer.iterate()


# -- notes


def test_a_note_is_logged_under_its_phase_and_not_summed():
    look = looking("look", lambda step: step.note("answer", step.z.new_tensor(42.0)))
    model, trainer = watched(look, schedule="batch look autoencoder")
    numbers = trainer.iterate(record=True)
    assert numbers["look/answer"] == 42.0 and numbers["look/own"] == 1.0
    assert model.regularizer["part0"].own.item() == pytest.approx(1.0 - 0.1 * 2.0)


def test_a_note_is_averaged_over_the_rounds_of_an_iteration_like_a_term():
    look = looking("look", lambda step: step.note("mean_x", step.x.mean()))
    _, trainer = watched(look, schedule="batch look batch look autoencoder")
    seen = trainer.iterate(record=True)["look/mean_x"]
    means = [Rows().batch(draw).mean().item() for draw in (0, 1)]
    assert seen == pytest.approx(sum(means) / 2) and means[0] != means[1]


# -- BatchNorm


def norm_parts():
    return {"encoder": seeded(lambda: Lines(norm=True)), "decoder": seeded(lambda: Back(norm=True))}


def statistics(module):
    return {name: value for name, value in state_of(module).items() if "running" in name or "num" in name}


def test_a_pass_without_graph_leaves_running_statistics_bitwise_unchanged():
    before, during = {}, {}

    def look(step):
        before.update(statistics(step.model))
        _ = step.x_hat, step.partner.z
        during.update(statistics(step.model))

    _, trainer = watched(looking("look", look), schedule="batch autoencoder batch look", **norm_parts())
    trainer.iterate()
    assert len(before) == 6 and all(torch.equal(before[name], during[name]) for name in before)


def test_a_pass_without_graph_normalises_by_the_batch():
    seen = {}

    def look(step):
        seen.update(x=step.x, z=step.z, expected=step.model.encoder.net(step.x))

    _, trainer = watched(looking("look", look), schedule="batch autoencoder batch look", **norm_parts())
    trainer.iterate()
    assert not seen["z"].requires_grad and torch.equal(seen["z"], seen["expected"])


def test_running_statistics_follow_the_passes_that_train():
    model, trainer = watched(schedule="batch autoencoder", **norm_parts())
    norm = model.encoder.net[1]
    with torch.no_grad():
        h = model.encoder.net[0](Rows().batch(0))
    mean = 0.9 * norm.running_mean.clone() + 0.1 * h.mean(0)
    trainer.iterate()
    assert torch.allclose(norm.running_mean, mean, atol=1e-6) and norm.num_batches_tracked == 1


def test_frozen_statistics_normalise_and_stay():
    norm = nn.Sequential(nn.BatchNorm1d(2)).train()
    x = torch.tensor([[3.0, 5.0], [1.0, 1.0]])
    with running_statistics(norm):
        assert torch.allclose(norm(x), x / (1 + 1e-5) ** 0.5)
    assert norm[0].training and norm[0].num_batches_tracked == 0
    with still_statistics(batch_norms(norm)):
        assert torch.allclose(norm(x).mean(0), torch.zeros(2), atol=1e-6)
    assert norm[0].track_running_stats and norm[0].num_batches_tracked == 0


def test_statistics_move_again_after_an_error_inside():
    norm = nn.BatchNorm1d(2)
    with pytest.raises(ValueError), still_statistics((norm,)), running_statistics(norm):
        raise ValueError
    assert norm.training and norm.track_running_stats


def test_weights_are_told_apart_by_identity():
    one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    assert weight_ids(one).isdisjoint(weight_ids(other)) and weight_ids(one, other) >= weight_ids(one)
