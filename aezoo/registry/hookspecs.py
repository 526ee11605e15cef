"""The hooks a plugin may answer, and what each answer means.

A plugin is a module, free of torch, that an entry point of group `aezoo` names:

    from aezoo import ComponentInfo, hookimpl

    @hookimpl
    def aezoo_components():
        return [ComponentInfo(kind="prior", name="mine", target="my_priors.mine:Mine")]

One that relies on more than API 1 says so, `aezoo_api = 2`: an older aezoo then names the reason instead
of failing on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from aezoo.registry.catalogue import ComponentInfo

if TYPE_CHECKING:
    import typer

API = 1
"""Version of the hooks and of `aezoo.api`; it grows when plugins can rely on something new."""

hookspec = pluggy.HookspecMarker("aezoo")


@hookspec
def aezoo_components() -> list[ComponentInfo]:  # type: ignore[empty-body]  # a contract, never called
    """The parts this plugin brings.

    Called once, when the registry is first asked for anything, also for `--help`: return descriptions and
    import no part. Their targets are imported when they are used.
    """


@hookspec
def aezoo_commands(app: typer.Typer) -> None:
    """Add commands to the command line: called once per process by `aezoo`, before it reads its arguments."""
