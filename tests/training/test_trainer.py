import math

import pytest
import torch
from torch import nn

from aezoo.api import ConfigError, Memory, Phase, Ramp, Reconstruction, Regularizer
from aezoo.config.optimizer import OptimizerConfig
from aezoo.errors import DivergedError
from aezoo.parts.autoencoder import load_state, split_state
from aezoo.training.averages import Averages
from tests.toyparts import (
    Back,
    Fixed,
    Learned,
    Lines,
    Part,
    Rows,
    Squares,
    autoencoder,
    flexae_sr,
    groups,
    moved,
    only,
    same,
    seeded,
    state_of,
    trainer_of,
    watch,
    weights_of,
)

SGD = OptimizerConfig(name="sgd", lr=0.1)


def scalar(value=1.0):
    return nn.Parameter(torch.tensor(value))


def pulling(name, target=0.0, own=1.0, optim=SGD, **options):
    """A regularizer with one phase that pulls its one number to a target: the gradient is own - target."""

    def phases(part, model):
        yield Phase(name, lambda step: {"pull": 0.5 * (part.own - target).square()}, [part], optim, **options)

    return Part(phases, own=scalar(own))


def losing(name, terms, optim=SGD, **own):
    """A regularizer with one phase over all that is its own, one number if nothing else is given."""

    def phases(part, model):
        yield Phase(name, lambda step: terms(part, step), [part], optim)

    return Part(phases, **(own or {"own": scalar()}))


# -- which weights move


FLEXAE_SR = {
    "autoencoder": {"encoder", "decoder"},
    "latent_critic": {"regularizer.wgan"},
    "image_critic": {"regularizer.interp"},
    "smoothing": {"encoder", "decoder"},
    "prior": {"prior"},
    "encoder": {"encoder"},
}


@pytest.fixture
def watched_flexae_sr():
    """FlexAE-SR with BatchNorm, its trainer, and what each phase moved."""
    model = flexae_sr(shape=(1, 8, 8), backbone="conv")
    return model, *watch(model)


def test_each_phase_of_flexae_sr_moves_its_own_weights_and_no_others(watched_flexae_sr):
    _, trainer, turns = watched_flexae_sr
    for _ in range(2):
        trainer.iterate()
    assert [name for name, _ in turns[:12]] == [
        "autoencoder",
        *["latent_critic", "image_critic"] * 5,
        "smoothing",
        "prior",
        "encoder",
    ][:12]
    assert {name: groups(names) for name, names in turns} == FLEXAE_SR
    assert all(groups(names) == FLEXAE_SR[name] for name, names in turns)


def test_every_weight_of_flexae_sr_moves(watched_flexae_sr):
    model, trainer, turns = watched_flexae_sr
    for _ in range(3):
        trainer.iterate()
    still = set(weights_of(model)) - set.union(*(names for _, names in turns))
    # E C(a) - E C(b) does not depend on a critic's last bias: its gradient is exactly 0
    assert {name.rpartition(".critic.")[0] for name in still} == {"regularizer.wgan", "regularizer.interp"}
    assert len(still) == 2 and all(name.endswith("bias") for name in still)


def test_a_weight_apart_moves_only_in_a_phase_that_names_it():
    def phases(part, model):
        yield Phase("all", lambda step: {"sum": part.own.square() + part.rho.square()}, [part], SGD)
        yield Phase("rho", lambda step: {"rho": part.rho.square()}, [part.rho], SGD)

    part = Part(phases, apart=("rho",), own=scalar(), rho=scalar())
    model = autoencoder(part)
    trainer = trainer_of(model, "batch autoencoder all 2*(rho)")
    trainer.iterate()
    assert part.own.item() == pytest.approx(0.8) and part.rho.item() == pytest.approx(0.8**2)


