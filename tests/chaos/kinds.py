"""One kind of file after the other: how it is damaged, and who reads it."""

import io
import json
import random
import shutil
import struct
import sys
import tomllib
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import torch

import aezoo
from aezoo.comparison.compare import _progress_of, outcome
from aezoo.comparison.work import Task, is_measured
from aezoo.config.run import RunConfig
from aezoo.registry import catalogue, registry
from aezoo.registry.catalogue import ComponentInfo
from aezoo.report import of_runs, render
from aezoo.resolve import resolve
from aezoo.rundir.load import load
from aezoo.rundir.open import read_config
from aezoo.rundir.rundir import RunDir
from aezoo.tables.cell import Cell
from aezoo.tables.render import RENDERERS
from aezoo.tables.table import build
from aezoo.verbs.evaluate import evaluate
from aezoo.verbs.plan import plan
from aezoo.verbs.train import TrainRequest
from aezoo_datasets.npz import Npz
from tests.chaos.bench import Bench, Silent, attempt, bits, moment
from tests.chaos.mutations import as_json, as_toml, damaged, odd, reshaped
from tests.tiny import trained


def _mutant(
    content: bytes, rng: random.Random, read: Callable[[bytes], Any], write: Callable[[Any], bytes]
) -> bytes:
    """Half of them rotten bytes, half well-formed with other values."""
    return damaged(content, rng) if rng.random() < 0.5 else write(reshaped(read(content), rng))


# -- kinds of files ------------------------------------------------------------------------------------


def config(bench: Bench, rng: random.Random) -> str:
    """config.toml of a run: loaded, shown on a page, trained from."""
    whole = bench.whole["config.toml"]
    rotten = rng.random() < 0.5
    content = damaged(whole, rng) if rotten else as_toml(reshaped(_toml(whole), rng))
    with bench.with_file("config.toml", content):
        verdict, found = attempt(lambda: read_config(RunDir(bench.run)))
        if rotten and verdict == "accepted":
            _unless(found, bench.config, "config.toml")
        attempt(partial(rng.choice((_load, _page, _resolve, _plan)), bench.run))
        return verdict


def recipe(bench: Bench, rng: random.Random) -> str:
    """A recipe file of a user: resolved, and written and read as a run's; its reported numbers in a table."""
    file = bench.folder / "recipe.toml"
    info = rng.choice(registry.list_components("recipe"))
    content = registry.recipe_file(info).read_bytes()
    table = {**_toml(content), "base": rng.choice(("vae", "flexae"))} if rng.random() < 0.9 else MADE_UP
    if "base" in table and rng.random() < 0.5:
        table = {**table, "recipe": {**table.get("recipe", {}), "reported": REPORTED}}
    file.write_bytes(_mutant(as_toml(table), rng, _toml, as_toml))
    scale = rng.choice((None, "small", "paper"))
    verdict, found = attempt(lambda: resolve(file, scale=scale))
    if found is not None:
        written = RunDir(bench.folder / "written")
        written.write_config(found)
        _unless(read_config(written), found.model_copy(update={"inherited": ()}), "a resolved recipe")
        attempt(lambda: _tables(found, bench))
    return verdict


def results(bench: Bench, rng: random.Random) -> str:
    """results.json: on a page, in every table, asked by a comparison, added to by an evaluation."""
    whole = bench.whole["results.json"]
    content = _mutant(whole, rng, json.loads, as_json)
    with bench.with_file("results.json", content):
        verdict, found = attempt(lambda: RunDir(bench.run).read_results())
        if verdict == "accepted":
            _unless(found, bench.results, "results.json")
        use = _evaluate if rng.random() < 0.02 else rng.choice((_page, _measured, _every_table))
        attempt(partial(use, bench.run))
        return verdict


