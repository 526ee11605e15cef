"""Made-up run directories: files only, no training."""

import io
import json
from pathlib import Path

from PIL import Image

from aezoo.config.run import RunConfig
from aezoo.rundir.rundir import RunDir
from tests.tables.cases import FD, config, facts, result

HOSTILE = '<img src=x onerror="document.title=1">&\'"</title></script><script>alert(1)</script>'
"""A name, a value, a warning that would be markup if any place forgot to escape it."""
LINES = [
    {"step": 1, "autoencoder/mse": 8.0, "autoencoder/kl": 2.0},
    {"step": 10, "autoencoder/mse": 4.0, "autoencoder/kl": 1.0},
    {"step": 20, "autoencoder/mse": 2.0, "autoencoder/kl": 3.0},
]


def png(size=(40, 40), colour=128) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size, colour).save(buffer, format="PNG")
    return buffer.getvalue()


def make_run(
    path: Path,
    method: str = "made-up",
    *,
    lines=LINES,
    sse: float = 3.0,
    warnings=(),
    finished: bool = True,
    pictures: bool = True,
    changed: dict | None = None,
    **facts_more,
) -> Path:
    """A run directory with everything that a report reads.

    changed:  sections of config.toml to lay over the made-up ones
    """
    table = config(method).model_dump(exclude_none=True)
    for section, values in (changed or {}).items():
        table[section] = {**table[section], **values}
    run = RunDir(path)
    run.write_config(RunConfig(**table))
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if pictures:
        (path / "samples.png").write_bytes(png())
        (path / "reconstructions.png").write_bytes(png(colour=60))
    if finished:
        rows = [result("reconstruction/sse", sse), result(f"generation/{FD}", 2 * sse)]
        more = {"warnings": list(warnings), "steps": 20, "recipe": method, "device": "cpu", "seed": 0}
        versions = {"aezoo": "0.1.0", "python": "3.11", "torch": "2.0", "commit": "0123456789abcdef"}
        run.write_results(
            {"run": str(path), "results": rows, **facts(2.5), **more, "versions": versions, **facts_more}
        )
    return path


def parsed(html: str):
    """The page's tree; anything that is no valid HTML is an error."""
    import html5lib

    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    return parser.parse(html)
