"""Seconds per step: this trainer against a hand-written loop with the same networks and mathematics.

Both run interleaved in one process, block by block in turn, so that a machine whose speed drifts drifts for
both. Each loop has a model of its own with equal weights, the same batches and the same fused Adam.

    python benchmarks/overhead.py [--blocks 15] [--threads 2]

The plain loops are frozen: they are the yardstick, and are not tuned together with the trainer.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from aezoo.data.loading import load_data
from aezoo.data.resident import Resident
from aezoo.resolve import resolve
from aezoo.training.assemble import prepare
from aezoo.training.trainer import Trainer
from aezoo.verbs.allocator import keep_memory

LOG_EVERY = 10
CPU = torch.device("cpu")


def adam(lr: float, betas: tuple[float, float], *modules: nn.Module) -> torch.optim.Adam:
    weights = [weight for module in modules for weight in module.parameters()]
    return torch.optim.Adam(weights, lr=lr, betas=betas, fused=True)


def plain_vae(model: nn.Module, batches: Resident) -> Callable[[int], None]:
    """A VAE with Bernoulli likelihood, as one would write it for one paper."""
    optimizer = adam(1e-3, (0.9, 0.999), model.encoder, model.decoder)
    generator = torch.Generator().manual_seed(0)

    def step(number: int) -> None:
        x = batches.batch(number)
        posterior = model.encoder(x, generator)
        x_hat = model.decoder(posterior.z).clamp(1e-7, 1 - 1e-7)
        nll = binary_cross_entropy(x_hat, x, reduction="sum") / len(x)
        variance = posterior.log_var.exp()
        kl = 0.5 * (posterior.mean.square() + variance - posterior.log_var - 1).sum(1).mean()
        optimizer.zero_grad(set_to_none=True)
        (nll + kl).backward()
        optimizer.step()
        if number % LOG_EVERY == 0:
            _ = nll.item(), kl.item()

    return step


def penalty(critic: nn.Module, a: Tensor, b: Tensor, generator: torch.Generator) -> Tensor:
    alpha = torch.rand(len(a), *[1] * (a.dim() - 1), generator=generator)
    x = (alpha * a + (1 - alpha) * b).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def plain_flexae_sr(model: nn.Module, batches: Resident) -> Callable[[int], None]:
    """FlexAE-SR with every pass reused that can be: 12 encoder passes, 7 decoder passes an iteration."""
    encoder, decoder, prior = model.encoder, model.decoder, model.prior
    critic, image_critic = model.regularizer["wgan"].critic, model.regularizer["interp"].critic
    autoencoder_adam = adam(1e-3, (0.9, 0.999), encoder, decoder)
    critic_adam = adam(5e-4, (0.0, 0.9), critic)
    image_adam = adam(1e-3, (0.5, 0.9), image_critic)
    smoothing_adam = adam(1e-3, (0.5, 0.9), encoder, decoder)
    prior_adam = adam(5e-4, (0.0, 0.9), prior)
    encoder_adam = adam(1e-4, (0.0, 0.9), encoder)
    encoder_weights = list(encoder.parameters())
    generator = torch.Generator().manual_seed(0)

    def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
        weights = [weight for group in optimizer.param_groups for weight in group["params"]]
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    def passes(x: Tensor, partner: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z, z_partner = encoder(x).z, encoder(partner).z
        z_prior = prior.sample(len(x), generator)
        gamma = torch.rand(len(x), 1, generator=generator)
        return z, z_prior, decoder(gamma * z + (1 - gamma) * z_partner)

    def step(number: int) -> None:
        draw = number * 6
        x = batches.batch(draw)
        mse = (x - decoder(encoder(x).z)).square().flatten(1).sum(1).mean()
        update(autoencoder_adam, mse)
        for round_ in range(5):
            draw += 1
            x = batches.batch(draw)
            with torch.set_grad_enabled(round_ == 4):  # only the last round's passes are trained through
                z, z_prior, x_inp = passes(x, batches.batch(draw, 1))
            low, high = critic(torch.cat([z_prior.detach(), z.detach()])).chunk(2)
            gap = low.mean() - high.mean()
            update(critic_adam, gap + 10 * penalty(critic, z.detach(), z_prior.detach(), generator))
            low, high = image_critic(torch.cat([x_inp.detach(), x])).chunk(2)
            image_gap = low.mean() - high.mean()
            update(image_adam, image_gap + 10 * penalty(image_critic, x, x_inp.detach(), generator))
        smoothing = -image_critic(x_inp).mean()
        update(smoothing_adam, smoothing)
        prior_loss = -critic(z_prior).mean()
        with torch.no_grad():
            decoder(z_prior)  # the decoder's BatchNorm sees the prior's codes
        update(prior_adam, prior_loss)
        encoder_loss = critic(encoder(x).z).mean()
        for weight, gradient in zip(
            encoder_weights, torch.autograd.grad(encoder_loss, encoder_weights), strict=True
        ):
            weight.grad = gradient
        encoder_adam.step()
        encoder_adam.zero_grad(set_to_none=True)
        if number % LOG_EVERY == 0:
            _ = [term.item() for term in (mse, gap, image_gap, smoothing, prior_loss, encoder_loss)]

    return step


CASES = {
    "vae at 1x28x28": ("vae", ("dataset.image_size=28",), plain_vae, 40),
    "flexae-sr on digits, 1x8x8": ("flexae-sr", (), plain_flexae_sr, 10),
}


def measure(case: str, blocks: int) -> dict[str, float]:
    """Seconds per step of both loops, and the median ratio of neighbouring blocks."""
    recipe, sets, plain, length = CASES[case]
    config = resolve(recipe, sets=sets)
    data = load_data(config)
    ours, theirs = (prepare(config, data)[1] for _ in range(2))
    ours.model.train()
    theirs.model.train()
    trainer = Trainer(
        ours.model, ours.phases, ours.schedule, _batches(config, data), optimizers=ours.optimizers
    )
    plain_step = plain(theirs.model, _batches(config, data))

    def run_ours(first: int) -> None:
        for number in range(first, first + length):
            trainer.iterate(record=number % LOG_EVERY == 0)

    def run_plain(first: int) -> None:
        for number in range(first, first + length):
            plain_step(number)

    times: dict[str, list[float]] = {"ours": [], "plain": []}
    for block in range(blocks + 1):
        order = [("ours", run_ours), ("plain", run_plain)]
        for name, run in order if block % 2 else order[::-1]:
            begun = time.perf_counter()
            run(block * length)
            times[name].append((time.perf_counter() - begun) / length)
    ours_s, plain_s = times["ours"][1:], times["plain"][1:]  # the first block warms up
    ratios = sorted(a / b for a, b in zip(ours_s, plain_s, strict=True))
    return {
        "ours": statistics.median(ours_s),
        "plain": statistics.median(plain_s),
        "ratio": statistics.median(ratios),
        "low": ratios[len(ratios) // 4],
        "high": ratios[-1 - len(ratios) // 4],
    }


def _batches(config, data) -> Resident:  # type: ignore[no-untyped-def]
    return Resident(data, data.train, config.train.batch_size, seed=0, device=CPU)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blocks", type=int, default=15, help="counted blocks of each loop")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_memory()
    print(f"torch {torch.__version__}, Python {platform.python_version()}, {options.threads} threads")
    print("| case | aezoo, ms/step | plain loop, ms/step | ratio, median | middle half of ratios |")
    print("| --- | --- | --- | --- | --- |")
    for case in CASES:
        found = measure(case, options.blocks)
        print(
            f"| {case} | {found['ours'] * 1e3:.2f} | {found['plain'] * 1e3:.2f} | {found['ratio']:.3f} "
            f"| {found['low']:.3f} to {found['high']:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
