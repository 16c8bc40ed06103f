"""A penalty as an operator of PyProximal, for its ADMM, its proximal gradient, and all its other solvers."""

from typing import Any

import numpy as np

from ..checks import extra, positive

with extra("pyproximal", "this adapter"):
    from pyproximal import ProxOperator
    from pyproximal.ProxOperator import _check_tau

from ..penalties import Penalty
from ..penalties.base import penalty

__all__ = ["Separable"]


class Separable(ProxOperator):
    """The function σ Σ φ(x_i), as PyProximal sees it: its ``prox(x, tau)`` has the step τσ.

    Parameters
    ----------
    phi : Penalty
        The penalty.
    sigma : float, optional
        Weight σ > 0.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty, or ``sigma`` no real number.
    ValueError
        If ``sigma`` is not above zero.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP
    >>> from weep.interop.pyproximal import Separable
    >>> f = Separable(WEEP(10.0, 0.1), sigma=1.0)
    >>> f.prox(np.array([0.1, 3.0]), 0.5).round(3)
    array([0.017, 2.95 ])
    """

    def __init__(self, phi: Penalty, sigma: float = 1.0) -> None:
        super().__init__(None, np.isfinite(penalty("phi", phi).lipschitz))
        self.phi, self.sigma = phi, positive("sigma", sigma)

    def __call__(self, x: Any) -> float:
        return self.sigma * float(np.sum(self.phi(x)))

    @_check_tau
    def prox(self, x: Any, tau: Any) -> Any:
        """Prox of τσφ, elementwise; τ may be an array, of one step for each entry."""
        if np.ndim(tau) == 0:
            return self.phi.prox(x, self.sigma * float(tau))
        x, tau = np.broadcast_arrays(x, tau)
        out = np.empty(x.shape, np.result_type(x, 0.0))
        for step in np.unique(tau):
            out[tau == step] = self.phi.prox(x[tau == step], self.sigma * float(step))
        return out

    @_check_tau
    def proxdual(self, x: Any, tau: Any) -> Any:
        """Prox of τ times the conjugate, by Moreau's decomposition."""
        return self._proxdual_moreau(x, tau)

    def grad(self, x: Any) -> Any:
        """The gradient σφ'(x), elementwise."""
        return self.sigma * self.phi.grad(x)