def metrics(bench: Bench, rng: random.Random) -> str:
    """metrics.jsonl: on a page, looked at by a comparison, gone on with."""
    whole = bench.whole["metrics.jsonl"]
    lines = [json.loads(line) for line in whole.splitlines()]
    content = (
        damaged(whole, rng)
        if rng.random() < 0.5
        else b"".join(as_json(line).replace(b"\n", b"") + b"\n" for line in reshaped(lines, rng))
    )
    with bench.with_file("metrics.jsonl", content):
        use = _resumed if rng.random() < 0.01 else rng.choice((_page, _progress, _rewound))
        verdict, _ = attempt(partial(use, bench.run))
        return verdict


def state(bench: Bench, rng: random.Random) -> str:
    """state.json of a checkpoint: another one is gone on from and said so, or this one as it was."""
    name = rng.choice([name for name in bench.whole if name.endswith("state.json")])
    whole = bench.whole[name]
    content = _mutant(whole, rng, json.loads, as_json)
    folder = Path(name).parent.name
    with bench.with_file(name, content):
        verdict, found = attempt(lambda: _checkpoint(bench, folder))
        if verdict == "accepted":
            _unless(found, bench.moments[folder], name)
        if rng.random() < 0.02:
            attempt(partial(_resumed, bench.run))
        return verdict


def tensors(bench: Bench, rng: random.Random) -> str:
    """model.safetensors and those of checkpoints, most of all their headers."""
    names = [name for name in bench.whole if name.endswith(".safetensors")]
    name = rng.choice(("model.safetensors", rng.choice(names)))
    whole = bench.whole[name]
    end = 8 + int.from_bytes(whole[:8], "little")
    match rng.choice(("head", "head", "shape", "anywhere")):
        case "head":
            content = damaged(whole[:end], rng) + whole[end:]
        case "shape":
            header = as_json(reshaped(json.loads(whole[8:end]), rng))
            content = struct.pack("<Q", len(header)) + header + whole[end:]
        case _:
            content = damaged(whole, rng)
    with bench.with_file(name, content):
        if name == "model.safetensors":
            verdict, model = attempt(lambda: load(bench.run))
            if verdict == "accepted":
                _unless(bits(model.state_dict()), bench.weights, name)
            attempt(partial(_page, bench.run))
            return verdict
        folder = Path(name).parent.name
        verdict, found = attempt(lambda: _checkpoint(bench, folder))
        if verdict == "accepted":
            _unless(found, bench.moments[folder], name)
        return verdict


def npz(bench: Bench, rng: random.Random) -> str:
    """Arrays of a user's own: types, byte orders, shapes, mangled headers."""
    file = bench.folder / "arrays.npz"
    rows = rng.choice((1, 2, 12, 40))
    shape = rng.choice(((4, 4), (1, 4, 4), (4, 4, 3), (5,), (), (2, 2, 2, 2), (0,)))
    x = np.random.default_rng(rng.randrange(1000)).random((rows, *shape))
    x = x.astype(rng.choice(FLOATS)) if rng.random() < 0.6 else (x * 255).astype(rng.choice(WHOLE))
    classes = [rng.choice((0, 1, 2, rng.choice((0, 7, 10**7, 255, -1)))) for _ in range(rows)]
    labels, comparable = _labels(classes, rng)
    np.savez(file, **{"x": x, rng.choice(("labels", "y")): labels})
    content = file.read_bytes()
    rotten = rng.random() < 0.4
    if rotten:
        content = damaged(content, rng) if rng.random() < 0.5 else _with_header(content, rng)
        file.write_bytes(content)
    test = rng.choice((0.1, 0.5))
    verdict, data = attempt(lambda: Npz(str(file), test=test, bounded=rng.random() < 0.5).load())
    if data is not None and not rotten:
        _check_rows(data, x, classes if comparable else None)
    return verdict


