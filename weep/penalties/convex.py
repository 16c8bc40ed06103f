"""The convex classics: L1, L2 and Huber."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import positive
from .pieces import PiecewiseQuadratic


@dataclass(frozen=True)
class L1(PiecewiseQuadratic):
    """The absolute value, φ(x) = \\|x\\|.

    The gradient at 0 is 0, the subgradient of least norm. The prox is soft thresholding.

    References
    ----------
    R. Tibshirani, "Regression shrinkage and selection via the lasso", J. R. Stat. Soc. B 58(1), 1996.

    Examples
    --------
    >>> from weep import L1
    >>> L1().prox([-2.0, 0.3, 1.0], step=0.5)
    array([-1.5,  0. ,  0.5])
    """

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return ((0.0, 1.0, 0.0),)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.abs(x)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.sign(x)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return np.copysign(np.maximum(np.abs(z) - step, 0), z)


@dataclass(frozen=True)
class L2(PiecewiseQuadratic):
    """Half the square, φ(x) = x²/2. The prox is z/(1 + step).

    Examples
    --------
    >>> from weep import L2
    >>> L2().prox([-2.0, 0.3, 1.0], step=1.0)
    array([-1.  ,  0.15,  0.5 ])
    """

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return ((0.0, 0.0, 1.0),)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return 0.5 * x * x

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return x

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return z / (1 + step)


@dataclass(frozen=True)
class Huber(PiecewiseQuadratic):
    """The Huber loss: φ(x) = x²/2 up to δ = ``delta``, then δ\\|x\\| − δ²/2.

    Parameters
    ----------
    delta : float, optional
        Threshold δ > 0. The default has 95 % efficiency for Gaussian residuals of unit variance.

    Notes
    -----
    The prox shrinks by 1/(1 + step) up to (1 + step)δ, and moves by step·δ beyond: a maximum of the two.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35(1), 1964.

    Examples
    --------
    >>> from weep import Huber
    >>> Huber(delta=1.0).grad([-3.0, 0.5, 3.0])
    array([-1. ,  0.5,  1. ])
    """

    delta: float = 1.345

    def __post_init__(self) -> None:
        object.__setattr__(self, "delta", positive("delta", self.delta))

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return (0.0, 0.0, 1.0), (self.delta, self.delta, 0.0)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        r = np.abs(x)
        inner = np.minimum(r, self.delta)
        return inner * (r - 0.5 * inner)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.clip(x, -self.delta, self.delta)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        r = np.abs(z)
        return np.copysign(np.maximum(r * (1 / (1 + step)), r - step * self.delta), z)
