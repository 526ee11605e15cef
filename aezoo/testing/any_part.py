"""What parts of every kind do, and then all those that a model is made of."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from functools import cache

import tomli_w
import torch
from torch import Tensor, nn

from aezoo.errors import ShapeError
from aezoo.parts.interfaces import moved_weights
from aezoo.randomness import mix
from aezoo.registry import registry
from aezoo.resolve import check_part
from aezoo.testing.global_state import reseed, without_global
from aezoo.testing.recipes import check_toml
from aezoo.testing.rule import CONFIGURED, PARTS, Fault, NotApplicable, rule
from aezoo.testing.specimen import ROWS, Specimen, can_sample, generator, outputs, rows, train, trainer_of
from aezoo.testing.tensors import check_shape, copy_state, difference, reload


@rule(
    "import",
    *(*CONFIGURED, "recipe", "experiment"),
    method="__init__",
    fix="let the module that the entry point names only register; a part's module is imported on use",
)
def light_import(specimen: Specimen) -> None:
    """Importing the plugin's module imports no torch."""
    record = registry.owner(specimen.kind, specimen.name)
    if record is None or not record.version:
        raise NotApplicable("no entry point registers it")
    if loaded := _heavy_import(record.module):
        raise Fault(f"importing {record.module} imports {loaded}")


@rule(
    "settings",
    *CONFIGURED,
    method="__init__",
    fix="take plain numbers, strings and lists; keep them as they come",
)
def settings(specimen: Specimen) -> None:
    """Settings go through TOML and back."""
    part = specimen.part()
    again = check_part(specimen.kind, tomllib.loads(tomli_w.dumps(part.model_dump())), specimen.kind)
    if again != part:
        raise Fault(f"the settings {part.settings} come back from TOML as {again.settings}")


@rule(
    "config",
    method="__init__",
    fix="make the part of its settings alone: no clock, no global state, no hidden default",
)
def config(specimen: Specimen) -> None:
    """A whole config goes through TOML and back, and makes the same model again."""
    check_toml(specimen.config())
    with reseed():
        one = specimen.assemble()[0].model.state_dict()
    with reseed(1):
        other = specimen.assemble()[0].model.state_dict()
    if changed := difference(one, other):
        raise Fault(
            f"made twice from one config and seed, its {changed} differs",
            "draw weights with torch alone, which aezoo seeds while parts are made",
        )


@rule(
    "shapes",
    fix="z is [B, latent_dim], always flat; x_hat is [B, *shape]; log_q and log_prob are [B]",
    ends=True,
)
def shapes(specimen: Specimen) -> None:
    """Codes, images and densities have the shapes that the other parts expect."""
    found, shape = specimen.assemble()
    model = found.model
    posterior = model.encode(rows(ROWS, shape))
    m = model.latent_dim
    check_shape("the encoder's z", posterior.z, (ROWS, m))
    check_shape("the posterior's mean", posterior.mean, (ROWS, m))
    check_shape("the posterior's log_var", posterior.log_var, (ROWS, m))
    check_shape("the posterior's log_q", posterior.log_q, (ROWS,))
    check_shape("the decoder's x_hat", model.decode(posterior.z), (ROWS, *shape))
    if can_sample(model):
        check_shape("the prior's sample", model.prior_in_force.sample(ROWS, generator()), (ROWS, m))
    if isinstance(fault := specimen.first_fault(), ShapeError):
        raise fault


@rule("range", fix="end the decoder in a squashing function of the dataset's range, such as a sigmoid")
def image_range(specimen: Specimen) -> None:
    """Images come out in the dataset's range, also of codes far out."""
    model = specimen.assemble()[0].model
    x = model.decode(100 * torch.randn(ROWS, model.latent_dim, generator=generator()))
    low, high = float(x.min()), float(x.max())
    if not (low >= 0 and high <= 1):
        raise Fault(f"values reach from {low:g} to {high:g}, and the range is 0 to 1")


@rule(
    "dtype-device",
    fix="name dtype and device wherever a tensor is made: "
    "device=generator.device, torch.zeros_like(z), z.new_ones(n)",
)
def dtype_device(specimen: Specimen) -> None:
    """What comes in as float32 goes out as float32, on the device it came on."""
    found, shape = specimen.assemble()
    _check_float32(outputs(found.model, shape), torch.device("cpu"))
    try:  # a tensor made without a device lands elsewhere than its neighbours, as it would on a GPU
        with torch.device("meta"):
            given = outputs(found.model, shape)
    except Exception as err:
        said = (str(err) or type(err).__name__).partition("\n")[0]
        raise Fault(f"a tensor is made without naming its device: {said}") from err
    _check_float32(given, torch.device("cpu"))
    if torch.cuda.is_available():
        cuda = torch.device("cuda")
        _check_float32(outputs(found.model.to(cuda), shape, device=cuda), cuda)


