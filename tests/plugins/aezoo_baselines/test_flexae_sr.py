"""FlexAE-SR under the one trainer is the published loop, in no more passes than needed."""

import pytest
import torch

from aezoo.config.optimizer import OptimizerConfig
from aezoo.data.resident import Resident
from aezoo.functional.interpolation import interpolate
from aezoo.functional.penalties import gradient_penalty
from aezoo.parts.types import Data, Split
from aezoo.randomness import generator_for
from tests.toyparts import B, flexae_sr, same, trainer_of, weights_of

SEED, BATCHES = 7, 6  # batches an iteration draws
SHAPE = (1, 4, 4)
RATES = {  # the released code's
    "autoencoder": (2e-4, (0.9, 0.999)),
    "latent_critic": (1e-4, (0.0, 0.9)),
    "image_critic": (2e-4, (0.5, 0.9)),
    "smoothing": (2e-4, (0.5, 0.9)),
    "prior": (2e-4, (0.0, 0.9)),
    "encoder": (1e-5, (0.0, 0.9)),
}
OPTIMIZERS = {name: OptimizerConfig(lr=lr, betas=betas) for name, (lr, betas) in RATES.items()}


def resident():
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(256, (37, *SHAPE), generator=generator, dtype=torch.uint8)  # no multiple of B
    data = Data("toy", SHAPE, (0.0, 1.0), Split(values), Split(values), scale=1 / 255)
    return Resident(data, data.train, B, seed=SEED, device=torch.device("cpu"))


def adam(phase, *modules):
    lr, betas = RATES[phase]
    weights = [weight for module in modules for weight in module.parameters()]
    return torch.optim.Adam(weights, lr, betas, fused=True), weights


def plain_loop(model, batches, iterations):
    """The published order of updates; every pass is recomputed wherever it is read."""
    encoder, decoder, prior = model.encoder, model.decoder, model.prior
    latent, image = model.regularizer["wgan"].critic, model.regularizer["interp"].critic
    autoencoder = adam("autoencoder", encoder, decoder)
    latent_critic, image_critic = adam("latent_critic", latent), adam("image_critic", image)
    smoothing = adam("smoothing", encoder, decoder)
    generating, encoding = adam("prior", prior), adam("encoder", encoder)

    def move(player, loss):
        optimizer, weights = player
        for weight, gradient in zip(
            weights, torch.autograd.grad(loss, weights, allow_unused=True), strict=True
        ):
            weight.grad = gradient
        optimizer.step()

    def uniform(position, key):
        return torch.rand(B, generator=generator_for("cpu", SEED, number, position, key))

    def z_prior():
        return prior.sample(B, generator_for("cpu", SEED, number, drawn, "z_prior"))

    def x_inp():
        return decoder(interpolate(encoder(x).z, encoder(other).z, uniform(drawn, "x_inp")))

    def critic_loss(critic, real, fake, alpha):
        low, high = critic(torch.cat([fake, real])).chunk(2)
        return low.mean() - high.mean() + 10.0 * gradient_penalty(critic, real, fake, alpha).mean()

    for number in range(iterations):
        x = batches.batch(number * BATCHES)
        move(autoencoder, (x - decoder(encoder(x).z)).square().flatten(1).sum(1).mean())
        for repeat in range(5):
            drawn = 2 + 3 * repeat  # where the schedule draws this round's batch
            x, other = (batches.batch(number * BATCHES + 1 + repeat, stream) for stream in (0, 1))
            alpha = uniform(drawn + 1, "latent_critic")
            move(latent_critic, critic_loss(latent, encoder(x).z.detach(), z_prior().detach(), alpha))
            alpha = uniform(drawn + 2, "image_critic")
            move(image_critic, critic_loss(image, x, x_inp().detach(), alpha))
        move(smoothing, -image(x_inp()).mean())
        move(generating, -latent(z_prior()).mean())
        move(encoding, latent(encoder(x).z).mean())


def test_five_iterations_are_bitwise_those_of_a_loop_that_recomputes_every_pass():
    model, plain = flexae_sr(SHAPE), flexae_sr(SHAPE)
    start = weights_of(model)
    trainer = trainer_of(model, batches=resident(), seed=SEED, optimizers=OPTIMIZERS)
    for _ in range(5):
        trainer.iterate()
    plain_loop(plain, resident(), 5)
    assert same(weights_of(model), weights_of(plain)) and not same(weights_of(model), start)


class Passes:
    """Counts a network's forward passes, those with a graph, and gradients that arrive at its outputs."""

    def __init__(self, module):
        self.forward = self.graphs = self.backward = 0
        module.register_forward_hook(self._seen)

    def _seen(self, module, inputs, output):
        z = getattr(output, "z", output)
        self.forward += 1
        if z.requires_grad:
            self.graphs += 1
            z.register_hook(self._gradient)

    def _gradient(self, gradient):
        self.backward += 1

    def __iter__(self):
        return iter((self.forward, self.graphs, self.backward))


@pytest.fixture(params=["conv", "flexae"])
def normalised(request):
    """FlexAE-SR on a backbone with BatchNorm, after two iterations."""
    model = flexae_sr((1, 8, 8), backbone=request.param)
    counts = [Passes(part) for part in (model.encoder, model.decoder, model.prior.net)]
    trainer = trainer_of(model)
    for _ in range(2):
        trainer.iterate()
    return model, counts


def test_an_iteration_makes_the_least_passes(normalised):
    _, (encoder, decoder, prior) = normalised
    per_iteration = [tuple(count / 2 for count in counts) for counts in (encoder, decoder, prior)]
    assert per_iteration == [(12, 4, 4), (6 + 1, 2, 2), (5, 1, 1)]  # forward, with a graph, backward


def test_only_passes_that_train_and_one_of_the_priors_codes_reach_the_running_statistics(normalised):
    model, _ = normalised

    def tracked(part):
        counts = {int(v) for name, v in part.state_dict().items() if name.endswith("num_batches_tracked")}
        assert len(counts) == 1
        return counts.pop() / 2

    assert tracked(model.encoder) == 4 and tracked(model.decoder) == 2 + 1


def test_the_priors_codes_need_not_be_shown_to_the_decoder():
    model = flexae_sr((1, 8, 8), backbone="conv", divergence={"name": "wgan", "show_prior": False})
    counts = Passes(model.decoder)
    trainer_of(model).iterate()
    assert tuple(counts) == (6, 2, 2)


def test_without_batch_norm_the_priors_codes_are_not_decoded():
    model = flexae_sr(SHAPE)
    counts = Passes(model.decoder)
    trainer_of(model).iterate()
    assert tuple(counts) == (6, 2, 2)
