"""A Gaussian mixture fitted to the codes after training.

Ghosh et al., ICLR 2020 (RAE, arXiv:1903.12436), section 4: ten components with full covariance, by EM.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, final

import numpy as np
import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor

from aezoo.api import ConfigError, Fitting, LatentPrior, Posterior

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture


@final
class GMM(LatentPrior):
    """sum_k w_k N(mean_k, L_k L_k^T), from the training split's codes.

    Full covariances need many more codes than latent_dim squared.
    """

    reads: tuple[str, ...] = ("z",)
    weights: Tensor  # [K], sum 1
    means: Tensor  # [K, m]
    cholesky: Tensor  # L_k [K, m, m]; for `diag` its diagonal [K, m]
    fitted: Tensor  # bool []

    def __init__(
        self,
        *,
        latent_dim: int,
        components: Annotated[PositiveInt, Field(description="number of normals in the mixture")] = 10,
        covariance: Annotated[
            Literal["full", "diag"], Field(description="shape of each normal: full matrix or axis-parallel")
        ] = "full",
        max_iter: Annotated[
            PositiveInt, Field(description="most EM iterations; it stops when the gain is below `tol`")
        ] = 2000,
        tol: Annotated[
            PositiveFloat, Field(description="gain in mean log-density that still counts, nats a code")
        ] = 1e-3,
        reg_covar: Annotated[
            float, Field(ge=0, description="added to each variance, in squared units of the codes")
        ] = 1e-6,
        during: Annotated[
            str | dict[str, Any],
            Field(description="the prior in force while the autoencoder trains: a name, a section or 'none'"),
        ] = "normal",
    ) -> None:
        super().__init__()
        self.latent_dim, self.components, self.covariance = latent_dim, components, covariance
        self.max_iter, self.tol, self.reg_covar = max_iter, tol, reg_covar
        self.during = during
        one = torch.eye(latent_dim) if covariance == "full" else torch.ones(latent_dim)
        self.register_buffer("weights", torch.full((components,), 1.0 / components))
        self.register_buffer("means", torch.zeros(components, latent_dim))
        self.register_buffer("cholesky", one.repeat(components, *[1] * one.dim()))
        self.register_buffer("fitted", torch.tensor(False))

    def fit(self, codes: Posterior, fitting: Fitting) -> None:
        """EM on the codes z [N, m], in float64, seeded from the generator.

        Raises:  ConfigError when there are fewer codes than components
        """
        if len(codes.z) < self.components:
            raise ConfigError(
                f"{len(codes.z)} codes cannot tell {self.components} components apart",
                where="prior.components",
                fix=f"ask for at most {len(codes.z)} components",
            )
        found = self._expectation_maximisation(codes.z, _seed(fitting.generator))
        spread = np.linalg.cholesky if self.covariance == "full" else np.sqrt
        self.weights.copy_(torch.from_numpy(found.weights_))
        self.means.copy_(torch.from_numpy(found.means_))
        self.cholesky.copy_(torch.from_numpy(spread(found.covariances_)))
        self.fitted.fill_(True)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """Codes z [n, m].

        Raises:  ConfigError before `fit`
        """
        self._check_fitted()
        noise = torch.randn(n, self.latent_dim, generator=generator, device=generator.device)
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)  # [n]
        if self.covariance == "diag":
            return self.means[k] + self.cholesky[k] * noise
        # every component's deviation [K, n, m], then a pick: far smaller than one matrix per code
        deviation = noise @ self.cholesky.mT
        return self.means[k] + deviation[k, torch.arange(n, device=k.device)]

    def log_prob(self, z: Tensor) -> Tensor:
        """log p(z), nats: z [n, m] -> [n].

        Raises:  ConfigError before `fit`
        """
        self._check_fitted()
        deviation = z - self.means[:, None]  # [K, n, m]
        if self.covariance == "diag":
            scale = self.cholesky  # [K, m]
            white = deviation / scale[:, None]
        else:
            scale = self.cholesky.diagonal(dim1=1, dim2=2)
            white = torch.linalg.solve_triangular(self.cholesky, deviation.mT, upper=False).mT
        log_norm = scale.log().sum(dim=1) + 0.5 * self.latent_dim * math.log(2.0 * math.pi)  # [K]
        log_joint = self.weights.log() - log_norm - 0.5 * white.square().sum(dim=2).T  # [n, K]
        return torch.logsumexp(log_joint, dim=1)

    def _expectation_maximisation(self, z: Tensor, seed: int) -> GaussianMixture:
        from sklearn.mixture import GaussianMixture

        mixture = GaussianMixture(
            self.components,
            covariance_type=self.covariance,
            max_iter=self.max_iter,
            tol=self.tol,
            reg_covar=self.reg_covar,
            random_state=seed,
        )
        return mixture.fit(z.detach().double().cpu().numpy())

    def _check_fitted(self) -> None:
        if not self.fitted:
            raise ConfigError(
                "this mixture has not been fitted to codes yet",
                where="prior.name",
                fix="let training end, which fits it",
            )


def _seed(generator: torch.Generator) -> int:
    """A seed for a library with its own generators."""
    return int(torch.randint(2**31 - 1, (), generator=generator, device=generator.device))