def test_weights_apart_in_encoder_and_regularizer_stay_out_of_the_autoencoder_phase():
    class Scaled(Lines):
        apart = ("rho",)

        def __init__(self):
            super().__init__()
            self.rho = scalar()

    part = Part(lambda part, model: [Phase("rho", lambda step: {"rho": step.z.mean() * part.mine
                + model.encoder.rho**2}, [model.encoder.rho, part.mine], SGD)],
                apart=("mine",), mine=scalar())  # fmt: skip
    model = autoencoder(part, encoder=seeded(Scaled))
    trainer = trainer_of(model, "batch autoencoder rho")
    names = set(trainer.descents["autoencoder"].names)
    assert "encoder.rho" not in names and "regularizer.part0.mine" not in names
    assert trainer.descents["rho"].names == ["encoder.rho", "regularizer.part0.mine"]


def test_nobody_elses_gradient_is_touched():
    model = autoencoder(pulling("pull"))
    trainer = trainer_of(model, "batch autoencoder pull")
    trainer.iterate()
    assert all(weight.grad is None for weight in model.parameters())
    frozen = nn.Parameter(torch.ones(2))
    frozen.grad = torch.full((2,), 7.0)
    model.decoder.register_parameter("foreign", frozen)
    trainer.iterate()
    assert torch.equal(frozen.grad, torch.full((2,), 7.0)) and torch.equal(frozen, torch.ones(2))


def test_a_gradient_left_by_someone_is_not_used():
    left, clean = autoencoder(pulling("pull")), autoencoder(pulling("pull"))
    for weight in left.parameters():
        weight.grad = torch.full_like(weight, 100.0)
    for model in (left, clean):
        trainer_of(model, "batch autoencoder pull").iterate()
    assert same(weights_of(left), weights_of(clean))


# -- weights that no loss reaches


def test_a_weight_without_gradient_is_an_error_that_names_it():
    lost = losing("odd", lambda part, step: {"odd": part.near**2}, near=scalar(), far=scalar())
    with pytest.raises(ConfigError, match=r"'odd' moves regularizer\.part0\.far, but its loss") as err:
        trainer_of(autoencoder(lost), "batch autoencoder odd").iterate()
    assert "apart" in err.value.fix


def test_a_loss_cut_off_from_all_its_weights_is_an_error_that_names_one():
    cut = losing("cut", lambda part, step: {"cut": step.z.detach().mean()})
    with pytest.raises(ConfigError, match=r"'cut' moves regularizer\.part0\.own"):
        trainer_of(autoencoder(cut), "batch autoencoder cut").iterate()


def test_a_gradient_of_exactly_zero_is_fine():
    zero = losing("zero", lambda part, step: {"zero": part.own - part.own})
    trainer_of(autoencoder(zero), "batch autoencoder zero").iterate()
    assert zero.own.item() == 1.0


def test_a_phase_without_terms_is_an_error():
    empty = losing("empty", lambda part, step: {})
    with pytest.raises(ConfigError, match="'empty' has no terms"):
        trainer_of(autoencoder(empty), "batch autoencoder empty").iterate()


# -- when, after


def test_when_decides_at_each_turn():
    asked = []

    def when(step):
        asked.append(step.number)
        return step.number % 2 == 1

    part = pulling("pull", when=when)
    trainer = trainer_of(autoencoder(part), "batch autoencoder pull pull")
    values = []
    for _ in range(4):
        numbers = trainer.iterate(record=True)
        values.append((round(part.own.item(), 4), "pull/pull" in numbers))
    assert asked == [0, 0, 1, 1, 2, 2, 3, 3]
    assert values == [(1.0, False), (0.81, True), (0.81, False), (0.6561, True)]


def test_a_phase_that_skips_leaves_the_rest_of_its_group_at_work():
    one, other = pulling("one", when=lambda step: False), pulling("other")
    last, second = pulling("second"), pulling("last", when=lambda step: False)
    trainer_of(autoencoder(one, other, last, second), "batch autoencoder one+other second+last").iterate()
    assert one.own.item() == 1.0 and other.own.item() == pytest.approx(0.9)
    assert last.own.item() == pytest.approx(0.9) and second.own.item() == 1.0


