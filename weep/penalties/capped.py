"""Penalties that a cap makes flat: L0, the capped L1 norm and the capped L2 norm."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import positive
from .base import Penalty
from .pieces import PiecewiseQuadratic


@dataclass(frozen=True)
class L0(Penalty):
    """The counting penalty: φ(x) = 1 for x ≠ 0, and φ(0) = 0.

    The gradient is 0 everywhere; at 0, where φ jumps, that is one choice of many. The prox is hard thresholding at
    √(2 step): several libraries have other thresholds. At the threshold it returns 0.

    Examples
    --------
    >>> from weep import L0
    >>> L0().prox([-2.0, 0.3, 1.5], step=0.5)
    array([-2. ,  0. ,  1.5])
    """

    @property
    def lipschitz(self) -> float:
        """``inf``: the value itself jumps at 0."""
        return math.inf

    @property
    def weak_convexity(self) -> float:
        """``inf``: no parabola makes a jump convex."""
        return math.inf

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.isnan(x), x, x != 0)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.isnan(x), x, 0)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return np.where(np.abs(z) > math.sqrt(2 * step), z, 0 * z)


@dataclass(frozen=True)
class CappedL1(PiecewiseQuadratic):
    r"""The capped L1 norm: φ(x) = min(\|x\|, θ), flat beyond θ = ``theta``.

    The gradient at 0 is 0, the subgradient of least norm; at the kink \|x\| = θ, where the subdifferential is empty, it
    is that of the inner side, ±1. The prox jumps from soft thresholding to z at θ + step/2, and, if step > 2θ, from 0
    to z at :math:`\sqrt{2\,\text{step}\,\theta}`. Soft thresholding below θ + step and z beyond, which one may read off
    the derivative, is a stationary point but not always the minimiser.

    Parameters
    ----------
    theta : float
        The cap θ > 0.

    References
    ----------
    D. Peleg, R. Meir, "A bilinear formulation for vector sparsity optimization", Signal Process. 88(2), 2008.
    T. Zhang, "Analysis of multi-stage convex relaxation for sparse regularization", J. Mach. Learn. Res. 11, 2010.

    Examples
    --------
    >>> from weep import CappedL1
    >>> CappedL1(theta=1.0).prox([0.5, 1.0, 3.0], step=0.25)
    array([0.25, 0.75, 3.  ])
    """

    theta: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", positive("theta", self.theta))

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return (0.0, 1.0, 0.0), (self.theta, 0.0, 0.0)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.minimum(np.abs(x), self.theta)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.abs(x) > self.theta, 0, np.sign(x))

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        r = np.abs(z)
        short = step <= 2 * self.theta
        jump = self.theta + step / 2 if short else math.sqrt(2 * step * self.theta)
        return np.where(r > jump, z, np.copysign(np.maximum(r - step, 0), z))


@dataclass(frozen=True)
class CappedL2(PiecewiseQuadratic):
    r"""The capped L2 norm: φ(x) = min(a x²/2, 1), flat beyond :math:`\sqrt{2/a}`.

    The gradient at the kink :math:`|x| = \sqrt{2/a}`, where the subdifferential is empty, is that of the inner side,
    a x. The prox is z/(1 + step·a) up to :math:`\sqrt{2(1 + \text{step}\,a)/a}`, and z beyond.

    Parameters
    ----------
    a : float
        Curvature at zero, a > 0.

    References
    ----------
    E. Strekalovskiy, D. Cremers, "Real-time minimization of the piecewise smooth Mumford-Shah functional", ECCV 2014.

    Examples
    --------
    >>> from weep import CappedL2
    >>> CappedL2(a=2.0)([0.5, 1.0, 3.0])
    array([0.25, 1.  , 1.  ])
    """

    a: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "a", positive("a", self.a))

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        return (0.0, 0.0, self.a), (math.sqrt(2 / self.a), 0.0, 0.0)

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.minimum((0.5 * self.a * x) * x, 1)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.where(np.abs(x) > math.sqrt(2 / self.a), 0, self.a * x)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return np.where(np.abs(z) > math.sqrt(2 * (step + 1 / self.a)), z, z * (1 / (1 + step * self.a)))
