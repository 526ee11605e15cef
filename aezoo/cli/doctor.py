"""`aezoo doctor`: whether this installation can train."""

from __future__ import annotations

import platform
from importlib import import_module, metadata
from typing import Any

import typer

import aezoo
from aezoo.cli.output import Json, print_json, say
from aezoo.paths import cache_dir, is_writable
from aezoo.registry import registry

# Training imports these; the others are for further datasets and for evaluation.
NEEDED = ("torch", "numpy", "safetensors", "scikit-learn", "pillow", "matplotlib", "jinja2", "tomli-w")
WANTED = ("torchvision", "torch-fidelity")
MODULES = {
    "scikit-learn": "sklearn",
    "pillow": "PIL",
    "tomli-w": "tomli_w",
}  # where not the distribution's name


def doctor(as_json: Json = False) -> None:
    """Look at Python, the libraries, devices and plugins; exit 1 when something essential is missing."""
    report = examine()
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report["problems"]:
        raise typer.Exit(1)


def examine() -> dict[str, Any]:
    """What `aezoo doctor` reports. `problems` stop training, `warnings` may be missed later."""
    failures = {name: reason for name in NEEDED if (reason := _import_failure(name))}
    versions = {name: _version(name) for name in (*NEEDED, *WANTED)}
    failed = [record for record in registry.plugins() if record.status == "FAILED"]
    ours = [record for record in failed if record.distribution == registry.FIRST_PARTY]
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "aezoo": aezoo.__version__,
        "versions": versions,
        "devices": [] if "torch" in failures else _devices(),
        "threads": None if "torch" in failures else import_module("torch").get_num_threads(),
        "cache": {"path": str(cache_dir()), "writable": is_writable(cache_dir())},
        "failed_plugins": [
            {"name": record.name, "distribution": record.origin, "reason": record.reason} for record in failed
        ],
        "problems": [
            *(f"{name}: {reason}" for name, reason in failures.items()),
            *(f"plugin {record.name}: {record.reason}" for record in ours),
        ],
        "warnings": [
            *(f"{name} is not installed" for name in WANTED if versions[name] is None),
            *([] if is_writable(cache_dir()) else ["the cache is not writable; set AEZOO_CACHE"]),
        ],
    }


def _import_failure(name: str) -> str:
    """Why a library cannot be imported; empty when it can. A broken build may raise anything."""
    try:
        import_module(MODULES.get(name, name))
    except Exception as err:
        return f"{type(err).__name__}: {err}"
    return ""


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _devices() -> list[str]:
    import torch

    cuda = [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    return ["cpu", *cuda, *(["mps"] if torch.backends.mps.is_available() else [])]


def _print(report: dict[str, Any]) -> None:
    cache, failed = report["cache"], report["failed_plugins"]
    lines = [
        *((key, report[key]) for key in ("aezoo", "python", "platform")),
        *((name, version or "not installed") for name, version in report["versions"].items()),
        ("devices", ", ".join(report["devices"]) or "none"),
        ("threads", report["threads"] or "unknown"),
        ("cache", f"{cache['path']} ({'writable' if cache['writable'] else 'NOT writable'})"),
        *(("FAILED plugin", f"{one['name']} of {one['distribution']}: {one['reason']}") for one in failed),
        *(("warning", warning) for warning in report["warnings"]),
        *(("PROBLEM", problem) for problem in report["problems"]),
    ]
    for name, text in lines:
        say(f"{name:16}{text}")
    say("\nready to train" if not report["problems"] else "\nnot ready: mend the problems above")