def test_after_a_phase_its_projection_is_applied():
    part = pulling("pull", target=5.0, after=lambda: part.own.clamp_(max=1.2))
    trainer = trainer_of(autoencoder(part), "batch autoencoder pull")
    trainer.iterate()
    assert part.own.item() == pytest.approx(1.2)


def test_a_components_after_runs_once_an_iteration_without_gradient():
    class Counting(Regularizer):
        def __init__(self):
            super().__init__()
            self.register_buffer("count", torch.zeros(()))
            self.seen = []

        def after(self, step):
            self.count += 1
            self.seen.append((step.z.requires_grad, torch.is_grad_enabled(), step.number))

    part = Counting()
    trainer = trainer_of(autoencoder(part, pulling("pull")), "batch autoencoder 3*(batch pull)")
    trainer.iterate()
    trainer.iterate()
    assert part.count.item() == 2 and part.seen == [(False, False, 0), (False, False, 1)]


# -- a+b


def test_a_sum_of_phases_takes_both_gradients_before_either_steps():
    """min_a max_b a b with rate 0.1 from (1, 1), by hand; one after the other ends elsewhere."""

    def game():
        def phases(part, model):
            yield Phase("down", lambda step: {"ab": part.a * part.b}, [part.a], SGD)
            yield Phase("up", lambda step: {"ab": -part.a * part.b}, [part.b], SGD)

        return Part(phases, a=scalar(), b=scalar())

    both, turns = game(), game()
    trainer_of(autoencoder(both), "batch autoencoder down+up").iterate()
    trainer_of(autoencoder(turns), "batch autoencoder down up").iterate()
    assert (both.a.item(), both.b.item()) == pytest.approx((1 - 0.1, 1 + 0.1))
    assert (turns.a.item(), turns.b.item()) == pytest.approx((0.9, 1 + 0.1 * 0.9))


def test_a_sum_of_phases_shares_one_graph_and_matches_a_hand_computation():
    def build():
        def phases(part, model):
            yield Phase("encode", lambda step: {"a": step.x_hat.square().mean()}, [model.encoder], SGD)
            yield Phase("decode", lambda step: {"b": -step.x_hat.mean()}, [model.decoder], SGD)

        return autoencoder(Part(phases))

    model, hand = build(), build()
    calls = model.encoder.calls
    trainer = trainer_of(model, "batch encode+decode noise autoencoder", optimizers={
        "autoencoder": OptimizerConfig(name="sgd", lr=0.0)})  # fmt: skip
    trainer.iterate()
    assert model.encoder.calls - calls == 2  # one of them after `noise`

    x_hat = hand.decoder(hand.encoder(Rows().batch(0)).z)
    encoder, decoder = list(hand.encoder.parameters()), list(hand.decoder.parameters())
    down = torch.autograd.grad(x_hat.square().mean(), encoder, retain_graph=True)
    up = torch.autograd.grad(-x_hat.mean(), decoder)
    with torch.no_grad():
        for weight, gradient in zip(encoder + decoder, [*down, *up], strict=True):
            weight.add_(gradient, alpha=-0.1)
    assert same(weights_of(model), weights_of(hand))


# -- optimizers


def borrowing(optim=("one",)):
    def phases(part, model):
        adam = OptimizerConfig(lr=0.1)
        yield Phase("one", lambda step: {"one": 3.0 * part.a}, [part.a], adam)
        yield Phase("two", lambda step: {"two": -part.b}, [part.b], adam)
        yield Phase("both", lambda step: {"both": part.a + part.b}, [part.a, part.b], optim)

    return Part(phases, a=scalar(), b=scalar())


