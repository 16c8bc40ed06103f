"""A piecewise quadratic penalty for the solvers of skglm, coordinate descent and FISTA among them."""

import math
from typing import Any

import numpy as np

from ..checks import extra, nonnegative

with extra("skglm", "this adapter"):
    from numba import bool_, float64
    from skglm.penalties.base import BasePenalty

__all__ = ["PieceWise", "penalty"]


def penalty(phi: Any, alpha: float) -> "PieceWise":
    """The penalty α Σ φ(w_j) of skglm, for a φ that is piecewise quadratic: `WEEP`, `Huber`, `MCP`, `CappedL1`, ...

    Parameters
    ----------
    phi : Penalty
        The penalty φ.
    alpha : float
        Weight α ≥ 0. (The loss of skglm's ``Quadratic`` is a mean: ‖y − Xw‖²/(2n).)

    Returns
    -------
    PieceWise
        To be given to ``skglm.GeneralizedLinearEstimator``.
    """
    if not phi.pieces:
        raise TypeError(f"{phi!r} is not piecewise quadratic: it has no pieces, which are needed here")
    return PieceWise(nonnegative("alpha", alpha), np.array(phi.pieces))


class PieceWise(BasePenalty):
    """What skglm compiles: the rows of ``pieces`` are start, end, value, slope and curvature of each piece."""

    def __init__(self, alpha: float, pieces: Any) -> None:
        self.alpha, self.pieces = alpha, pieces

    def get_spec(self) -> Any:
        """Types of the attributes."""
        return (("alpha", float64), ("pieces", float64[:, ::1]))

    def params_to_dict(self) -> dict[str, Any]:
        """Attributes by name."""
        return {"alpha": self.alpha, "pieces": self.pieces}

    def value(self, w: Any) -> float:
        """α Σ φ(w_j)."""
        total = 0.0
        for wj in w:
            p = self.pieces[np.searchsorted(self.pieces[1:, 0], abs(wj))]
            t = abs(wj) - p[0]
            total += p[2] + (p[3] + p[4] / 2 * t) * t
        return self.alpha * total

    def prox_1d(self, value: float, stepsize: float, j: int) -> float:
        """Prox of stepsize·αφ: the best of what the pieces propose."""
        r, step = abs(value), stepsize * self.alpha
        best, least = 0.0, r**2 / 2
        for p in self.pieces:
            rate = 1 + step * p[4]
            if rate > 0:
                x = min(max(p[0] + (r - p[0] - step * p[3]) / rate, p[0]), p[1])
                t = x - p[0]
                cost = step * (p[2] + (p[3] + p[4] / 2 * t) * t) + (x - r) ** 2 / 2
                if cost < least:
                    best, least = x, cost
        return math.copysign(best, value)

    def subdiff_distance(self, w: Any, grad: Any, ws: Any) -> Any:
        """How far ∂f/∂w_j + αφ'(w_j) is from zero; at zero, φ' is all that lies between the slopes of the two sides."""
        distance = np.empty_like(grad)
        for i, j in enumerate(ws):
            p = self.pieces[np.searchsorted(self.pieces[1:, 0], abs(w[j]))]
            slope = p[3] + p[4] * (abs(w[j]) - p[0])
            if w[j] == 0:
                distance[i] = max(abs(grad[i]) - self.alpha * slope, 0.0)
            else:
                distance[i] = abs(grad[i] + self.alpha * math.copysign(slope, w[j]))
        return distance

    def is_penalized(self, n_features: int) -> Any:
        """All features are."""
        return np.ones(n_features, bool_)

    def generalized_support(self, w: Any) -> Any:
        """All coefficients that are not zero. A differentiable penalty makes almost none zero."""
        return w != 0