def row(bench: Bench, rng: random.Random) -> str:
    """A row of registry.toml, and what is asked of all rows."""
    file = bench.folder / "registry.toml"
    file.write_bytes(_mutant(catalogue.registry_file().read_bytes(), rng, _toml, as_toml))
    caches = (catalogue._tables, catalogue.shipped, catalogue.externals)
    try:
        with mock.patch.object(catalogue, "registry_file", lambda: file), registry.isolate():
            for one in caches:
                one.cache_clear()
            uses = (
                registry.list_components,
                lambda: registry.find("prior", rng.choice(("vamp", "nothing", "normal"))),
                lambda: registry.default("recipe"),
            )
            return "refused" if "refused" in [attempt(use)[0] for use in uses] else "accepted"
    finally:
        for one in caches:
            one.cache_clear()


def plugin(bench: Bench, rng: random.Random) -> str:
    """What a plugin answers when it is asked for its parts."""
    good = {"kind": "prior", "name": "mine", "target": "somewhere:Mine", "defaults": {"encoder": "gaussian"}}
    table = reshaped(good, rng)
    module = ModuleType("chaos_plugin")

    def answer() -> Any:
        given = ComponentInfo(**table) if isinstance(table, dict) else table  # as a plugin would
        return rng.choice(([given], given, [table], [given, given], [odd(rng)], odd(rng)))

    module.aezoo_components = aezoo.hookimpl(answer, specname="aezoo_components")  # type: ignore[attr-defined]
    if rng.random() < 0.3:
        module.aezoo_api = odd(rng)  # type: ignore[attr-defined]
    with registry.isolate():
        return attempt(lambda: (registry.register(module), registry.list_components(), resolve("vae")))[0]


KINDS: dict[str, tuple[Callable[[Bench, random.Random], str], float]] = {
    "config": (config, 0.2),
    "recipe": (recipe, 0.2),
    "results": (results, 0.14),
    "metrics": (metrics, 0.08),
    "state": (state, 0.08),
    "tensors": (tensors, 0.12),
    "npz": (npz, 0.12),
    "row": (row, 0.03),
    "plugin": (plugin, 0.03),
}
"""Kind -> what makes and uses an input of it, and its share of all inputs."""


# -- uses ----------------------------------------------------------------------------------------------


def _load(run: Path) -> Any:
    return load(run)


def _page(run: Path) -> str:
    page = render(of_runs([run]))
    page.encode("utf-8", errors="backslashreplace")
    return page


def _resolve(run: Path) -> RunConfig:
    return resolve(run / "config.toml")


def _plan(run: Path) -> Any:
    return plan(TrainRequest(config=resolve(run / "config.toml")))


def _measured(run: Path) -> bool:
    return is_measured(run, {"metrics": [], "n": None, "seed": 0})


def _every_table(run: Path) -> None:
    found = outcome(Cell("method", "digits", 0, read_config(RunDir(run)), run))
    other = outcome(Cell("other", "digits", 0, read_config(RunDir(run)), run))
    table = build([found, other], allow_mixed=True)
    for make in RENDERERS.values():
        make(table)


def _evaluate(run: Path) -> Any:
    return evaluate(run, metrics=["reconstruction"], n=4)


def _progress(run: Path) -> int:
    config = {"train": {"steps": 2}}
    return _progress_of(Task(config, str(run), (), (), None, 1))


def _rewound(run: Path) -> None:
    RunDir(run).rewind_metrics("train", 1)


def _resumed(run: Path) -> Any:
    return trained(run, run / "config.toml", resume=True)


def _tables(found: RunConfig, bench: Bench) -> None:
    table = build([outcome(Cell("method", "mnist", 0, found, bench.run))])
    for make in RENDERERS.values():
        make(table)


def _checkpoint(bench: Bench, folder: str) -> Any:
    """The checkpoint of that name, by whoever resumes; passed over aloud where it is damaged."""
    found = RunDir(bench.run)
    for name in found.names():
        if name > folder or name.partition("-")[0] != folder.partition("-")[0]:
            shutil.rmtree(bench.run / "checkpoints" / name)
    checkpoint, faults = found.load_latest()
    for fault in faults:
        print("warning:", fault, file=sys.stderr)
    return moment(checkpoint) if checkpoint else None


# -- what is right -------------------------------------------------------------------------------------


def _toml(content: bytes) -> dict[str, Any]:
    return tomllib.loads(content.decode("utf-8"))