def test_a_phase_that_borrows_optimizers_shares_their_moments():
    part = borrowing(("one", "two"))
    trainer = trainer_of(autoencoder(part), "batch autoencoder one two both")
    for _ in range(3):
        trainer.iterate()
    a, b = scalar(), scalar()
    one, two = torch.optim.Adam([a], 0.1, fused=True), torch.optim.Adam([b], 0.1, fused=True)
    for _ in range(3):
        for weight, optimizer, gradient in ((a, one, 3.0), (b, two, -1.0), (a, one, 1.0), (b, two, 1.0)):
            weight.grad = torch.tensor(gradient)
            optimizer.step()
    assert torch.equal(part.a, a) and torch.equal(part.b, b)
    assert trainer.descents["one"].optimizer.state[part.a]["step"].item() == 6


def test_a_phase_cannot_move_weights_that_no_borrowed_optimizer_holds():
    with pytest.raises(AssertionError, match="'both' moves weights that no optimizer it steps holds"):
        trainer_of(autoencoder(borrowing(("one",))), "batch autoencoder one two both")
    with pytest.raises(AssertionError, match="'both' steps 'three', which owns none"):
        trainer_of(autoencoder(borrowing(("one", "three"))), "batch autoencoder one two both")


def reference(name):
    def make(weights):
        match name:
            case "adam":
                return torch.optim.Adam(weights, 0.01, (0.5, 0.9), 1e-6, 0.1, fused=True)
            case "adamw":
                return torch.optim.AdamW(weights, 0.01, (0.5, 0.9), 1e-6, 0.1, fused=True)
            case "rmsprop":
                return torch.optim.RMSprop(weights, 0.01, 0.9, 1e-6, 0.1, 0.3)
            case "sgd":
                return torch.optim.SGD(weights, 0.01, 0.3, weight_decay=0.1)

    return make


@pytest.mark.parametrize("name", ["adam", "adamw", "rmsprop", "sgd"])
def test_an_optimizer_takes_torchs_own_steps(name):
    config = OptimizerConfig(
        name=name, lr=0.01, betas=(0.5, 0.9), eps=1e-6, weight_decay=0.1, momentum=0.3, alpha=0.9
    )
    model, hand = autoencoder(), autoencoder()
    trainer = trainer_of(model, optimizers={"autoencoder": config})
    weights = [*hand.encoder.parameters(), *hand.decoder.parameters()]
    optimizer = reference(name)(weights)
    for number in range(4):
        trainer.iterate()
        x = Rows().batch(number)
        loss = (x - hand.decoder(hand.encoder(x).z)).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert same(weights_of(model), weights_of(hand))


def test_clip_bounds_the_norm_of_a_phases_whole_gradient():
    part = losing("steep", lambda part, step: {"d": 30.0 * part.a + 40.0 * part.b}, a=scalar(), b=scalar())
    clipped = OptimizerConfig(name="sgd", lr=0.1, clip=1.0)
    trainer_of(autoencoder(part), "batch autoencoder steep", optimizers={"steep": clipped}).iterate()
    assert (part.a.item(), part.b.item()) == pytest.approx((1 - 0.06, 1 - 0.08), abs=1e-5)


def test_a_learning_rate_may_be_a_ramp():
    ramp = OptimizerConfig(name="sgd", lr=Ramp(start=0.4, end=0.0, steps=2, warmup=2))
    part = losing("slide", lambda part, step: {"a": part.a}, ramp, a=scalar(0.0))
    trainer = trainer_of(autoencoder(part), "batch autoencoder slide")
    places = []
    for _ in range(6):
        trainer.iterate()
        places.append(part.a.item())
    assert places == pytest.approx([0.0, -0.2, -0.6, -0.8, -0.8, -0.8])


def test_a_weight_of_terms_may_be_a_ramp():
    model = flexae_sr(reconstruction={"name": "mse", "weight": {"start": 0.0, "end": 1.0, "steps": 2}})
    trainer = trainer_of(model)
    values = [trainer.iterate(record=True)["autoencoder/mse"] for _ in range(3)]
    assert values[0] == 0.0 and 0.1 < values[1] / values[2] < 0.9


