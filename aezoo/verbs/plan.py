"""What a training would do, without doing it."""

from __future__ import annotations

from typing import Any

from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.run import PARTS
from aezoo.data.loading import load_data
from aezoo.parts.interfaces import Phase, moved_weights
from aezoo.resolve import run_name
from aezoo.training.assemble import Assembly, prepare
from aezoo.verbs.finish import parameter_counts
from aezoo.verbs.train import TrainRequest


def plan(request: TrainRequest) -> dict[str, Any]:
    """What a training would do: parts, trainable weights, schedule, phases with their optimizers."""
    data = load_data(request.config) if request.data is None else request.data
    config, assembly = prepare(request.config, data, request.modules)
    counts = parameter_counts(assembly.model)
    parts = {section: getattr(config, section).name for section in PARTS}
    counts["divergence"] = counts.get(f"regularizer.{parts['divergence']}", 0)
    phases = {
        phase.name: {
            "weights": sum(weight.numel() for weight in moved_weights(phase)),
            "optimizer": _optimizer_words(assembly, phase),
            "role": phase.role,
        }
        for phase in assembly.phases
    }
    return {
        "run": run_name(config),
        "x": {
            "shape": list(data.shape),
            "range": data.range,
            "train": len(data.train),
            "test": len(data.test),
        },
        "parts": {
            **parts,
            **{f"regularizer.{label}": part.name for label, part in config.regularizer.items()},
        },
        "parameters": counts,
        "steps": config.train.steps,
        "schedule": assembly.schedule,
        "phases": phases,
    }


def _optimizer_words(assembly: Assembly, phase: Phase) -> str:
    if not isinstance(phase.optim, OptimizerConfig):
        return "steps the optimizers of " + ", ".join(phase.optim)
    settings = assembly.optimizers[phase.name]
    return f"{settings.name}, lr {settings.lr}"
