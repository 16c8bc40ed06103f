"""Deep weight factorisation: a sparse penalty hidden behind a reparametrisation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import floating, integer
from .base import Penalty
from .convex import L1
from .folded import Lp


@dataclass(frozen=True)
class DWF:
    r"""Deep weight factorisation: x is the product of D factors, and each factor has a squared penalty.

    .. math::

        x = \omega_1 \cdots \omega_D, \qquad
        \min_{\omega_1\cdots\omega_D = x} \; \frac1D \sum_{d=1}^{D} \omega_d^2 = |x|^{2/D}

    This is the inequality between arithmetic and geometric mean of the :math:`\omega_d^2`, with equality where all
    factors have the same magnitude. So an objective f(x) plus a weight times the squares has the minima of f(x) plus
    the same weight times :math:`|x|^{2/D}`: L1 for D = 2, `Lp` below. The objective in the factors is as smooth as f,
    but it is stationary where all of them vanish, whatever f is, and for D > 2 that is a local minimum.

    Parameters
    ----------
    depth : int
        The number of factors D, at least 2.

    References
    ----------
    C. Kolb, T. Weber, B. Bischl, D. Rügamer, "Deep weight factorization: sparse learning through the lens of artificial
    symmetries", ICLR 2025. For D = 2: P. D. Hoff, "Lasso, fractional norm and structured sparse estimation using a
    Hadamard product parametrization", Comput. Stat. Data Anal. 115, 2017.

    Examples
    --------
    >>> from weep import DWF
    >>> phi = DWF(depth=2)
    >>> phi.collapse([[2.0, 0.5], [3.0, 1.0]])
    array([6. , 0.5])
    """

    depth: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "depth", integer("depth", self.depth, least=2))

    @property
    def induced(self) -> Penalty:
        """The penalty on x: L1 or Lp(2/D)."""
        return L1() if self.depth == 2 else Lp(2 / self.depth)

    def factors(self, x: ArrayLike) -> NDArray[Any]:
        """Balanced factors of x, stacked along a new first axis; the first of them carries the sign."""
        x = floating("x", x)
        size = np.abs(x) ** (1 / self.depth)
        return np.stack([np.copysign(size, x), *[size] * (self.depth - 1)])

    def collapse(self, factors: ArrayLike) -> Any:
        """The product x of factors that lie along the first axis."""
        return np.prod(self._stack(factors), axis=0)

    def penalty(self, factors: ArrayLike) -> Any:
        """Mean square of the factors, elementwise in x: at least ``induced(collapse(factors))``."""
        return np.mean(self._stack(factors) ** 2, axis=0)

    def pull_back(self, factors: ArrayLike, slope: ArrayLike, weight: float) -> NDArray[Any]:
        """Gradient in the factors of f(collapse) + weight·Σ penalty, from the slope of f in x."""
        stack = self._stack(factors)
        others = np.stack([np.prod(np.delete(stack, d, axis=0), axis=0) for d in range(self.depth)])
        return np.asarray(slope) * others + (2 * weight / self.depth) * stack

    def _stack(self, factors: ArrayLike) -> NDArray[Any]:
        stack = floating("factors", factors)
        if stack.ndim == 0 or stack.shape[0] != self.depth:
            raise ValueError(f"factors must have {self.depth} entries along the first axis, not shape {stack.shape}")
        return stack
