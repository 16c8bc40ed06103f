"""A smooth loss as a norm of statsmodels' robust linear model."""

from typing import Any

import numpy as np

from ..checks import extra

with extra("robust", "this adapter"):
    from statsmodels.robust.norms import RobustNorm

from ..penalties import Penalty
from ..penalties.pieces import curvature

__all__ = ["Norm"]


class Norm(RobustNorm):
    """The norm ρ(z) = φ(z), for ``sm.RLM(y, X, M=Norm(phi))``, of residuals that RLM divides by their scale.

    Parameters
    ----------
    phi : Penalty
        A loss that is piecewise quadratic and differentiable, such as `WEEP`.
    """

    def __init__(self, phi: Penalty) -> None:
        self.phi = phi
        self.redescending = "hard" if phi.grad(np.inf) == 0 else "not"

    def rho(self, z: Any) -> Any:
        """φ(z)."""
        return self.phi(z)

    def psi(self, z: Any) -> Any:
        """φ'(z)."""
        return self.phi.grad(z)

    def weights(self, z: Any) -> Any:
        """φ'(z)/z, and its limit φ''(0) at zero."""
        z = np.asarray(z, dtype=float)
        safe = np.where(z == 0, 1, z)
        return np.where(z == 0, curvature(self.phi, z), self.phi.grad(safe) / safe)

    def psi_deriv(self, z: Any) -> Any:
        """φ''(z)."""
        return curvature(self.phi, np.asarray(z))
