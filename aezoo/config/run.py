"""The sections of a run file that belong to no part. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, SerializationInfo, model_serializer, model_validator
from pydantic.fields import FieldInfo

from aezoo.config.base import IMMATERIAL, LATER, Config
from aezoo.config.ramps import Count

FORMAT = 1
"""Version of the run directory's files; an older one still loads, a newer one says who wrote it."""


RUNS_OWN = {"format", "encoder"}
"""Keys by which a config.toml is known for a run's."""


class AsWritten(Config):
    """Settings as a file has them, of a part that nobody has asked for its own."""

    model_config = ConfigDict(extra="allow")


class Part(Config):
    """A part by its name, with its settings: in a run file one table, `name` among the settings.

    settings:  checked by the part's own constructor where it was looked up (aezoo.resolve)
    """

    name: str = Field(description="what is registered, or 'module:Class'")
    settings: Config = Field(AsWritten(), exclude=True, description="the part's own")

    def get(self, setting: str) -> Any:
        """A setting's value; None where the part has no such setting."""
        return dict(self.settings).get(setting)

    @model_validator(mode="before")
    @classmethod
    def _from_table(cls, value: Any) -> Any:
        if not isinstance(value, Mapping) or isinstance(value.get("settings"), Config):
            return value
        own = {key: setting for key, setting in value.items() if key != "name"}
        return {**({"name": value["name"]} if "name" in value else {}), "settings": AsWritten(**own)}

    @model_serializer
    def _as_table(self, info: SerializationInfo) -> dict[str, Any]:
        return {"name": self.name, **self.settings.model_dump(mode=info.mode, exclude_none=True)}


class Reported(Config):
    """What a paper reports of its method on a dataset."""

    table: str = Field(description="where the numbers stand")
    dataset: str = Field(description="what they were measured on")
    metric: str = Field(description="the measure, such as fid")
    rec: float | None = Field(None, description="of reconstructions")
    gen: float | None = Field(None, description="of generated samples")


class RecipeConfig(Config):
    """Where a run comes from: the method's name and source, and the numbers its paper reports."""

    name: str = Field("", description="name of the recipe; empty for a run put together from flags")
    title: str = Field("", description="the method in a few words")
    paper: str = Field("", description="title of the paper, venue and year")
    url: str = Field("", description="where to read it")
    note: str = Field("", description="what is chosen here because no source gives it")
    scale: str = Field("small", description="which of the recipe's settings: small, or as published")
    reported: tuple[Reported, ...] = Field((), description="the paper's numbers")


class TrainConfig(Config):
    """How long, on what, and with which randomness to train."""

    steps: int = Field(1000, gt=0, description="iterations of the schedule, > 0")
    batch_size: Count = Field(
        64, description="images in a minibatch, > 0; or a ramp or staircase of the step"
    )
    latent_dim: int = Field(8, gt=0, description="size m of the code, > 0")
    seed: int = Field(0, ge=0, description="all randomness follows from it, >= 0")
    schedule: str | None = Field(None, description="order of phases; none: made from the parts")
    critic_steps: int = Field(5, gt=0, description="rounds of critics in the default schedule, > 0")
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], IMMATERIAL] = Field(
        "auto", description="where to train"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="bf16: autocast, one scope per phase")
    compile: bool = Field(False, description="compile encoder and decoder with torch.compile")
    log_every: Annotated[int, IMMATERIAL] = Field(
        10, gt=0, description="steps between two lines of metrics.jsonl, > 0"
    )
    data: Annotated[Literal["auto", "memory", "stream"], IMMATERIAL] = Field(
        "auto",
        description="keep images of files in memory, or stream them from disk as they are needed; "
        "auto: in memory where they take less than a quarter of what is free. Results are the same",
    )
    workers: Annotated[int, IMMATERIAL] = Field(
        0, ge=0, description="processes that read ahead while streaming, >= 0"
    )
    keep_memory: Annotated[bool, IMMATERIAL] = Field(
        True, description="on glibc, keep freed buffers for the next step instead of returning them"
    )
    tensorboard: Annotated[bool, IMMATERIAL] = Field(False, description="write the terms for TensorBoard too")


class CheckpointConfig(Config):
    """How often to save, and how much to keep."""

    every: int = Field(500, ge=0, description="steps between checkpoints; 0: only the last")
    keep: int = Field(2, gt=0, description="checkpoints kept, newest first, > 0")


class EvaluateConfig(Config):
    """Looking at the model while it trains, and when it is done."""

    every: int = Field(
        0,
        ge=0,
        description="steps between grids of samples and errors of validation (else training) rows; 0: none",
    )
    end: bool = Field(True, description="a short evaluation when training is over")


class EMAConfig(Config):
    """Averaged weights, used for sampling and evaluation where decay > 0.

    In step t the decay is at most (1 + t) / (10 + t), so that first weights are soon forgotten; statistics
    of BatchNorm layers are estimated anew for the averaged weights.
    """

    decay: float = Field(0.0, ge=0, lt=1, description="per step, [0, 1); 0: no averaging")
    modules: Annotated[tuple[str, ...] | None, LATER] = Field(
        None, description="whose weights: decoder, prior, regularizer.NAME, ...; none: all weights"
    )