@rule(
    "randomness",
    fix="draw everything from the generator that is passed in: torch.randn(..., generator=generator)",
)
def randomness(specimen: Specimen) -> None:
    """The same generator gives the same, and no global random state is read."""
    found, shape = specimen.assemble()
    for training in _modes(found.model):
        state = copy_state(found.model)
        one = without_global(lambda: outputs(found.model, shape, training))  # noqa: B023  # called at once
        found.model.load_state_dict(state)
        other = without_global(lambda: outputs(found.model, shape, training), 1)  # noqa: B023
        found.model.load_state_dict(state)
        if changed := difference(one, other):
            raise Fault(f"under two equal generators {changed} differs")
    if len(_modes(found.model)) == 2:
        trainer, layers = trainer_of(found, shape), mix(0, 0, "layers")  # as it seeds torch, for dropout
        try:
            without_global(trainer.iterate, layers)
        except Fault as fault:
            fix = "draw from step.generator: torch.rand(..., generator=step.generator)"
            raise Fault(f"while it trains {fault.what}", fix) from None


@rule(
    "gradients",
    fix="let a loss reach every weight: freeze what is not trained (requires_grad_(False) or a buffer), "
    "or name the divergence that trains a prior in ComponentInfo(defaults=...)",
)
def gradients(specimen: Specimen) -> None:
    """Every weight is reached by a loss, every term is finite, every phase moves something."""
    found, shape = specimen.assemble()
    before = copy_state(found.model)
    logged = {key.partition("/")[0] for key in train(found, shape)[0]}
    after = found.model.state_dict()
    names = {id(weight): name for name, weight in found.model.named_parameters()}
    for phase in found.phases:
        if phase.name not in logged:
            raise Fault(f"the phase '{phase.name}' never ran", "name it in the schedule")
        mine = [names[id(weight)] for weight in moved_weights(phase) if id(weight) in names]
        if all(torch.equal(before[name], after[name]) for name in mine):
            raise Fault(f"the phase '{phase.name}' moves none of its weights")


@rule("repeats", *PARTS[1:], fix="draw from step.generator, and keep nothing outside weights and buffers")
def repeats(specimen: Specimen) -> None:
    """Two trainings from one seed give the same numbers."""
    one, other = (train(*specimen.assemble()) for _ in range(2))
    if one != other:
        raise Fault("two trainings from one seed log different terms")


@rule(
    "state",
    fix="keep everything that outputs depend on in parameters or buffers (register_buffer), "
    "and every tensor in its own memory",
)
def state(specimen: Specimen) -> None:
    """Weights and buffers go through a safetensors file and give equal outputs."""
    found, shape = specimen.assemble()
    train(found, shape)  # so that what training changes must be saved too
    other, _ = specimen.assemble(seed=1)
    other.model.load_state_dict(reload(found.model))
    for training in _modes(found.model):
        one, again = (outputs(model, shape, training) for model in (found.model, other.model))
        if changed := difference(one, again):
            raise Fault(f"saved and loaded, {changed} differs")


def _check_float32(values: Mapping[str, Tensor], device: torch.device) -> None:
    for what, value in values.items():
        if value.dtype != torch.float32:
            raise Fault(f"{what} is {value.dtype}, not float32")
        if value.device.type != device.type:
            raise Fault(f"{what} is not on the device of what came in")


def _modes(module: nn.Module) -> tuple[bool, ...]:
    """Evaluation and training; not the latter with dropout, which the trainer seeds."""
    dropout = any(isinstance(layer, nn.modules.dropout._DropoutNd) for layer in module.modules())
    return (False,) if dropout else (False, True)


@cache
def _heavy_import(module: str) -> str:
    """The heavy library that importing a module loads, in a fresh interpreter; empty for none."""
    probe = f"import sys, {module.partition(':')[0]}\nprint('\\ntorch' if 'torch' in sys.modules else '\\n')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        raise Fault(f"{module} cannot be imported by itself: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.splitlines()[-1]  # what the module prints itself comes before
