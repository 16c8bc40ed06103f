"""A smooth loss as a norm of statsmodels' robust linear model."""

from typing import Any

import numpy as np

from ..checks import extra

with extra("robust", "this adapter"):
    from statsmodels.robust.norms import RobustNorm

from ..penalties import Penalty
from ..regression.problem import NEAR, second_derivative, smooth

__all__ = ["Norm"]


class Norm(RobustNorm):
    """The norm ρ(z) = φ(z), for ``sm.RLM(y, X, M=Norm(phi))``, of residuals that RLM divides by their scale.

    Parameters
    ----------
    phi : Penalty
        A loss with a derivative that is Lipschitz, such as `WEEP` or `Tukey`.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty.
    ValueError
        If ``phi`` has a kink: the weight of a residual of zero would be infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import statsmodels.api as sm
    >>> from weep import WEEP
    >>> from weep.interop.statsmodels import Norm
    >>> X = sm.add_constant(np.arange(8.0))
    >>> y = 2 * np.arange(8.0) + np.array([0.1, -0.1, 0.0, 0.1, -0.1, 0.0, 0.1, 50.0])
    >>> sm.RLM(y, X, M=Norm(WEEP(2.0, 0.0, scale=3.0))).fit().params[1:].round(1)
    array([2.])
    """

    def __init__(self, phi: Penalty) -> None:
        self.phi = smooth("phi", phi)
        self.redescending = "hard" if phi.grad(np.inf) == 0 else "not"

    def rho(self, z: Any) -> Any:
        """φ(z)."""
        return self.phi(z)

    def psi(self, z: Any) -> Any:
        """φ'(z)."""
        return self.phi.grad(z)

    def weights(self, z: Any) -> Any:
        """φ'(z)/z, and its limit φ''(0) at zero."""
        z = np.maximum(np.abs(np.asarray(z, dtype=float)), NEAR)
        return self.phi.grad(z) / z

    def psi_deriv(self, z: Any) -> Any:
        """φ''(z)."""
        return second_derivative(self.phi, np.asarray(z, dtype=float))
