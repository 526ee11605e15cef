"""Settings that several datasets have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from aezoo.api import IMMATERIAL

Root = Annotated[
    str,
    IMMATERIAL,
    Field(description="folder that holds the datasets; empty: $AEZOO_DATA, else data/ in the cache"),
]
Download = Annotated[bool, IMMATERIAL, Field(description="fetch the files when they are missing")]
Validation = Annotated[
    int, Field(ge=0, description="rows from the end of the train part that become the validation part")
]
Flip = Annotated[bool, Field(description="mirror half of the training images, chosen anew each time")]
SkipBadImages = Annotated[bool, Field(description="leave out files that cannot be decoded, and count them")]
