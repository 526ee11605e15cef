"""How the classifiers were trained: `python -m aezoo_extractors.training NAME`.

Only the train part is trained on, and the test part is looked at once, at the end: nothing is chosen by it.
On one machine, with one version of torch, the same bytes come out each time. Other processors add in another
order, and end in other weights of about the same accuracy.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import tomli_w
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.lr_scheduler import OneCycleLR

from aezoo.api import Data, Split, load_dataset
from aezoo_extractors.network import Network, fresh
from aezoo_extractors.weights import TABLE, Trained, pack, table, unpack

THREADS = 1  # how sums are split among threads changes their last bits


@dataclass(frozen=True)
class Recipe:
    """A training.

    widths:     maps of the stem and of each halving; the last is the number of features
    lr:         at its peak, a third of the way; it rises and falls linearly
    crop:       images are shifted by up to so many pixels, zeros moving in
    flip:       half of the images are mirrored
    precision:  of the convolutions while training
    """

    dataset: str
    widths: tuple[int, ...]
    epochs: int
    lr: float = 0.2
    batch: int = 128
    momentum: float = 0.9
    weight_decay: float = 5e-4
    crop: int = 2
    flip: bool = False
    precision: str = "bf16"
    seed: int = 0


RECIPES = {
    "classifier-digits": Recipe(
        "digits", widths=(16, 32), epochs=40, lr=0.1, batch=64, crop=1, precision="fp32"
    ),
    "classifier-mnist": Recipe("mnist", widths=(16, 32, 64), epochs=4),
    "classifier-fashion-mnist": Recipe("fashion-mnist", widths=(16, 32, 64), epochs=10, flip=True),
    "classifier-cifar10": Recipe("cifar10", widths=(16, 32, 64, 96), epochs=15, crop=4, flip=True),
}


# --- training


def train(recipe: Recipe, data: Data, *, quiet: bool = False) -> Network:
    """The network after its last epoch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    network = fresh(data.shape[0], recipe.widths, len(data.classes), generator)
    network = network.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=True,
    )
    steps = recipe.epochs * (len(data.train) // recipe.batch)
    schedule = OneCycleLR(optimizer, recipe.lr, total_steps=steps, pct_start=1 / 3, anneal_strategy="linear")
    for epoch in range(recipe.epochs):
        begin, total = time.monotonic(), 0.0
        for x, labels in _minibatches(recipe, data, generator):
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.precision == "bf16"):
                logits = network(x)
            loss = F.cross_entropy(logits.float(), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        if not quiet:
            mean = total * recipe.batch / len(data.train)
            print(f"epoch {epoch + 1}: loss {mean:.4f}, {time.monotonic() - begin:.0f} s", flush=True)
    return network.eval()


def _minibatches(recipe: Recipe, data: Data, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order, the incomplete last minibatch left out."""
    values, labels = _rows(data.train)
    for index in torch.randperm(len(values), generator=generator).split(recipe.batch):
        if len(index) < recipe.batch:
            return
        x = shift(values[index], recipe.crop, generator)
        if recipe.flip:
            mirrored = torch.rand(len(x), generator=generator) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        yield data.x(x).contiguous(memory_format=torch.channels_last), labels[index]


def shift(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Images [B, C, H, W], each moved by -most..most pixels both ways; zeros come in from outside."""
    rows, channels, height, width = x.shape
    corner = torch.randint(0, 2 * most + 1, (2, rows, 1), generator=generator)
    down = corner[0] + torch.arange(height)  # [B, H]
    right = corner[1] + torch.arange(width)  # [B, W]
    padded = F.pad(x, (most,) * 4)
    image = torch.arange(rows)[:, None, None, None]
    channel = torch.arange(channels)[:, None, None]
    return padded[image, channel, down[:, None, :, None], right[:, None, None, :]]


@torch.no_grad()
def accuracy(network: Network, data: Data, split: Split) -> float:
    """Share of the rows that the network in evaluation mode gets right."""
    values, labels = _rows(split)
    right = [
        (network(data.x(x)).argmax(1) == y).sum()
        for x, y in zip(values.split(256), labels.split(256), strict=True)
    ]
    return int(torch.stack(right).sum()) / len(labels)


def _rows(split: Split) -> tuple[Tensor, Tensor]:
    assert isinstance(split.values, Tensor) and split.labels is not None, "a set of images with classes"
    return split.values, split.labels


# --- files


def make(name: str, recipe: Recipe, data: Data, *, quiet: bool = False) -> tuple[bytes, Trained]:
    """A weights file, and what is read back from it; its header holds the accuracy of just these weights."""
    network = train(recipe, data, quiet=quiet)
    header: dict[str, Any] = {
        "name": name,
        "shape": list(data.shape),
        "widths": list(recipe.widths),
        "classes": len(data.classes),
        "recipe": asdict(recipe),
        "train_rows": len(data.train),
        "train_sha256": _digest(data.train),
    }
    header["accuracy"] = accuracy(unpack(pack(network, header)).network, data, data.test)
    content = pack(network, header)
    return content, unpack(content)


def _digest(split: Split) -> str:
    values, labels = _rows(split)
    digest = hashlib.sha256(values.contiguous().numpy().tobytes())
    digest.update(labels.contiguous().numpy().tobytes())
    return digest.hexdigest()


def describe(trained: Trained, data: Data, size: int, seconds: float) -> dict[str, Any]:
    """What weights.toml says of a file."""
    header = trained.header
    return {
        "sha256": trained.sha256,
        "bytes": size,
        "accuracy": header["accuracy"],
        "test_rows": len(data.test),
        "train_rows": header["train_rows"],
        "train_sha256": header["train_sha256"],
        "recipe": header["recipe"],
        "threads": THREADS,
        "seconds": round(seconds),
        "torch": torch.__version__,
        "cpu": processor(),
    }


def processor() -> str:
    """What decides, besides the version of torch, how sums are rounded."""
    names = Path("/proc/cpuinfo")
    lines = names.read_text(encoding="utf-8").splitlines() if names.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{models[0] if models else platform.processor()}, {torch.backends.cpu.get_cpu_capability()}"


def _commit() -> str:
    """Of the checkout that trains; with `+` where files differ from it."""
    command = ["git", "describe", "--always", "--abbrev=12", "--dirty=+", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True, timeout=60
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.strip()


def write(name: str, content: bytes, entry: dict[str, Any], folder: Path) -> None:
    """The file, and its entry in the table beside it."""
    (folder / "weights").mkdir(parents=True, exist_ok=True)
    (folder / "weights" / f"{name}.safetensors").write_bytes(content)
    known = {**table(), name: entry}
    ordered = {one: known[one] for one in RECIPES if one in known}
    text = f"# Written by aezoo_extractors.training.\n\n{tomli_w.dumps(ordered)}"
    (folder / TABLE).write_text(text, encoding="utf-8")


# --- the command


def main(arguments: Sequence[str] | None = None) -> int:
    """Train one classifier and put its weights into the package, or into --out."""
    parser = argparse.ArgumentParser(prog="python -m aezoo_extractors.training", description=main.__doc__)
    parser.add_argument("name", choices=list(RECIPES))
    parser.add_argument("--dataset", help="another source of the same images, such as npz:cifar10.npz")
    parser.add_argument("--data-root", help="folder that holds the datasets; otherwise $AEZOO_DATA")
    parser.add_argument("--epochs", type=int, help="another number of epochs")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder for the files")
    given = parser.parse_args(arguments)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    recipe = RECIPES[given.name]
    recipe = replace(recipe, epochs=given.epochs or recipe.epochs)
    place = {"root": given.data_root} if given.data_root else {}
    data = load_dataset(given.dataset or recipe.dataset, **place)
    begin, commit = time.monotonic(), _commit()
    content, trained = make(given.name, recipe, data)
    entry = describe(trained, data, len(content), time.monotonic() - begin) | {"commit": commit}
    write(given.name, content, entry, given.out)
    print(f"{given.name}: test accuracy {entry['accuracy']:.4f}, {len(content)} bytes, {entry['seconds']} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
