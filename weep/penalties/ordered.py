"""Penalties that act on a whole vector through the order of its magnitudes: ROWL, its continuous relaxation, RSSS."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import floating, positive, real

Array = NDArray[Any]


@dataclass(frozen=True)
class Ordered(ABC):
    r"""What they share: weights :math:`0 \le w_1 \le \dots \le w_n` for the magnitudes, from the largest down.

    The largest magnitude has the smallest weight, so that large entries are spared. By the rearrangement inequality
    such a sum is the *least* over all ways to hand out the weights. It is a minimum of separable penalties, has concave
    kinks where magnitudes tie, and is weakly convex only if all weights are equal.

    Vectors are one-dimensional and as long as the weights. Among equal magnitudes, the first entry counts as the
    largest: this decides gradient and prox there, where each has several values.

    Parameters
    ----------
    weights : sequence of float
        Not negative, not decreasing, at least one.
    """

    weights: Sequence[float]

    def __post_init__(self) -> None:
        weights = tuple(real("weights", w) for w in self.weights)
        if not weights or weights[0] < 0 or any(b < a for a, b in pairwise(weights)):
            raise ValueError(f"weights={self.weights!r} must not be empty, negative or decreasing")
        object.__setattr__(self, "weights", weights)

    @property
    def weak_convexity(self) -> float:
        """``inf``: the kink where two magnitudes tie is concave; 0 if all weights are equal."""
        return 0.0 if self.weights[0] == self.weights[-1] else math.inf

    def __call__(self, x: ArrayLike) -> float:
        """Value at a vector."""
        return self._value(-np.sort(-np.abs(self._vector("x", x))), np.asarray(self.weights))

    def grad(self, x: ArrayLike) -> Array:
        """Gradient at a vector: at a kink, the one that the order of the entries names, and 0 for an entry of 0."""
        return self._restore(self._grad, self._vector("x", x))

    def prox(self, z: ArrayLike, step: float) -> Array:
        """Global minimiser of ``step·φ(x) + ‖x − z‖²/2`` over vectors x.

        Parameters
        ----------
        z : array_like of real numbers
            One-dimensional, as long as the weights.
        step : float
            Weight of the penalty, above zero.

        Returns
        -------
        ndarray
            Same shape and floating dtype as ``z``.

        Raises
        ------
        TypeError, ValueError
            If ``z`` or ``step`` lie outside their domain.
        """
        step = positive("step", step)
        return self._restore(lambda r, w: self._prox(r, w, step), self._vector("z", z))

    def _vector(self, name: str, x: ArrayLike) -> Array:
        vector = floating(name, x)
        if vector.shape != (len(self.weights),):
            raise ValueError(f"{name} must have the shape ({len(self.weights)},) of the weights, not {vector.shape}")
        return vector

    def _restore(self, kernel: Any, x: Array) -> Array:
        """Apply a kernel of sorted magnitudes, and give the result the order and signs of x."""
        order = np.argsort(-np.abs(x), kind="stable")
        result = np.empty_like(x)
        result[order] = kernel(np.abs(x)[order], np.asarray(self.weights))
        return np.where(np.isnan(x), x, np.sign(x) * result)

    # The kernels take magnitudes r from the largest to the smallest, and the weights w beside them.
    @abstractmethod
    def _value(self, r: Array, w: Array) -> float: ...

    @abstractmethod
    def _grad(self, r: Array, w: Array) -> Array: ...

    @abstractmethod
    def _prox(self, r: Array, w: Array, step: float) -> Array: ...


@dataclass(frozen=True)
class ROWL(Ordered):
    r"""The reverse ordered weighted L1 penalty, :math:`\phi(x) = \sum_i w_i |x|_{(i)}`.

    The prox is soft thresholding of the i-th largest magnitude by step·w_i, for every step. Proof: φ is the least sum
    over the permutations of w, hence so is its Moreau envelope, with the Huber functions :math:`H_w(z)` as terms; and
    :math:`\partial^2 H_w(z)/\partial w\,\partial z \ge 0` for z > 0, so that pairing large z with small w is best. At
    a tie of magnitudes the prox is set-valued, and jumps.

    Parameters
    ----------
    weights : sequence of float
        Not negative, not decreasing.

    References
    ----------
    T. Sasaki, Y. Bandoh, M. Kitahara, "Sparse regularization based on reverse ordered weighted L1-norm and its
    application to edge-preserving smoothing", ICASSP 2024. We have not seen its text: the formula above is our reading
    of the name. The ordered weighted L1 norm has decreasing weights and is convex; its prox (with its averaging over
    neighbours) is not the one for increasing weights.

    Examples
    --------
    >>> from weep import ROWL
    >>> float(ROWL([0.0, 1.0, 1.0])([3.0, -1.0, 0.5]))
    1.5
    """

    def _value(self, r: Array, w: Array) -> float:
        return float(w @ r)

    def _grad(self, r: Array, w: Array) -> Array:
        return w

    def _prox(self, r: Array, w: Array, step: float) -> Array:
        return np.maximum(r - step * w, 0)


@dataclass(frozen=True)
class RSSS(Ordered):
    r"""The reverse sorted sum of squares, :math:`\phi(x) = \tfrac12\sum_i w_i |x|_{(i)}^2`.

    The prox divides the i-th largest magnitude by 1 + step·w_i, for every step: by the argument given for `ROWL`, with
    :math:`w z^2/(2 + 2w)` as the terms. It never makes a zero of anything else. φ is a difference of convex functions:
    with :math:`\bar w = w_n`, it is :math:`\bar w\|x\|^2/2` minus the sorted sum of squares with weights
    :math:`\bar w - w_i`, which decrease.

    Parameters
    ----------
    weights : sequence of float
        Not negative, not decreasing. Zeros for the first K leave the K largest entries alone.

    References
    ----------
    T. Sasaki, K. Hayase, M. Kitahara, S. Ono, "Sparse regularization with reverse sorted sum of squares via an unrolled
    difference-of-convex approach", IEEE Open J. Signal Process. 6, 2025. We have not seen its text: the formula
    above is our reading of the name, and the factor 1/2 is ours.

    Examples
    --------
    >>> from weep import RSSS
    >>> float(RSSS([0.0, 1.0, 1.0])([3.0, -1.0, 0.5]))
    0.625
    """

    def _value(self, r: Array, w: Array) -> float:
        return float(w @ (r * r)) / 2

    def _grad(self, r: Array, w: Array) -> Array:
        return w * r

    def _prox(self, r: Array, w: Array, step: float) -> Array:
        return r / (1 + step * w)


@dataclass(frozen=True)
class EROWL(Ordered):
    r"""The continuous relaxation of `ROWL`: the 1-weakly convex envelope (3) of it, in n dimensions.

    The conjugate of ROWL plus half the squared norm is :math:`G(u) = \tfrac12\sum_i (|u|_{(i)} - w_i)_+^2`. For a step
    t < 1, the optimality condition of the prox reads :math:`u = \mathrm{prox}_{\mu G}(z/t)` with μ = (1 − t)/t and
    :math:`x = (z - t u)/(1 - t)`. On sorted vectors G is separable: its prox, and the value, are isotonic regressions,
    which pooling of neighbours solves exactly. From step 1 on the prox is not unique in general, and refused.

    Parameters
    ----------
    weights : sequence of float
        Not negative, not decreasing.

    References
    ----------
    M. Yukawa, "Continuous relaxation of discontinuous shrinkage operator: proximal inclusion and conversion", IEEE Open
    J. Signal Process. 6, 2025. Its relaxation of a shrinkage T is the inverse of
    :math:`(T^{-1} + \delta I)/(1 + \delta)`; that is the prox of
    this envelope with step 1/(1 + δ). We derived the formulas above from this.

    Examples
    --------
    >>> from weep import EROWL
    >>> EROWL([0.0, 1.0, 1.0]).prox([3.0, -1.0, 0.5], step=0.5).round(2)
    array([ 3. , -0.5,  0. ])
    """

    @property
    def weak_convexity(self) -> float:
        """1, by construction; 0 if all weights are equal."""
        return 0.0 if self.weights[0] == self.weights[-1] else 1.0

    def _value(self, r: Array, w: Array) -> float:
        u = _isotonic(r, w, 0.0, 1.0)
        return float(r @ u - np.sum(np.maximum(u - w, 0) ** 2) / 2 - r @ r / 2)

    def _grad(self, r: Array, w: Array) -> Array:
        return _isotonic(r, w, 0.0, 1.0) - r

    def _prox(self, r: Array, w: Array, step: float) -> Array:
        if step >= 1:
            raise ValueError(f"step={step!r} must be less than 1, where the prox is certainly unique")
        u = _isotonic(r / step, w, 1.0, (1 - step) / step)
        return np.maximum((r - step * u) / (1 - step), 0)


def _isotonic(y: Array, w: Array, alpha: float, mu: float) -> Array:
    r"""Minimise :math:`\sum_i \alpha u_i^2/2 - y_i u_i + \mu (u_i - w_i)_+^2/2` over u that do not increase.

    Neighbours in the wrong order are pooled. In a pool, the derivative is the largest of affine functions, one for each
    number k of weights below u: its root is the least of theirs.
    """

    def level(start: int, end: int) -> float:
        k = np.arange(0 if alpha > 0 else 1, end - start + 1)
        below = np.r_[0.0, np.cumsum(w[start:end])][k]
        return float(np.min((np.sum(y[start:end]) + mu * below) / (alpha * (end - start) + mu * k)))

    pools: list[tuple[int, float]] = []  # where each begins, and its level
    for i in range(len(y)):
        start, u = i, level(i, i + 1)
        while pools and pools[-1][1] < u:
            start = pools.pop()[0]
            u = level(start, i + 1)
        pools.append((start, u))
    lengths = np.diff([*(start for start, _ in pools), len(y)])
    return np.repeat([u for _, u in pools], lengths)