class XConfig(Config):
    """What the dataset declares of x; kept in a run's `config.toml`, so that a model loads without data."""

    shape: tuple[int, ...] = Field(description="(C, H, W) of images, (D,) of vectors")
    range: tuple[float, float] | None = Field(None, description="smallest and largest value; none: unbounded")


class RunConfig(Config):
    """Everything a run needs, complete and resolved: what `config.toml` in a run directory holds.

    Sections of parts hold `name` and the settings that the part's own constructor states.
    """

    format: Annotated[int, IMMATERIAL] = Field(FORMAT, description="version of the run directory's files")
    version: Annotated[str, IMMATERIAL] = Field("", description="version of aezoo that wrote the file")
    id: Annotated[str | None, IMMATERIAL] = Field(
        None, description="of this run: its checkpoints and its model name it too; none: an older aezoo's"
    )
    plugins: Annotated[tuple[str, ...], IMMATERIAL] = Field(
        (), description="one-file plugins, as paths seen from this file"
    )
    packages: Annotated[dict[str, str], IMMATERIAL] = Field(
        {}, description="kind/name of each part that is not aezoo's own -> distribution, version, code"
    )
    recipe: Annotated[RecipeConfig, IMMATERIAL] = Field(
        RecipeConfig(), description="where the run comes from"
    )
    backbone: Part = Field(description="bodies of encoder and decoder")
    encoder: Part = Field(description="images to codes")
    decoder: Part = Field(description="codes to images")
    prior: Part = Field(description="where new codes come from")
    divergence: Part = Field(description="what ties the codes to the prior")
    regularizer: dict[str, Part] = Field({}, description="further regularizers, by name")
    reconstruction: Part = Field(description="cost between image and reconstruction")
    dataset: Part = Field(description="what to train on")
    x: Annotated[XConfig | None, IMMATERIAL] = Field(None, description="what the dataset declares of x")
    optimizer: dict[str, Any] = Field({}, description="settings for all phases, and tables per phase")
    inherited: tuple[str, ...] = Field(
        (), exclude=True, description="phases named in `optimizer` that need not exist; not written"
    )
    train: TrainConfig = Field(TrainConfig(), description="how long and with which randomness")
    checkpoint: Annotated[CheckpointConfig, IMMATERIAL] = Field(
        CheckpointConfig(), description="how often to save"
    )
    evaluate: Annotated[EvaluateConfig, IMMATERIAL] = Field(
        EvaluateConfig(), description="looking while training"
    )
    ema: EMAConfig = Field(EMAConfig(), description="averaged weights")


class ScaleOutline(Config):
    """What a file says for one scale: settings, and further ones by dataset."""

    model_config = ConfigDict(extra="allow")

    on: dict[str, dict[str, Any]] = Field({}, description="settings by dataset")


class FileOutline(Config):
    """The keys of a TOML file that are needed before its sections are checked, and what they hold."""

    base: str | None = Field(None, description="recipe or file to start from")
    plugins: tuple[str, ...] = Field((), description="one-file plugins, as paths seen from this file")
    packages: dict[str, str] = Field({}, description="kind/name -> distribution, version and code")
    scale: dict[str, ScaleOutline] = Field({}, description="settings by scale")
    on: dict[str, dict[str, Any]] = Field({}, description="settings by dataset")


PARTS = ("backbone", "encoder", "decoder", "prior", "divergence", "reconstruction", "dataset")
"""Sections with exactly one part each; regularizers come by name besides."""
NETWORKS = PARTS[:-1]
"""Those of them that a model is made of, and that a finished module can stand for."""


def dataset_name(dataset: Part) -> str:
    """What to type to get the data again: `digits`, `folder:/data/faces`."""
    path = dataset.get("path")
    return f"{dataset.name}:{path}" if path else dataset.name


def material(settings: Config) -> dict[str, Any]:
    """The settings that weights depend on, as JSON has them."""
    found: dict[str, Any] = _material(settings, settings.model_dump(mode="json"))
    return found


def _material(settings: Any, dumped: Any) -> Any:
    """What is left of a dumped value without the settings that are marked."""
    if isinstance(settings, Part):
        own = {key: value for key, value in dumped.items() if key != "name"}
        return {"name": settings.name, **_material(settings.settings, own)}
    if isinstance(settings, Config):
        fields, settings = type(settings).model_fields, dict(settings)
        marked = {name for name, field in fields.items() if _is_immaterial(field, settings[name])}
        dumped = {key: value for key, value in dumped.items() if key not in marked}
    if isinstance(settings, dict):
        return {key: _material(settings[key], value) for key, value in dumped.items()}
    return dumped


def _is_immaterial(field: FieldInfo, value: Any) -> bool:
    """Whether no weight depends on a setting, or no run without it differs by it."""
    return IMMATERIAL in field.metadata or (LATER in field.metadata and value == field.default)
