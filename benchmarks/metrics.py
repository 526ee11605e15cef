"""Seconds and memory of the measures on features, against what else computes them, side by side in one run.

Contestants take turns block by block, so that a machine whose speed drifts drifts for all of them. Each call
has a process of its own, so that its peak memory is its own; imports and first calls come before the clock.

    python benchmarks/metrics.py [--size small|full] [--only frechet prd nearest] [--blocks 3] [--threads 2]

Full size takes about an hour on two cores, nearly all of it in scipy's sqrtm and in plain PRD. The plain
algorithms are frozen: they are the yardstick, and are not tuned together with the package.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the parent stays light: on Linux a child's peak starts from its parent's size
    from torch import Tensor

Call = Callable[["Tensor", "Tensor"], list[float]]
COPIES = 100  # rows of a that are rows of b too


def frechet_aezoo(a: Tensor, b: Tensor) -> list[float]:
    from aezoo.metrics import frechet_distance

    return [frechet_distance(a, b)]


def frechet_statistics(a: Tensor, b: Tensor) -> list[float]:
    from aezoo.metrics import Statistics, frechet_from_statistics

    return [frechet_from_statistics(Statistics.of(a), Statistics.of(b))]


def frechet_fidelity(a: Tensor, b: Tensor) -> list[float]:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    first, second = (fid_features_to_statistics(rows.double()) for rows in (a, b))
    return [fid_statistics_to_metric(first, second, False)["frechet_inception_distance"]]


def frechet_sqrtm(a: Tensor, b: Tensor) -> list[float]:
    """As in pytorch-fid."""
    import numpy as np
    from scipy.linalg import sqrtm

    x, y = a.double().numpy(), b.double().numpy()
    gap, s, t = x.mean(0) - y.mean(0), np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    return [float(gap @ gap + np.trace(s) + np.trace(t) - 2 * np.trace(sqrtm(s @ t).real))]


def prd_aezoo(a: Tensor, b: Tensor) -> list[float]:
    return _prd(a, b, fast=False)


def prd_fast(a: Tensor, b: Tensor) -> list[float]:
    return _prd(a, b, fast=True)


def _prd(a: Tensor, b: Tensor, *, fast: bool) -> list[float]:
    from aezoo.metrics import prd

    found = prd(a, b, fast=fast)
    return [found.f8, found.f1_8, *found.precision.tolist(), *found.recall.tolist()]


def prd_plain(a: Tensor, b: Tensor) -> list[float]:
    """The authors' code in short, with a seed so that its curve can be compared."""
    import numpy as np
    from sklearn.cluster import MiniBatchKMeans

    union = np.vstack([a.double().numpy(), b.double().numpy()])
    slopes = np.tan(np.linspace(1e-10, np.pi / 2 - 1e-10, 1001))
    draw, curves = np.random.RandomState(0), []
    for _ in range(10):
        labels = MiniBatchKMeans(n_clusters=20, n_init=10, random_state=draw).fit(union).labels_
        p = np.histogram(labels[: len(a)], bins=20, range=[-0.5, 19.5], density=True)[0]
        q = np.histogram(labels[len(a) :], bins=20, range=[-0.5, 19.5], density=True)[0]
        precision = np.minimum(q * slopes[:, None], p).sum(1)
        curves.append(np.clip([precision, precision / slopes], 0, 1))
    precision, recall = np.mean(curves, axis=0)

    def largest(beta: float) -> float:
        f = (1 + beta**2) * precision * recall / (beta**2 * precision + recall + 1e-10)
        return float(f.max())

    return [largest(8), largest(1 / 8), *precision.tolist(), *recall.tolist()]


def nearest_aezoo(a: Tensor, b: Tensor) -> list[float]:
    from aezoo.metrics import nearest_distances

    return _nearest(nearest_distances(a, b)[0])


def nearest_cdist(a: Tensor, b: Tensor) -> list[float]:
    import torch

    return _nearest(torch.cat([torch.cdist(part, b).min(1).values for part in a.split(1000)]))


def nearest_sklearn(a: Tensor, b: Tensor) -> list[float]:
    from sklearn.metrics import pairwise_distances_argmin_min

    return _nearest(pairwise_distances_argmin_min(a.numpy(), b.numpy())[1])


def _nearest(distances: Tensor) -> list[float]:
    """The largest distance said of a copy, which is 0 in truth, and then all."""
    return [float(distances[:COPIES].max()), *(float(distance) for distance in distances)]


@dataclass(frozen=True)
class Group:
    """Contestants for one measure, ours first.

    says:   what the first value of each is
    sizes:  rows and columns of both sets, by --size
    """

    says: str
    sizes: dict[str, tuple[int, int]]
    contestants: dict[str, Call]


