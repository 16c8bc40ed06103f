"""A penalty as an operator of PyProximal, for its ADMM, its proximal gradient, and all its other solvers."""

from typing import Any

import numpy as np

from ..checks import extra

with extra("pyproximal", "this adapter"):
    from pyproximal import ProxOperator
    from pyproximal.ProxOperator import _check_tau

from ..penalties import Penalty

__all__ = ["Separable"]


class Separable(ProxOperator):
    """The function σ Σ φ(x_i), as PyProximal sees it: its ``prox(x, tau)`` has the step τσ.

    Parameters
    ----------
    phi : Penalty
        The penalty.
    sigma : float, optional
        Weight σ > 0.
    """

    def __init__(self, phi: Penalty, sigma: float = 1.0) -> None:
        super().__init__(None, np.isfinite(phi.lipschitz))
        self.phi, self.sigma = phi, sigma

    def __call__(self, x: Any) -> float:
        return self.sigma * float(np.sum(self.phi(x)))

    @_check_tau
    def prox(self, x: Any, tau: float) -> Any:
        """Prox of τσφ, elementwise."""
        return self.phi.prox(x, self.sigma * tau)

    @_check_tau
    def proxdual(self, x: Any, tau: float) -> Any:
        """Prox of τ times the conjugate, by Moreau's decomposition."""
        return self._proxdual_moreau(x, tau)

    def grad(self, x: Any) -> Any:
        """The gradient σφ'(x), elementwise."""
        return self.sigma * self.phi.grad(x)
