"""The public names plugins may import."""

from aezoo import metrics
from aezoo.config.base import IMMATERIAL, Config
from aezoo.config.optimizer import OptimizerConfig
from aezoo.config.ramps import Number, Ramp, Staircase, value_at
from aezoo.data.arrays import (
    as_tensor,
    checked_labels,
    checked_rows,
    class_names,
    counted_classes,
    part,
    split_rows,
    with_validation,
)
from aezoo.data.loading import load_dataset
from aezoo.errors import AezooError, ConfigError, MissingError, print_warning
from aezoo.evaluation.measuring import Evaluation
from aezoo.functional.divergences import (
    diagonal_normal_log_prob,
    kl_to_standard_normal,
    standard_normal_log_prob,
)
from aezoo.functional.interpolation import interpolate
from aezoo.functional.penalties import gradient_penalty
from aezoo.functional.precision import at_least_float32
from aezoo.functional.reconstruction import (
    absolute_error,
    binary_cross_entropy,
    gaussian_nll,
    squared_error,
)
from aezoo.nets.initialise import glorot_normal_, glorot_uniform_
from aezoo.nets.mlp import mlp
from aezoo.nets.same import SameConv2d, SameConvTranspose2d
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.build import build_model
from aezoo.parts.doors import take_per_row
from aezoo.parts.interfaces import (
    Attached,
    Backbone,
    Component,
    DataSource,
    Decoder,
    Encoder,
    FinishesTraining,
    FittedPrior,
    HasCodebook,
    HasDensity,
    HasKL,
    HasLikelihood,
    InitialisedFromData,
    LatentPrior,
    Memory,
    PausesAutoencoder,
    Phase,
    Reconstruction,
    Regularizer,
)
from aezoo.parts.measures import Extractor, Measure, ModelMetric, PairMetric, SetMetric, Value
from aezoo.parts.statistics import batch_norms, running_statistics, still_statistics
from aezoo.parts.types import Data, Posterior, Rows, Split, Terms, require
from aezoo.paths import cache_dir, data_dir
from aezoo.randomness import generator_for
from aezoo.training.assemble import schedule_of
from aezoo.training.ends import TrainingImages
from aezoo.training.fitting import Fitting
from aezoo.training.step import Step

__all__ = [
    "IMMATERIAL",
    "AezooError",
    "Attached",
    "Autoencoder",
    "Backbone",
    "Component",
    "Config",
    "ConfigError",
    "Data",
    "DataSource",
    "Decoder",
    "Encoder",
    "Evaluation",
    "Extractor",
    "FinishesTraining",
    "FittedPrior",
    "Fitting",
    "HasCodebook",
    "HasDensity",
    "HasKL",
    "HasLikelihood",
    "InitialisedFromData",
    "LatentPrior",
    "Measure",
    "Memory",
    "MissingError",
    "ModelMetric",
    "Number",
    "OptimizerConfig",
    "PairMetric",
    "PausesAutoencoder",
    "Phase",
    "Posterior",
    "Ramp",
    "Reconstruction",
    "Regularizer",
    "Rows",
    "SameConv2d",
    "SameConvTranspose2d",
    "SetMetric",
    "Split",
    "Staircase",
    "Step",
    "Terms",
    "TrainingImages",
    "Value",
    "absolute_error",
    "as_tensor",
    "at_least_float32",
    "batch_norms",
    "binary_cross_entropy",
    "build_model",
    "cache_dir",
    "checked_labels",
    "checked_rows",
    "class_names",
    "counted_classes",
    "data_dir",
    "diagonal_normal_log_prob",
    "gaussian_nll",
    "generator_for",
    "glorot_normal_",
    "glorot_uniform_",
    "gradient_penalty",
    "interpolate",
    "kl_to_standard_normal",
    "load_dataset",
    "metrics",
    "mlp",
    "part",
    "print_warning",
    "require",
    "running_statistics",
    "schedule_of",
    "split_rows",
    "squared_error",
    "standard_normal_log_prob",
    "still_statistics",
    "take_per_row",
    "value_at",
    "with_validation",
]