GROUPS = {
    "frechet": Group(
        "distance",
        {"small": (600, 256), "full": (5000, 2048)},
        {
            "aezoo": frechet_aezoo,
            "aezoo, from statistics": frechet_statistics,
            "torch-fidelity": frechet_fidelity,
            "scipy sqrtm": frechet_sqrtm,
        },
    ),
    "prd": Group(
        "F8",
        {"small": (1000, 256), "full": (10_000, 2048)},
        {"aezoo": prd_aezoo, "aezoo, fast": prd_fast, "plain": prd_plain},
    ),
    "nearest": Group(
        "distance of a copy",
        {"small": (2000, 256), "full": (10_000, 2048)},
        {"aezoo": nearest_aezoo, "torch.cdist": nearest_cdist, "scikit-learn": nearest_sklearn},
    ),
    # only when named: 4 GiB must do, and nobody else's form can be waited for
    "frechet-pixels": Group(
        "distance", {"small": (500, 1200), "full": (10_000, 12_288)}, {"aezoo": frechet_aezoo}
    ),
}
USUAL = ("frechet", "prd", "nearest")


def sets(rows: int, width: int) -> tuple[Tensor, Tensor]:
    """Two mixtures of ten normals in float32, the variances falling by column as those of features do."""
    import torch

    draw = torch.Generator().manual_seed(0)
    spread = torch.logspace(0, -2, width)
    centres = 2 * torch.randn(10, width, generator=draw) * spread

    def one(modes: int) -> Tensor:
        chosen = torch.randint(modes, (rows,), generator=draw)
        return centres[chosen] + torch.randn(rows, width, generator=draw) * spread

    a, b = one(8), one(10)
    copies = min(COPIES, rows)
    a[:copies] = b[:copies]
    return a, b


def measure(group: str, name: str, size: str) -> dict[str, object]:
    """One call, in this process: seconds, peak memory of the process, and what was there before the call."""
    call = GROUPS[group].contestants[name]
    a, b = sets(*GROUPS[group].sizes[size])
    call(a[:64, :8], b[:64, :8])
    before, begun = _peak(), time.perf_counter()
    values = call(a, b)
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "peak": _peak(), "before": before, "values": values}


def _peak() -> float:
    """MiB."""
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def apart(group: str, name: str, size: str, threads: int) -> dict[str, object] | str:
    """`measure` in a new process; why not, where it fails."""
    command = [sys.executable, __file__, "--call", group, name, "--size", size]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    found: dict[str, object] = json.loads(done.stdout)
    return found


def compare(group: str, size: str, blocks: int, threads: int) -> None:
    """Prints a row per contestant."""
    names = list(GROUPS[group].contestants)
    found: dict[str, list] = {name: [] for name in names}
    for block in range(blocks):
        for name in names if block % 2 else names[::-1]:
            found[name].append(apart(group, name, size, threads))
    rows, width = GROUPS[group].sizes[size]
    ours = found[names[0]]
    for name in names:
        failed = [why for why in found[name] if isinstance(why, str)]
        cells = [f"failed: {failed[0]}"] if failed else _cells(found[name], ours)
        print("|", " | ".join([f"{group}, {rows} x {width}", name, *cells]), "|", flush=True)


def _cells(theirs: list, ours: list) -> list[str]:
    seconds = statistics.median(call["seconds"] for call in theirs)
    peak = max(call["peak"] for call in theirs)
    rise = max(call["peak"] - call["before"] for call in theirs)
    cells = [f"{seconds:.2f}", f"{peak:.0f}", f"{rise:.0f}", f"{theirs[0]['values'][0]:.10g}"]
    if any(isinstance(call, str) for call in ours):
        return cells
    ratio = statistics.median(b["seconds"] / a["seconds"] for a, b in zip(ours, theirs, strict=True))
    pairs = zip(ours[0]["values"], theirs[0]["values"], strict=True)
    return [*cells, f"{ratio:.2f}", f"{max(abs(a - b) for a, b in pairs):.1e}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=("small", "full"), default="full")
    parser.add_argument("--only", nargs="+", choices=GROUPS, default=USUAL, help="measures")
    parser.add_argument("--blocks", type=int, default=3, help="counted calls of each contestant")
    parser.add_argument("--threads", type=int, default=2, help="threads of every library")
    parser.add_argument("--call", nargs=2, help=argparse.SUPPRESS)  # one contestant, in this process
    options = parser.parse_args()
    if options.call:
        print(json.dumps(measure(*options.call, options.size)))
        return
    print(f"Python {platform.python_version()}, {options.threads} threads, {options.blocks} blocks")
    for group in options.only:
        says = GROUPS[group].says
        print(
            f"\n| measure | by | s | peak, MiB | of it the call's | {says} | s / aezoo's | off by at most |"
        )
        print("| --- " * 8 + "|")
        compare(group, options.size, options.blocks, options.threads)


if __name__ == "__main__":
    main()
