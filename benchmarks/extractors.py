"""How far extractors order sets of images as a classifier of these images does: `docs/extractors.md`.

    python benchmarks/extractors.py RUN... --classifier classifier-mnist [--extractor random-conv]...

RUNs are of one dataset, whose classifier says the order. Beside their samples and reconstructions stand sets
that nobody trained: a normal distribution of pixels, principal components, and training images that are
blurred, noised or mixed. Printed are the Frechet distances, Spearman's correlation with the classifier's, and
the share of pairs that both order alike, of those that the classifier tells apart by a quarter or more.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import torch
from scipy.stats import spearmanr
from torch import Tensor
from torchvision.transforms.functional import gaussian_blur

import aezoo
from aezoo.data.loading import load_data
from aezoo.evaluation.choosing import named_spaces
from aezoo.evaluation.sets import Sets, as_bytes
from aezoo.evaluation.space import Space
from aezoo.metrics import frechet_distance
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir

CLEAR = 1.25  # ratio of distances from which the classifier is taken at its word


def main() -> None:
    options = _options()
    config = read_config(RunDir(options.runs[0]))
    data = load_data(config)
    sets: dict[str, Tensor] = {}
    for run in options.runs:
        made = Sets(aezoo.load(run), data, n=options.n)
        sets |= {f"{run.name}: {of}": made.rows(of) for of in ("generation", "reconstruction")}
    sets |= {of: made.rows(of) for of in ("floor", "gaussian")} | spoilt(made.rows("train-2"))
    names = [options.classifier, *options.extractor]
    spaces = named_spaces(names, config, data, torch.device("cpu"))
    found = {name: distances(space, sets, made.rows("test")) for name, space in spaces.items()}
    truth = found[options.classifier]
    for name in sorted(sets, key=truth.__getitem__):
        print(f"{name:<40}" + "".join(f"{found[space][name]:>16.3f}" for space in names))
    for space in options.extractor:
        rho, share = agreement(found[space], truth)
        print(f"{space}: correlation of ranks {rho:.2f}, pairs ordered alike {share:.0%}")


def distances(space: Space, sets: dict[str, Tensor], real: Tensor) -> dict[str, float]:
    features = space.features(real)
    return {name: frechet_distance(space.features(rows), features) for name, rows in sets.items()}


def agreement(found: dict[str, float], truth: dict[str, float]) -> tuple[float, float]:
    """Correlation of ranks, and the share of clear pairs that are ordered alike."""
    pairs = [
        (found[a] < found[b]) == (truth[a] < truth[b])
        for a, b in combinations(truth, 2)
        if max(truth[a], truth[b]) > CLEAR * min(truth[a], truth[b])
    ]
    rho = spearmanr([found[name] for name in truth], list(truth.values())).statistic
    return float(rho), sum(pairs) / len(pairs)


def spoilt(rows: Tensor) -> dict[str, Tensor]:
    """Training images that are no longer what they were: uint8 [N, C, H, W] each."""
    x = rows.float() / 255
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
    made = {
        "blurred": gaussian_blur(x, [9, 9], [1.0, 1.0]),
        "blurred more": gaussian_blur(x, [9, 9], [2.0, 2.0]),
        "noised": x + 0.1 * noise,
        "mixed pairs": (x + x.roll(1, 0)) / 2,
    }
    flat, mean = x.flatten(1), x.flatten(1).mean(0)
    _, spread, directions = torch.linalg.svd(flat - mean, full_matrices=False)
    for count in (16, 64):
        axes, width = directions[:count], spread[:count] / len(x) ** 0.5
        made[f"{count} components"] = (mean + (flat - mean) @ axes.T @ axes).view_as(x)
        drawn = noise.flatten(1)[:, :count] * width
        made[f"normal distribution of {count} components"] = (mean + drawn @ axes).view_as(x)
    return {name: as_bytes(images, (0.0, 1.0)) for name, images in made.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--classifier", required=True)
    parser.add_argument("--extractor", action="append", default=[])
    parser.add_argument("-n", type=int, default=2000)
    found = parser.parse_args()
    found.extractor = found.extractor or ["random-conv", "pixels"]
    return found


if __name__ == "__main__":
    main()
