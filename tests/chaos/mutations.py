"""Damage to contents: bytes that rotted, and values of the wrong shape in the right places."""

import copy
import datetime
import json
import random
from typing import Any

import tomli_w

DEEP, LONG = 3000, 20_000  # levels of nesting; letters


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes with one to three faults of a disk, or of a hand in an editor."""
    found = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        place = rng.randrange(len(found) + 1)
        length = rng.choice((1, 1, 4, 64))
        match rng.choice(("flip", "flip", "flip", "byte", "zero", "cut", "drop", "double", "insert")):
            case "flip" if place < len(found):
                found[place] ^= 1 << rng.randrange(8)
            case "byte" if place < len(found):
                found[place] = rng.randrange(256)
            case "zero":
                found[place : place + length] = bytes(min(length, len(found) - place))
            case "cut":
                del found[place:]
            case "drop":
                del found[place : place + length]
            case "double":
                found[place:place] = found[place : place + length]
            case _:
                found[place:place] = rng.choice((rng.randbytes(length), b"[" * DEEP, b"9" * LONG))
    return bytes(found)


def reshaped(value: Any, rng: random.Random) -> Any:
    """A copy with one to three values replaced, removed, renamed, wrapped or swapped."""
    found = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(found))
        if not places:
            return odd(rng)
        holder, key = rng.choice(places)
        match rng.choice(("odd", "odd", "odd", "remove", "rename", "wrap", "swap")):
            case "remove":
                del holder[key]
            case "rename" if isinstance(holder, dict):
                holder[rng.choice(("", "name", "a.b", "sha256", f"{key}x", "é\n", "0"))] = holder.pop(key)
            case "wrap":
                holder[key] = rng.choice(([holder[key]], {"name": holder[key]}, {"x": [holder[key]]}))
            case "swap":
                holder[key] = copy.deepcopy(_at(rng.choice(places)))
            case _:
                holder[key] = odd(rng)
    return found


def odd(rng: random.Random) -> Any:
    """A value that hardly anybody expects."""
    return copy.deepcopy(rng.choice(ODD))


ODD = (
    *(None, True, False, 0, -1, 1, 2, 0.5, -0.0, 1e-320, 1e308),
    *(10**7, 2**31, 2**63, -(2**63) - 1, 10**30, 10**400, float("nan"), float("inf"), float("-inf")),
    *(
        "",
        " ",
        "x",
        "none",
        "vae",
        "\x00",
        "\x1b[31m",
        "\ud800",
        "é" * 300,
        "x" * LONG,
        "../..",
        "a/b",
        ":",
        "1",
    ),
    *("<script>", "=1+1", "lower", "generation", "fd[", "fd[]", "]"),
    *([], [[]], [None], [1, 2], ["x"], [{}], {}, {"name": 1}, {"": {}}, {"x": {"y": {"z": []}}}),
    *({"start": 0, "end": "x"}, {"name": "normal"}, [0] * 1000, {str(key): key for key in range(200)}),
    *([[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]],),
    *(datetime.date(2020, 2, 29), datetime.datetime(2020, 2, 29, tzinfo=datetime.UTC), datetime.time(1, 2)),
)


def _places(value: Any) -> Any:
    """Each table or list with each of its keys, at any depth that is no mutation's own."""
    waiting, seen = [value], 0
    while waiting and seen < 5000:
        holder = waiting.pop()
        seen += 1
        for key in list(holder if isinstance(holder, dict) else range(len(holder))):
            yield holder, key
            if isinstance(holder[key], dict | list):
                waiting.append(holder[key])


def _at(place: Any) -> Any:
    holder, key = place
    return holder[key]


# -- as files ------------------------------------------------------------------------------------------


def as_toml(table: Any) -> bytes:
    """A table as TOML, as far as that can say it; the rest is left out."""
    return tomli_w.dumps(_sayable(table)).encode("utf-8", errors="surrogatepass")  # half a letter is no UTF-8


def _sayable(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _sayable(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_sayable(one) for one in value if one is not None]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 10_000:
        return 2**9999
    return value


def as_json(value: Any) -> bytes:
    """A value as JSON; dates become texts."""
    return json.dumps(value, default=str, indent=1).encode()