# -- averages


def test_the_average_of_the_weights_is_its_recursion_by_hand_with_a_warm_up():
    model = autoencoder()
    trainer = trainer_of(model, averages=Averages(model, 0.3))
    average = weights_of(model)
    for decay in (1 / 10, 2 / 11, 3 / 12, 0.3, 0.3):  # (1 + t) / (10 + t) until the decay that was asked for
        trainer.iterate()
        average = {
            name: decay * average[name] + (1 - decay) * weight for name, weight in weights_of(model).items()
        }
    last = weights_of(model)
    with trainer.averaged():
        inside = weights_of(model)
    assert all(torch.allclose(inside[name], average[name], atol=1e-6) for name in average)
    assert not same(inside, last) and same(weights_of(model), last)
    trainer.keep_average()
    assert same(weights_of(model), inside)


def test_an_average_forgets_the_first_weights_long_before_its_decay_says_so():
    model = autoencoder()
    averages = Averages(model, 0.999)
    with torch.no_grad():
        for step in range(100):
            for weight in model.parameters():
                weight.fill_(step + 1.0)
            averages.update(step)
    with averages.in_place():
        found = next(model.parameters()).mean().item()
    assert found > 85  # without a warm-up the weights of step 0 still count for 0.9


def test_only_the_modules_that_are_named_are_averaged():
    model = autoencoder()
    trainer = trainer_of(model, averages=Averages(model, 0.9, ["decoder"]))
    for _ in range(3):
        trainer.iterate()
    last = weights_of(model)
    trainer.keep_average()
    assert groups(moved(last, model)) == {"decoder"}
    assert all(name.startswith("average/decoder.") for name in trainer.averages.state())


def test_a_module_without_weights_cannot_be_averaged():
    with pytest.raises(ConfigError, match="nothing called 'decodr' has weights") as err:
        Averages(autoencoder(), 0.9, ["decodr"])
    assert "did you mean 'decoder'?" in err.value.fix and err.value.where == "ema.modules"


def normed():
    return autoencoder(encoder=seeded(lambda: Lines(norm=True)), decoder=seeded(lambda: Back(norm=True)))


def test_running_statistics_become_those_of_the_averaged_weights():
    model = normed()
    options = {"averages": Averages(model, 0.99), "optimizers": {"autoencoder": OptimizerConfig(lr=0.1)}}
    trainer = only(model, "batch autoencoder", Same(), **options)
    for _ in range(10):
        trainer.iterate()
    before, norm = state_of(model), model.encoder.net[1]
    with trainer.averaged():
        h = model.encoder.net[0](Rows().batch(0)).detach()
        assert torch.allclose(norm.running_mean, h.mean(0), atol=1e-6)
        assert torch.allclose(norm.running_var, h.var(0), atol=1e-6)
    assert same(state_of(model), before)  # for a while
    assert not torch.allclose(norm.running_mean, h.mean(0), atol=1e-3)  # those of the last weights differ
    trainer.keep_average()
    assert torch.allclose(norm.running_mean, h.mean(0), atol=1e-6) and norm.momentum == 0.1


def test_statistics_follow_the_passes_that_they_follow_in_training():
    """As at a learning rate of 0: the decoder's come from x_hat and x_prior in their proportion."""

    def pull(part, model):
        loss = lambda step: {"pull": step.x_prior.square().mean()}  # noqa: E731
        return [Phase("pull", loss, [model.decoder], OptimizerConfig(name="sgd", lr=0.0))]

    def made():
        parts = {"decoder": seeded(lambda: Back(norm=True)), "prior": Fixed()}
        model = autoencoder(Part(pull), **parts)
        still = {"autoencoder": OptimizerConfig(name="sgd", lr=0.0)}
        return model, trainer_of(model, "batch autoencoder pull", optimizers=still)

    model, trainer = made()
    trainer.restate(3)
    other, by_hand = made()
    other.decoder.net[1].momentum = None
    for _ in range(3):
        by_hand.iterate()
    assert torch.equal(model.decoder.net[1].running_mean, other.decoder.net[1].running_mean)
    assert model.decoder.net[1].num_batches_tracked == 6 and trainer.completed == 0


