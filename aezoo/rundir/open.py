"""Making a run directory ready: new, replaced, or taken up where it stopped."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from aezoo import resolve as resolving
from aezoo.config.check import check_keys
from aezoo.config.merge import flat
from aezoo.config.run import FileOutline, RunConfig, material
from aezoo.errors import ConfigError, RunFileError, print_warning
from aezoo.files import reading, sha256, writing
from aezoo.parts.build import check_sections
from aezoo.registry import names, onefile, packages
from aezoo.rundir.lock import LOCK, hold
from aezoo.rundir.own import remove
from aezoo.rundir.replace import Replacement
from aezoo.rundir.rundir import Checkpoint, RunDir, new_path, newest_path


def read_config(
    run: RunDir,
    given: Collection[str] = (),
    *,
    trust: bool = False,
    loaded: Collection[str] = (),
    warn: bool = True,
) -> RunConfig:
    """The complete config of a run directory, all settings checked anew but of parts `given` as modules.

    trust:   whether code that it names may be executed, from here on in this process
    loaded:  one-file plugins that the user gave, which stand in for the run's copies of the same names
    warn:    whether to say which parts are of another version than the run's

    Raises:  ConfigError for a one-file plugin or a `module:Class` that nobody allowed; where a file that was
             given is another than the one that a part of the run is in
             MissingError where a part's distribution is not here, whoever else has one of its name
    """
    table = run.read_config()
    check_sections(given, table.get("regularizer"))
    check_keys(FileOutline, table, str(run.path / "config.toml"))
    file = run.path / "config.toml"
    files = onefile.make_ready(table, file, loaded, own=False, trusted=trust)
    table = names.renamed(table, names.in_run(table.get("packages", {}), files))
    config = resolving.read(table, lambda key: str(file), given)
    onefile.check_copies(set(loaded) & set(config.plugins), run.path, packages.used_files(config))
    for change in packages.changes(config.packages) if warn else ():
        print_warning(f"{change}, so it may not be the model of {run.path} any more")
    return config


def directory_for(config: RunConfig, out: str | Path | None, *, resume: bool) -> Path:
    """The named directory; else one under `runs/`, new or, to resume, the newest of its name."""
    if out is not None:
        return Path(out)
    wanted = Path("runs") / resolving.run_name(config)
    return newest_path(wanted) if resume else new_path(wanted)


@contextmanager
def open_to_train(
    run: RunDir,
    config: RunConfig,
    *,
    resume: bool,
    overwrite: bool,
    given: Collection[str] = (),
    trust: bool = False,
    allow_other_code: bool = False,
) -> Iterator[Checkpoint | None]:
    """The directory made ready for training, with the checkpoint to go on from.

    Nobody else writes to it meanwhile. A run that is overwritten keeps its name until the new one has a
    checkpoint; settings that turn out not to work leave no directory behind.

    trust:             whether code that a resumed run names may be executed
    allow_other_code:  whether a run is resumed also with another version of a part's package

    Raises:  RunFileError when it holds something already, or is in use; ConfigError when a resumed run's
             settings differ, or the code of its parts
    """
    path = run.path.resolve()  # a link stays a link
    with hold(path):
        with reading(path):
            new, replacing = not path.exists(), None
        try:
            if overwrite and not resume and run.is_run():
                replacing = run.replace(Replacement(path))
            with writing(path):
                checkpoint = _open(run, config, given, resume, trust, allow_other_code)
            yield checkpoint
        except ConfigError:
            if new and not run.names():
                remove(path, config.plugins)
            raise
        finally:
            if replacing is not None:
                replacing.discard()


def _open(
    run: RunDir,
    config: RunConfig,
    given: Collection[str],
    resume: bool,
    trust: bool,
    allow_other_code: bool,
) -> Checkpoint | None:
    if resume and run.has_config():
        return _resume(run, config, given, trust, allow_other_code)
    if run.path.exists() and not run.path.is_dir():
        raise RunFileError(f"{run.path} is a file", where="--out", fix="name a directory")
    if run.path.exists() and any(path.name != LOCK for path in run.path.iterdir()):
        if resume or not run.is_run():
            raise RunFileError(
                f"{run.path} is not empty and no run directory", where="--out", fix="choose another --out"
            )
        raise RunFileError(
            f"{run.path} exists and is not empty",
            where="--out",
            fix="choose another --out, go on with --resume, or replace it with --overwrite",
        )
    path = run.path.resolve()
    onefile.keep_copies(config.plugins, path)
    RunDir(path).write_config(config.model_copy(update={"id": run_id(config)}))
    return None


def _resume(
    run: RunDir, config: RunConfig, given: Collection[str], trust: bool, allow_other_code: bool
) -> Checkpoint | None:
    onefile.check_copies(config.plugins, run.path, packages.used_files(config))
    before = read_config(run, given, trust=trust, loaded=config.plugins, warn=False)
    _check_same(before, config, run)
    config = _with_packages(before, config, run, allow_other_code)
    extended = config.train.steps > before.train.steps
    checkpoint, faults = run.load_latest("train" if extended else None)
    if extended:
        if run.has_model() and run.model_steps() is None:  # an older aezoo did not say it
            run.write_model(run.read_model(), before.train.steps)
        run.drop_fits()
    for fault in faults:
        print_warning(f"a damaged checkpoint is passed over: {fault}")
    if faults and checkpoint is None:
        print_warning("no whole checkpoint is left: training begins anew at step 0")
    if checkpoint is not None:
        run.mend_pointer(checkpoint)
    run.write_config(config.model_copy(update={"id": before.id}))
    return checkpoint


def run_id(config: RunConfig) -> str:
    """Sixteen hexadecimal digits of what a run's weights depend on, but for the number of steps."""
    table = material(config)
    table["train"].pop("steps")
    return sha256(json.dumps(table, sort_keys=True).encode())[:16]


def _with_packages(before: RunConfig, now: RunConfig, run: RunDir, allow_other_code: bool) -> RunConfig:
    """The config that is resumed, with the run's own record of its packages while that holds."""
    changes = packages.changes(before.packages)
    if changes and not allow_other_code:
        mend = packages.remedy(before.packages)
        raise ConfigError(
            "\n".join(changes),
            where=f"--resume of {run.path}",
            fix=f"{f'{mend}, or ' if mend else ''}begin a new run, or go on with --allow-other-code",
        )
    for change in changes:
        print_warning(change)
    return now if changes else now.model_copy(update={"packages": before.packages})


def _check_same(before: RunConfig, now: RunConfig, run: RunDir) -> None:
    """Of what weights depend on, only the number of steps may differ from the run that is resumed: more."""
    old, new = flat(material(before)), flat(material(now))
    if before.x is not None and now.x is not None:
        old["x.shape"], new["x.shape"] = list(before.x.shape), list(now.x.shape)
    changed = {key for key in {**old, **new} if old.get(key) != new.get(key)}
    if now.train.steps > before.train.steps:
        changed.discard("train.steps")
    if changed:
        raise ConfigError(
            "\n".join(f"'{key}' was {old.get(key)!r} and is now {new.get(key)!r}" for key in sorted(changed)),
            where=f"--resume of {run.path}",
            fix="keep the settings of a resumed run (only --steps may grow), or begin a new one",
        )
