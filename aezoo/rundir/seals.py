"""A text file that says what it holds, so that damage to it is noticed."""

from __future__ import annotations

import re

from aezoo.files import sha256

MARK = b"# sha256 of everything below: "


def sealed(content: bytes) -> bytes:
    """The content below a comment with its sha256."""
    return MARK + sha256(content).encode() + b"\n" + content


def is_whole(content: bytes) -> bool:
    """Whether a file is what its first line says; one that says nothing, such as an older one, passes."""
    first, _, rest = content.partition(b"\n")
    says = first.startswith(b"#") and re.search(rb"[0-9a-f]{20}", first)  # also where that line is damaged
    return not says or first == MARK + sha256(rest).encode()
