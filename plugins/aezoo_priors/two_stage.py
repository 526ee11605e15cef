"""The 2-stage VAE's prior: a second VAE, of the first one's codes. Dai & Wipf, ICLR 2019 (arXiv:1903.05789).

It is itself an autoencoder of codes, put together from the same parts and trained by the same trainer.
"""

from __future__ import annotations

from typing import Annotated, Any, final

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from aezoo.api import (
    Config,
    ConfigError,
    Fitting,
    LatentPrior,
    Number,
    OptimizerConfig,
    Posterior,
    build_model,
    generator_for,
)


class TwoStageFit(Config):
    """How the second stage is trained."""

    steps: PositiveInt | None = Field(None, description="iterations; none: as many as the first stage")
    batch_size: PositiveInt | None = Field(
        None, description="codes in a minibatch; none: as many as train.batch_size; published: 64"
    )
    lr: Number = Field(1e-3, description="learning rate of Adam; published: 1e-4")


FIT = TwoStageFit()


@final
class TwoStage(LatentPrior):
    """z = D_2(u) + gamma_z eps with u ~ N(0, I) of the same size as z; noise is added to z, not to images.

    The published second stage has hidden = [1024, 1024, 1024].
    """

    reads: tuple[str, ...] = ("z", "mean", "log_var")
    fitted: Tensor  # bool []

    def __init__(
        self,
        latent_dim: int,
        hidden: Annotated[
            tuple[PositiveInt, ...], Field(description="units of each hidden layer, both sides")
        ] = (256, 256),
        gamma: Annotated[
            PositiveFloat,
            Field(
                description="standard deviation of z around its decoding, at the start; codes themselves "
                "have about 1, which is also where the authors start"
            ),
        ] = 1.0,
        during: Annotated[
            str | dict[str, Any], Field(description="the prior in force while the first stage trains")
        ] = "normal",
        fit: Annotated[TwoStageFit, Field(description="how the second stage is trained")] = FIT,
    ) -> None:
        super().__init__()
        self.latent_dim, self.during, self.settings = latent_dim, during, fit
        self.stage = build_model(
            {
                "backbone": {"name": "mlp", "hidden": list(hidden), "skip": True},
                "encoder": "gaussian",
                "prior": "normal",
                "divergence": "kl",
                "reconstruction": {"name": "gaussian", "gamma": gamma},
            },
            shape=(latent_dim,),
            range=None,
            latent_dim=latent_dim,
            seed=int(torch.randint(2**31, ())),  # weights are drawn while parts are made, like any others
        )
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, codes: Posterior, fitting: Fitting) -> None:
        """Train the second stage on the codes, drawn anew from their posteriors in every minibatch."""
        mean = (codes.z if codes.mean is None else codes.mean).to(fitting.device)
        std = None if codes.log_var is None else (0.5 * codes.log_var).exp().to(fitting.device)

        def batch(draw: int) -> Tensor:
            generator = generator_for(mean.device, fitting.seed, "codes", draw)
            size = (self.settings.batch_size or fitting.batch_size,)
            rows = torch.randint(len(mean), size, generator=generator, device=mean.device)
            if std is None:
                return mean[rows]
            noise = torch.randn(*size, self.latent_dim, generator=generator, device=mean.device)
            return mean[rows] + std[rows] * noise

        fitting.train(
            self.stage,
            batch,
            self.stage.phases(),
            steps=self.settings.steps,
            optimizers={"autoencoder": OptimizerConfig(lr=self.settings.lr)},
        )
        self.fitted.fill_(True)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m].

        Raises:  ConfigError before `fit`
        """
        if not self.fitted:
            raise ConfigError(
                "this second stage has not been fitted to codes yet",
                where="prior.name",
                fix="let training end, which fits it",
            )
        u = self.stage.prior.sample(n, generator)
        noise = torch.randn(n, self.latent_dim, generator=generator, device=u.device)
        return self.stage.decoder(u) + self._gamma() * noise

    def _gamma(self) -> Tensor:
        """The learned standard deviation of z around its decoding []."""
        gamma: Tensor = getattr(self.stage.reconstruction, "gamma")  # noqa: B009  # nn.Module hides its type
        return gamma