def test_a_layer_that_no_pass_trains_keeps_its_statistics():
    model = normed()
    model.during = seeded(lambda: Waiting())
    model.during.norm.running_mean.fill_(7.0)
    only(model, "batch autoencoder").restate(2)
    assert torch.equal(model.during.norm.running_mean, torch.full((2,), 7.0))


class Waiting(Fixed):
    """A prior with statistics that nothing asks for."""

    def __init__(self):
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(2)


class Same(Rows):
    def batch(self, draw, stream=0):
        return super().batch(0, stream)


# -- precision


def test_bf16_autocast_trains_flexae_sr_in_float32_weights():
    model = flexae_sr(shape=(1, 8, 8), backbone="conv")
    trainer = trainer_of(model, precision="bf16", batches=Same((1, 8, 8)))
    seen, full = [], []
    hook = model.encoder.head.register_forward_hook(lambda part, x, z: seen.append(z.dtype))
    for _ in range(10):
        full.append(trainer.iterate(record=True))
    hook.remove()
    assert set(seen) == {torch.bfloat16}
    assert all(weight.dtype == torch.float32 for weight in model.parameters())
    assert full[-1]["autoencoder/mse"] < full[0]["autoencoder/mse"]


def test_a_pass_without_gradient_does_not_cut_a_later_one_off_under_autocast():
    """Autocast's cache would hand the later pass a weight that was cast without a graph."""

    def loss(step):
        with torch.no_grad():
            step.model.decoder(step.z)
        return {"x": step.model.decoder(step.z).square().mean()}

    part = Part(lambda part, model: [Phase("decode", loss, [model.decoder], SGD)])
    trainer_of(autoencoder(part), "batch autoencoder decode", precision="bf16").iterate()


# -- randomness and resume


def make(seed=0):
    """FlexAE-SR on a noisy schedule, with dropout, averages, a learning rate ramp and a memory."""
    model = autoencoder(
        Remembering(), pulling("pull", optim=OptimizerConfig(name="rmsprop", lr=0.01, momentum=0.5)),
        encoder=seeded(lambda: Lines(noisy=True, norm=True, dropout=0.2)),
        prior=seeded(Learned), reconstruction=Pushed(),
    )  # fmt: skip
    adam = OptimizerConfig(lr=Ramp(start=0.01, end=0.0, steps=20))
    return model, trainer_of(
        model,
        "batch 2*(autoencoder) noise pull",
        seed=seed,
        averages=Averages(model, 0.9),
        optimizers={"autoencoder": adam},
    )


class Remembering(Regularizer):
    """Keeps the last codes, and pulls new ones towards them."""

    def __init__(self):
        super().__init__()
        self.memory = Memory()
        self.memory.register_buffer("codes", torch.zeros(8, 2))

    def terms(self, step):
        return {"memory": (step.z - self.memory.codes).square().mean()}

    def after(self, step):
        self.memory.codes.copy_(step.z)


class Pushed(Squares):
    """Brings the prior into the shared loss."""

    def terms(self, step):
        return {**super().terms(step), "prior": (step.z_prior - step.z.detach()).square().mean()}


def test_one_seed_gives_one_training_and_another_seed_another():
    runs = []
    for seed in (0, 0, 1):
        model, trainer = make(seed)
        torch.manual_seed(len(runs))  # the global generator must not matter
        logs = [trainer.iterate(record=True) for _ in range(3)]
        runs.append((logs, weights_of(model)))
    assert runs[0][0] == runs[1][0] and same(runs[0][1], runs[1][1])
    assert not same(runs[0][1], runs[2][1])


