"""WEEP, the weakly convex envelope of a piecewise penalty: equations (2) to (10)."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import compiled
from ..checks import floating, positive, real
from .base import evaluate
from .pieces import PiecewiseQuadratic


@dataclass(frozen=True)
class WEEP(PiecewiseQuadratic):
    r"""The WEEP penalty (4): quadratic near zero, concave in the middle, of slope b for large values.

    .. math::

        \bar h(x) = \begin{cases}
            \frac a2 x^2 & |x| \le x_1 \\
            m|x| + d - \frac12 x^2 & x_1 < |x| \le x_2 \\
            b|x| + c & |x| > x_2
        \end{cases}

    It is the largest 1-weakly convex function below the base penalty (2),
    :math:`h(x) = \frac a2 x^2` up to :math:`\sqrt{2/a}` and :math:`b|x| + c` beyond.

    Parameters
    ----------
    a : float
        Curvature at zero, a > 0. Larger is closer to sparse, and slower for a gradient method.
    b : float
        Slope for large values, :math:`0 \le b \le \sqrt{2a}`. At b = 0 they are not shrunk; at the upper end WEEP is a
        times the Huber loss with threshold :math:`\sqrt{2/a}`, and convex. The float ``math.sqrt(2 * a)`` stands for
        that end, on whichever side of it rounding has put it.
    scale : float, optional
        Unit s > 0 of the argument: :math:`\phi_s(x) = s^2\,\bar h(x/s)`. The curvature and both constants stay, and
        ``phi.prox`` keeps its step. The paper has s = 1.

    Attributes
    ----------
    x1, x2 : float
        Where the pieces meet, in units of x.
    m, d : float
        Slope and intercept of the common tangent of the two parabolas, in units of x and of x².
    c : float
        Intercept of the outer piece, in units of x².

    Raises
    ------
    TypeError
        If a parameter is not a real number.
    ValueError
        If a parameter is outside its domain. For :math:`b > \sqrt{2a}` the kink of (2) is convex already: the
        envelope is (2) itself, and (4) would be a smooth function below it that is not the largest.

    Notes
    -----
    With :math:`\delta = \sqrt{2a} - b`, the closed forms used here are sums of terms that are not negative, so that
    nothing cancels: :math:`x_1 = (b + \delta/\sqrt{a+1})/a`, :math:`x_2 = (b + \delta\sqrt{a+1})/a`,
    :math:`m = (a+1)x_1`, and :math:`c = (a - 2b^2)/(a + b\sqrt{2a})`. The differences :math:`2a - b^2` (for δ) and
    :math:`a - 2b^2` are taken in rational arithmetic, hence exactly.

    The gradient (9) and the prox (10) are a minimum and a maximum of straight lines; the chapters prove it.

    See Also
    --------
    weep.MCP : The limit for large a and b = 0.
    weep.Huber : The limit at the largest b.
    weep.certify : Its constants and its prox by brute force.

    References
    ----------
    T. Furuhashi, H. Hontani, T. Yokota, "WEEP: A Differentiable Nonconvex Sparse Regularizer via Weakly-Convex
    Envelope", arXiv:2507.20447, 2025.

    Examples
    --------
    >>> from weep import WEEP
    >>> phi = WEEP(a=10.0, b=0.1)
    >>> phi.grad([-5.0, 0.0, 5.0])
    array([-0.1,  0. ,  0.1])
    """

    a: float
    b: float
    scale: float = 1.0
    x1: float = field(init=False, repr=False, compare=False)
    x2: float = field(init=False, repr=False, compare=False)
    m: float = field(init=False, repr=False, compare=False)
    d: float = field(init=False, repr=False, compare=False)
    c: float = field(init=False, repr=False, compare=False)
    _delta: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        a, b, s = positive("a", self.a), real("b", self.b), positive("scale", self.scale)
        if not math.isfinite(2 * a) or not math.isfinite(2 / a):
            raise ValueError(f"a={self.a!r} must lie where 2a and 2/a do not overflow")
        limit = math.sqrt(2 * a)
        if not 0 <= b <= limit:
            raise ValueError(
                f"b={self.b!r} must lie in [0, sqrt(2a)] = [0, {limit!r}] for a={self.a!r}: a negative slope is no "
                "penalty, and above sqrt(2a) the base penalty (2) has a convex kink, so that it is its own 1-weakly "
                "convex envelope and (4) is not"
            )
        delta = 0.0 if b == limit else float(2 * Fraction(a) - Fraction(b) ** 2) / (limit + b)
        root = math.sqrt(a + 1)
        x1, x2 = (b + delta / root) / a, (b + delta * root) / a
        m = (a + 1) * x1
        derived = {
            "a": a,
            "b": b,
            "scale": s,
            "x1": s * x1,
            "x2": s * x2,
            "m": s * m,
            "d": -s * s * m * x1 / 2,
            "c": s * s * float(Fraction(a) - 2 * Fraction(b) ** 2) / (a + b * limit),
            "_delta": delta,
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        slope, end = self.a * self.x1, self.scale * self.b
        if self._delta == 0:  # the upper end of b, where no piece is concave
            return (0.0, 0.0, self.a), (self.x1, slope, 0.0)
        return (0.0, 0.0, self.a), (self.x1, slope, -1.0), (self.x2, end, 0.0)

    def base(self, x: ArrayLike) -> Any:
        """The base penalty (2) in the same units: what WEEP is the envelope of.

        Parameters
        ----------
        x : array_like of real numbers
            Any shape. Floating dtypes are kept, integers become float64.

        Returns
        -------
        ndarray or scalar
            Same shape and dtype.
        """

        def kernel(x: NDArray[Any]) -> NDArray[Any]:
            r, cap = np.abs(x), self.scale * math.sqrt(2 / self.a)
            value = (0.5 * self.a) * np.minimum(r, cap) ** 2
            if self.b > 0:  # else an infinite x would give 0 · inf
                value += self.scale * self.b * np.maximum(r - cap, 0)
            return value

        return evaluate(kernel, floating("x", x))

    def parameter_grads(self, x: ArrayLike) -> dict[str, Any]:
        r"""Derivatives of (9) by ``a``, ``b`` and ``scale``, elementwise; at the end of a piece, of the inner side.

        In the middle they come from the tangent, :math:`m = b\,\frac{r}{r+1} + \sqrt{2(a+1)/a}` with
        :math:`r = \sqrt{a+1}`, which is (8) once more.

        Parameters
        ----------
        x : array_like of real numbers
            Any shape. Floating dtypes are kept, integers become float64.

        Returns
        -------
        dict of str to ndarray or scalar
            Name of the parameter → derivative, of the shape of ``x``. To the inside at the ends of the domain of b.
        """
        x, a, b, s = floating("x", x), self.a, self.b, self.scale
        root = math.sqrt(a + 1)
        by_a = b / (2 * root * (root + 1) ** 2) - 1 / (a * math.sqrt(2 * a) * root)
        sign, piece = np.sign(x), np.searchsorted([self.x1, self.x2], np.abs(x))
        on_pieces = {"a": (0, s * by_a, 0), "b": (0, s * root / (root + 1), s), "scale": (0, self.m / s, b)}
        grads = {name: sign * np.array(values, x.dtype)[piece] for name, values in on_pieces.items()}
        return grads | {"a": np.where(piece == 0, x, grads["a"])[()]}

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        # The integral of (9), piece by piece: no term is negative, so nothing cancels.
        r = np.abs(x)
        inner = np.minimum(r, self.x1)
        middle = np.clip(r, self.x1, self.x2)
        value = (self.a * inner) * inner
        value += (middle - self.x1) * (self.a * self.x1 + (self.m - middle))
        value *= 0.5
        if self.b > 0:  # else an infinite x would give 0 · inf
            value += self.scale * self.b * np.maximum(r - self.x2, 0)
        return value

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        # For x ≥ 0, (9) is min(a x, max(m − x, b)).
        r = np.abs(x)
        outer = np.maximum(self.m - r, self.scale * self.b)
        return np.copysign(np.minimum(self.a * r, outer, out=outer), x, out=outer)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        r = np.abs(z)
        shrunk = r * (1 / (1 + step * self.a))
        shifted = r - step * (self.scale * self.b)
        if step < 1:
            # The inverse of x + step φ'(x), which is a minimum and a maximum of increasing lines.
            middle = (r - step * self.m) * (1 / (1 - step))
            np.maximum(shrunk, np.minimum(middle, shifted, out=middle), out=shifted)
        else:
            # No point of the concave piece is a minimum: the better of the other two, which tie at the threshold.
            np.copyto(shifted, shrunk, where=~(r > self._threshold(step)))
        return np.copysign(shifted, z, out=shifted)

    def _compiled(self, name: str, *step: float) -> tuple[Callable[..., Any], tuple[float, ...]] | None:
        fused = compiled.kernels("weep.penalties.fused")
        if fused is None:
            return None
        a, b = self.a, self.scale * self.b
        if name == "value":
            return fused.value, (a, b, self.m, self.x1, self.x2, a * self.x1, 0.5)
        if name == "grad":
            return fused.grad, (a, b, self.m)
        (t,) = step
        if t < 1:
            return fused.prox, (1 / (1 + t * a), t * self.m, 1 / (1 - t), t * b)
        return fused.prox_jump, (1 / (1 + t * a), t * b, self._threshold(t))

    def _threshold(self, step: float) -> float:
        """Where z/(1 + step·a) and z − step·b are equally good: the only tie, and only for step ≥ 1."""
        a, b = self.a, self.b
        return self.scale * (b / a + step * b + self._delta * math.sqrt(step + 1 / a) / math.sqrt(a))
