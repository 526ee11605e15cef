"""What is said where a training seems to have gone wrong."""

import pytest
import torch
from torch import nn

from aezoo.evaluation.measuring import Evaluation, Result
from aezoo.evaluation.names import (
    COLLAPSED,
    COPIES,
    DEAD_UNITS,
    FAR,
    KINDS,
    MISSES,
    TOO_FEW,
    WORSE_GENERATION,
    WORSE_RECONSTRUCTION,
    kind_of,
)
from aezoo.evaluation.protocol import Protocol
from aezoo.evaluation.sets import Sets
from aezoo.evaluation.warnings import warnings_of
from aezoo.parts.autoencoder import Autoencoder
from aezoo.parts.interfaces import Decoder, Encoder, LatentPrior
from aezoo.parts.types import Data, Posterior, Split

PLAIN = Protocol(dataset="made-up", n_real=200, n_fake=200)


class First(Encoder):
    """The first two dimensions as the code, each times its own factor."""

    latent_dim = 2

    def __init__(self, *factors):
        super().__init__()
        self.factors = nn.Parameter(torch.tensor(factors or (1.0, 1.0)))

    def forward(self, x, generator=None):
        return Posterior(z=x[:, :2] * self.factors)


class Padded(Decoder):
    """Zeros after the code; optionally through rectified units with a bias that may silence them."""

    def __init__(self, bias=None):
        super().__init__()
        self.units = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
        if bias is not None:
            nn.init.constant_(self.units[0].bias, bias)

    def forward(self, z):
        return torch.cat([self.units(z), torch.zeros_like(z)], 1)


class Around(LatentPrior):
    latent_dim = 2

    def __init__(self, centre=0.0):
        super().__init__()
        self.centre = centre

    def sample(self, n, generator):
        return torch.randn(n, 2, generator=generator) + self.centre


def said(encoder=None, decoder=None, prior=None, results=(), short=None):
    torch.manual_seed(0)
    parts = (encoder or First(), decoder or Padded(), prior or Around())
    model = Autoencoder(*parts, shape=(4,), range=None).eval()
    rows = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
    data = Data("made-up", (4,), None, Split(rows[:200]), Split(rows[200:]))
    evaluation = Evaluation(Sets(model, data), {}, PLAIN)
    evaluation.short.update(short or {})
    return list(warnings_of(results, evaluation))


def values(generation, reconstruction):
    return [
        Result("fd[one]", "reconstruction", reconstruction, "lower", PLAIN),
        Result("fd[one]", "generation", generation, "lower", PLAIN),
    ]


def test_a_sound_model_is_given_no_warning():
    assert said(results=values(3.0, 2.0)) == []


def test_a_code_that_never_changes_is_called_a_collapse():
    (warning,) = [text for text in said(First(0.0, 0.0)) if "collapsed" in text]
    assert "none of the 2 dimensions" in warning


def test_dimensions_that_hardly_change_are_counted():
    class Wide(First):
        latent_dim = 4

        def forward(self, x, generator=None):
            return Posterior(z=torch.cat([x[:, :1], 0.01 * x[:, 1:4]], 1))

    class Four(Around):
        latent_dim = 4

        def sample(self, n, generator):
            return torch.randn(n, 4, generator=generator)

    class Cut(Padded):
        def forward(self, z):
            return super().forward(z[:, :2])

    (warning,) = [text for text in said(Wide(), Cut(), Four()) if "dead codes" in text]
    assert "3 of the 4" in warning


def test_a_prior_far_from_the_codes_is_told_with_how_far():
    (warning,) = said(prior=Around(5.0))
    assert "the prior misses the codes" in warning and "critic" in warning
    assert said(prior=Around(0.05)) == []


def test_units_that_never_respond_are_told_by_part_and_share():
    (warning,) = said(decoder=Padded(bias=-100.0))
    assert warning.startswith("dead units: 100% of the decoder's")


def test_generation_far_above_reconstruction_is_told_with_both_numbers():
    (warning,) = said(results=values(50.0, 2.0))
    assert "50" in warning and "2" in warning and "fd[one]" in warning
    assert said(results=values(None, 2.0)) == said(results=values(5.0, None)) == []