def test_a_resumed_training_is_bit_equal_to_one_never_stopped():
    model, trainer = make()
    for _ in range(3):
        trainer.iterate()
    kept, memory = split_state(model)
    stored = {name: value.clone() for name, value in {**trainer.state(), **kept, **memory}.items()}
    for _ in range(3):
        log = trainer.iterate(record=True)

    again, resumed = make()
    state = {name: value for name, value in stored.items() if name in kept}
    remembered = {name.removeprefix("memory/"): stored[name] for name in memory}
    assert set(remembered) == {"regularizer.part0.memory.codes"} and not set(remembered) & set(state)
    load_state(again, {**state, **remembered})
    resumed.load_state(stored, 3)
    for _ in range(3):
        log_again = resumed.iterate(record=True)
    assert log_again == log
    assert same(state_of(again), state_of(model)) and same(resumed.state(), trainer.state())
    assert {name.split("/")[0] for name in trainer.state()} == {"optimizer", "average"}


@pytest.mark.parametrize("lost", ["optimizer/", "average/", "memory/"])
def test_each_stored_piece_matters_for_resume(lost):
    """What the test above stores is needed: a resume without it ends elsewhere."""
    model, trainer = make()
    for _ in range(3):
        trainer.iterate()
    kept, memory = split_state(model)
    state = {name: value.clone() for name, value in {**trainer.state(), **memory}.items()}
    model_state = {name: value.clone() for name, value in kept.items()}
    trainer.iterate()

    again, resumed = make()
    fresh = {f"memory/{name}": value for name, value in again.state_dict().items() if "memory" in name}
    before = {**resumed.state(), **fresh}
    mixed = {name: value for name, value in state.items() if not name.startswith(lost)}
    mixed |= {name: value for name, value in before.items() if name.startswith(lost)}
    load_state(again, {**model_state, "regularizer.part0.memory.codes": next(
        value for name, value in mixed.items() if name.startswith("memory/"))})  # fmt: skip
    resumed.load_state(mixed, 3)
    resumed.iterate()
    assert not (same(state_of(again), state_of(model)) and same(resumed.state(), trainer.state()))


# -- numbers


def test_terms_are_logged_by_phase_averaged_over_an_iterations_turns():
    part = pulling("pull")
    trainer = trainer_of(autoencoder(part), "batch autoencoder 2*(pull)")
    numbers = trainer.iterate(record=True)
    assert numbers["pull/pull"] == pytest.approx((0.5 + 0.5 * 0.81) / 2)
    assert set(numbers) == {"autoencoder/squares", "pull/pull"} and trainer.iterate() == {}


def test_a_loss_that_is_not_finite_raises_with_phase_and_term():
    def loss(part, step):
        return {"fine": part.own**2, "steep": part.own / (0.0 if step.number == 1 else 1.0)}

    trainer = trainer_of(autoencoder(losing("climb", loss)), "batch autoencoder climb")
    trainer.iterate(record=True)
    with pytest.raises(DivergedError, match="climb/steep is inf at step 2") as err:
        trainer.iterate(record=True)
    assert err.value.exit_code == 4 and "clip" in err.value.fix


def test_a_weight_that_is_not_finite_is_named():
    model = autoencoder()
    trainer = trainer_of(model)
    trainer.check_weights()
    with torch.no_grad():
        model.decoder.net[0].bias[1] = math.nan
    with pytest.raises(DivergedError, match=r"decoder\.net\.0\.bias is nan"):
        trainer.check_weights()


def test_the_model_may_be_trained_by_two_trainers_in_turn():
    """Nothing of a trainer stays behind in the model: hooks, gradients or modes."""
    model = autoencoder()
    trainer_of(model).iterate()
    trainer_of(model).iterate()
    assert model.training and all(weight.grad is None for weight in model.parameters())


def test_a_reconstruction_without_terms_is_no_autoencoder_phase():
    with pytest.raises(ConfigError, match="no phase moves the weight encoder"):
        trainer_of(autoencoder(reconstruction=Reconstruction()))
