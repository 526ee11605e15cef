"""What parts give, looked at where it is taken: a wrong shape names its part instead of broadcasting.

Types and shapes alone, which no device is waited for: cheap enough for every step.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from aezoo.errors import PartError, ShapeError, defining_line
from aezoo.parts.interfaces import Phase
from aezoo.parts.types import Posterior, Terms

Giver = Callable[..., Any]
"""The method that gave a value: bound, so that its part can be named."""


def take_terms(terms: Any, giver: Giver) -> Terms:
    """Named scalars, as a part's `terms` or a phase's loss gave them.

    Raises:  PartError for anything but a dict of tensors; ShapeError for one that is no scalar
    """
    if not isinstance(terms, Mapping):
        raise _error(
            giver,
            f"gives {_describe(terms)} where a dict of named scalars is needed",
            "return a dict: {'NAME': value.mean()}, or {} for nothing",
        )
    for name, value in terms.items():
        if not isinstance(value, Tensor) or value.dim() != 0:
            raise _error(
                giver,
                f"gives {_describe(value)} as the term '{name}' where a scalar tensor is needed",
                "give the mean over the batch: {'NAME': value.mean()}",
                value,
            )
    return terms  # type: ignore[return-value]  # a dict by contract


def take_phases(phases: Any, giver: Giver) -> list[Phase]:
    """The phases of a part.

    Raises:  PartError for anything but some of them
    """
    found = list(phases) if hasattr(phases, "__iter__") and not isinstance(phases, Tensor) else [phases]
    for one in found:
        if not isinstance(one, Phase):
            raise _error(
                giver,
                f"gives {_describe(one)} where phases are needed",
                "yield each Phase(name, loss, moves), or return a list of them; () for none",
            )
    return found


def take_answer(answer: Any, giver: Giver) -> bool:
    """Yes or no, as a phase's `when` gave it. Raises PartError for nothing, which would be a silent no."""
    if answer is None:
        raise _error(giver, "gives None where yes or no is needed", "return True where the phase is due")
    return bool(answer)


def take_posterior(posterior: Any, giver: Giver, n: int, m: int) -> Posterior:
    """What an encoder says of n rows, with codes of m values.

    Raises:  PartError for no Posterior, or one of other shapes
    """
    if not isinstance(posterior, Posterior):
        raise _error(
            giver, f"gives {_describe(posterior)} where a Posterior is needed", "return Posterior(z=...)"
        )
    shapes = {"z": (n, m), "mean": (n, m), "log_var": (n, m), "log_q": (n,)}
    for name, shape in shapes.items():
        value = getattr(posterior, name)
        if name == "z" or value is not None:
            take_tensor(value, giver, shape, "z, mean and log_var are [B, latent_dim], log_q is [B]", name)
    return posterior


def take_codes(codes: Any, giver: Giver, n: int, m: int) -> Tensor:
    """n codes of a prior. Raises PartError for anything else."""
    return take_tensor(codes, giver, (n, m), "give codes [n, latent_dim], always flat")


def take_images(images: Any, giver: Giver, n: int, shape: tuple[int, ...]) -> Tensor:
    """What a decoder makes of n codes. Raises PartError for anything else."""
    return take_tensor(
        images, giver, (n, *shape), "give x_hat [B, *shape], in the shape of the dataset's rows"
    )


def take_per_row(values: Any, giver: Giver, n: int) -> Tensor:
    """A number for each row, such as a density. Raises PartError for anything else."""
    return take_tensor(
        values, giver, (n,), "give one number for each row, [n]: sum over the other dimensions"
    )


def take_latent_dim(part: Any) -> int:
    """The size of the codes of an encoder or a prior.

    Raises:  PartError when it does not say it
    """
    size = getattr(part, "latent_dim", None)
    if not isinstance(size, int):
        name = type(part).__name__
        said = "no `latent_dim`" if size is None else f"the `latent_dim` {size!r}"
        raise PartError(
            f"{name} has {said}, which says how many values a code has",
            where=defining_line(type(part)),
            fix="set it in the constructor: self.latent_dim = latent_dim",
        )
    return size


def take_tensor(value: Any, giver: Giver, shape: tuple[int, ...], fix: str, name: str = "") -> Tensor:
    """A tensor of a shape.

    Raises:  PartError for no tensor, ShapeError for one of another shape
    """
    if not isinstance(value, Tensor) or value.shape != shape:
        of = f" as {name}" if name else ""
        needed = f"a tensor of shape {shape}"
        raise _error(giver, f"gives {_describe(value)}{of} where {needed} is needed", fix, value)
    return value


def _error(giver: Giver, what: str, fix: str, value: Any = None) -> PartError:
    inner = getattr(giver, "func", giver)  # of a partial
    part = getattr(inner, "__self__", None)
    method = getattr(inner, "__name__", type(inner).__name__)
    name = getattr(inner, "__qualname__", method) if part is None else f"{type(part).__name__}.{method}"
    kind = ShapeError if isinstance(value, Tensor) else PartError
    return kind(f"{name} {what}", where=defining_line(inner), fix=fix)


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