def test_a_stochastic_encoder_that_ignores_x_has_collapsed_and_its_prior_misses_nothing():
    class Ignores(First):
        def forward(self, x, generator=None):
            nothing = torch.zeros(len(x), 2)
            z = nothing if generator is None else torch.randn(len(x), 2, generator=generator)
            return Posterior(z=z, mean=nothing, log_var=nothing)

    warnings = said(Ignores())
    assert "collapsed" in warnings[0] and not any("misses" in text for text in warnings)


def test_a_prior_that_draws_one_code_alone_is_told():
    class Point(Around):
        def sample(self, n, generator):
            return torch.full((n, 2), 3.0)

    (warning,) = said(prior=Point())
    assert "the prior misses the codes" in warning and "all draws are one" in warning


def test_one_relu_behind_layers_of_several_widths_is_no_fault():
    class Shared(Padded):
        def __init__(self):
            super().__init__()
            self.relu, self.wide = nn.ReLU(), nn.Linear(2, 9)

        def forward(self, z):
            return super().forward(z) + 0 * (self.relu(self.wide(z)).sum() + self.relu(z).sum())

    assert said(decoder=Shared()) == []


def test_generation_is_not_far_where_reconstruction_is_nearer_than_training_rows():
    near = [*values(4.0, 0.2), Result("fd[one]", "floor", 0.5, "lower", PLAIN)]
    assert said(results=near) == []
    far = [*values(4.0, 0.2), Result("fd[one]", "floor", 0.3, "lower", PLAIN)]
    assert len(said(results=far)) == 1


# --- worse than what nobody trained, and too few rows to tell


def against(of, value, trivial, metric="fd[one]", better="lower"):
    reference = {"reconstruction": "mean", "generation": "gaussian"}[of]
    return [
        Result(metric, of, value, better, PLAIN),
        Result(metric, reference, trivial, better, PLAIN),
    ]


@pytest.mark.parametrize(
    ("of", "kind"), [("reconstruction", WORSE_RECONSTRUCTION), ("generation", WORSE_GENERATION)]
)
def test_what_is_worse_than_trivial_is_told_with_both_numbers(of, kind):
    (warning,) = said(results=against(of, 7.4, 4.0))
    assert kind_of(warning) == kind and "fd[one] 7.4 against 4" in warning
    (warning,) = said(results=against(of, 10.0, 12.0, "psnr", "higher"))
    assert kind_of(warning) == kind
    assert said(results=against(of, 4.0, 7.4)) == said(results=against(of, None, 7.4)) == []


def test_the_first_measure_that_has_both_decides():
    rows = [*against("reconstruction", 3.0, 9.0, "sse"), *against("reconstruction", 9.0, 3.0)]
    assert said(results=rows) == []
    assert len(said(results=rows[::-1])) == 1


def test_no_more_rows_than_features_are_told_with_both_counts():
    (warning,) = said(short={"fd[one]": (200, 256)})
    assert kind_of(warning) == TOO_FEW and "200 rows" in warning and "256 features" in warning


def test_a_handful_of_test_rows_is_told():
    rows = torch.randn(12, 4, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    model = Autoencoder(First(), Padded(), Around(), shape=(4,), range=None).eval()
    data = Data("made-up", (4,), None, Split(rows.repeat(20, 1)), Split(rows))
    found = list(warnings_of((), Evaluation(Sets(model, data), {}, PLAIN)))
    assert any(kind_of(text) == TOO_FEW and "12 test rows" in text for text in found)


def test_each_warning_begins_with_its_kind():
    found = [
        *said(First(0.0, 0.0)),
        *said(prior=Around(5.0)),
        *said(decoder=Padded(bias=-100.0)),
        *said(results=values(50.0, 2.0)),
    ]
    assert {kind_of(text) for text in found} == {COLLAPSED, MISSES, DEAD_UNITS, FAR} <= set(KINDS)


def test_copies_beyond_those_among_test_rows_are_told_with_their_interval():
    def counted(low):
        shares = {"near_copies": 0.1, "excess_copies_low": low, "excess_copies_high": 0.12}
        return [Result(metric, "gen-tr", value, None, PLAIN) for metric, value in shares.items()]

    (warning,) = said(results=counted(0.085))
    assert kind_of(warning) == COPIES and "10.0% of generated rows" in warning and "8.5% to 12.0%" in warning
    assert said(results=counted(-0.01)) == []