def _unless(found: Any, whole: Any, what: str) -> None:
    """Raises:  Silent where what was read is not what was written"""
    if found != whole and repr(found) != repr(whole):  # for NaN equals nothing
        raise Silent(f"{what} was changed and is taken as it is")


FLOATS = ("f2", "f4", ">f4", "f8", ">f8", "longdouble")
WHOLE = ("u1", "u1", "?", "i4", "u2", ">u2", "u8", "i8")
LABELS = ("u1", "i1", "u2", ">u2", "i4", ">i4", "u4", ">u4", "i8", ">i8", "u8", ">u8")


def _labels(classes: list[int], rng: random.Random) -> tuple[np.ndarray, bool]:
    """As some array, and whether its numbers are the classes."""
    if rng.random() < 0.7:
        dtype = np.dtype(rng.choice(LABELS))
        fits = all(np.iinfo(dtype).min <= one <= np.iinfo(dtype).max for one in classes)
        return np.array(classes).astype(dtype), fits
    other = rng.choice(("U3", "S3", "M8[D]", "m8[s]", "f4", "c8", "?", "V4", "column", "fewer", "none"))
    match other:
        case "column":
            return np.array(classes)[:, None], False
        case "fewer":
            return np.array(classes[:-1], dtype="i8"), False
        case "none":
            return np.array(None), False
        case "V4":
            return np.zeros(len(classes), "V4"), False
        case "M8[D]" | "m8[s]":
            return np.array(classes, dtype="i8").astype(other), False
    return np.array(classes).astype(other), False


def _with_header(content: bytes, rng: random.Random) -> bytes:
    """An .npz, stored and so without a checksum's notice, whose array has a mangled header."""
    place = content.find(b"\x93NUMPY")
    end = content.find(b"\n", place)
    head = damaged(content[place:end], rng)[: end - place].ljust(end - place)
    mangled = bytearray(content[:place] + head + content[end:])
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        info = file.infolist()[0]
        body = bytes(mangled[place : place + info.file_size])
    crc = struct.pack("<I", zlib.crc32(body))
    return bytes(mangled).replace(struct.pack("<I", info.CRC), crc)


def _check_rows(data: Any, x: np.ndarray, classes: list[int] | None) -> None:
    """Raises:  Silent where rows or classes are not the file's"""
    both = torch.cat([data.x(data.train.values[:]), data.x(data.test.values[:])]).flatten(1)
    scale = 255 if x.dtype == np.uint8 else 1
    rows = sorted(map(sum, both.double().tolist()))
    wanted = sorted((x.reshape(len(x), -1).astype("f8") / scale).sum(1).tolist())
    if not np.allclose(rows, wanted, rtol=1e-3, atol=1e-3):
        raise Silent(f"rows of {x.dtype} are read otherwise than they were written")
    if classes is None or data.train.labels is None:
        return
    found = torch.cat([data.train.labels, data.test.labels]).tolist()
    if sorted(int(data.classes[one]) for one in found) != sorted(classes):
        raise Silent(f"classes {classes} are read as {found}, called {data.classes}")


REPORTED = [{"table": "T", "dataset": "mnist", "metric": "fid", "rec": 1.0, "gen": 2}]
MADE_UP = {
    "recipe": {"name": "made-up", "title": "t", "paper": "p", "url": "u", "note": "n", "reported": REPORTED},
    "encoder": {"name": "gaussian"},
    "prior": {"name": "two-stage", "during": {"name": "normal"}},
    "divergence": "kl",
    "regularizer": {"decoder-decay": {"weight": 0.1}},
    "optimizer": {"lr": 0.1, "autoencoder": {"lr": 0.2, "betas": [0.5, 0.9]}},
    "train": {"steps": 3, "schedule": "autoencoder"},
    "on": {"digits": {"train": {"steps": 4}}},
    "scale": {"paper": {"train": {"steps": 5}, "on": {"digits": {"train": {"steps": 6}}}}},
}
