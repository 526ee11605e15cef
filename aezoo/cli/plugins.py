"""`aezoo plugins`: the packages that parts come from, and what became of each."""

from __future__ import annotations

from aezoo.cli.output import Json, print_columns, print_json
from aezoo.registry import registry
from aezoo.registry.registry import PluginRecord


def plugins(as_json: Json = False) -> None:
    """List plugins: loaded, disabled or FAILED, with the reason."""
    records = registry.plugins()
    if as_json:
        print_json([_row(record) for record in records])
        return
    print_columns(
        [
            ("NAME", "DISTRIBUTION", "VERSION", "STATUS", "PARTS", "REASON"),
            *([str(cell).replace("\n", " ") for cell in _row(record).values()] for record in records),
        ]
    )


def _row(record: PluginRecord) -> dict[str, str | int]:
    return {
        "name": record.name,
        "distribution": record.distribution,
        "version": record.version,
        "status": record.status,
        "components": len(record.components) if record.status == "ok" else 0,
        "reason": record.reason,
    }
