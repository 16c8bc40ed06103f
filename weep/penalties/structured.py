r"""Penalties on groups and on matrices: a scalar penalty of lengths, or of singular values.

All facts about them rest on one: if g is convex and even, then :math:`g(\|x\|)` and :math:`\sum_i g(\sigma_i(X))` are
convex. With :math:`g = \phi + \frac w2 x^2` it gives the modulus of weak convexity, and with
:math:`g = \frac L2 x^2 \pm \phi` the Lipschitz constant of the gradient: both are those of the scalar penalty.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import ArrayLike, NDArray

from ..checks import floating, integer, positive
from . import arrays
from .base import Penalty, Wrapper, penalty

__all__ = ["Grouped", "Spectral", "Structured"]

#: What rounding may take off a slope or a value that should not fall.
ROUNDING = 1e-12


@dataclass(frozen=True)
class Structured(Wrapper, ABC):
    """A penalty on arrays that a scalar penalty makes.

    The scalar penalty must be even, or lengths and singular values, which are never negative, would not see what it is
    on the left of 0. It must not decrease in \\|x\\|, or the prox of zero would be a whole sphere for long steps. A
    piecewise quadratic penalty is checked by its slopes, any other at values from 1e-9 to 1e9.

    NaN in a group or a matrix gives NaN for all of it, and so does infinity in a gradient or a prox.

    Parameters
    ----------
    phi : Penalty
        The scalar penalty.
    """

    phi: Penalty

    def __post_init__(self) -> None:
        phi = penalty("phi", self.phi)
        if not _is_even(phi):
            raise ValueError(f"phi={phi!r} must be even: a length or a singular value has no sign")
        if not _rises(phi):
            raise ValueError(f"phi={phi!r} must not decrease in |x|: its prox at zero would have no direction")

    def __call__(self, x: ArrayLike) -> Any:
        """Value at an array.

        Parameters
        ----------
        x : array_like of real numbers, or an array of another library
            Of a shape that the class can group.

        Returns
        -------
        float or array
            In double precision for NumPy. An array of another library gives one of the same type.

        Raises
        ------
        TypeError, ValueError
            If ``x`` does not hold real numbers, or has too few axes.
        """
        if arrays.foreign(x):
            return arrays.elementwise(self._value, "x", self._fit("x", x), None)
        return np.asarray(self._plain(self._value, "x", x), np.float64)[()]

    def grad(self, x: ArrayLike) -> Any:
        """Gradient at an array; where the scalar penalty has a kink, the element of the subdifferential that it names.

        Parameters
        ----------
        x : array_like of real numbers, or an array of another library
            Floating dtypes are kept, integers become float64.

        Returns
        -------
        array
            Same kind, shape and dtype.

        Raises
        ------
        TypeError, ValueError
            If ``x`` does not hold real numbers, or has too few axes.
        """

        def kernel(x: Any) -> Any:
            return self._scaled(x, self.phi.grad, lambda bend: bend)

        if arrays.foreign(x):
            return arrays.elementwise(kernel, "x", self._fit("x", x), None)
        return self._plain(kernel, "x", x)

    def prox(self, z: ArrayLike, step: float) -> Any:
        """Proximal operator: a global minimiser of ``step·Φ(x) + ‖x − z‖²/2`` over arrays x, for every step.

        Where two points tie, the one nearer to zero is returned, as by the scalar prox. Among equal singular values a
        tie is broken alike for all.

        Parameters
        ----------
        z : array_like of real numbers, or an array of another library
            Floating dtypes are kept, integers become float64.
        step : float
            The weight of the penalty, above zero.

        Returns
        -------
        array
            Same kind, shape and dtype as ``z``.

        Raises
        ------
        TypeError, ValueError
            If ``z`` or ``step`` are not real, ``step`` is not finite and above zero, or ``z`` has too few axes.
        """
        step = positive("step", step)

        def kernel(z: Any) -> Any:
            return self._scaled(z, lambda r: self.phi.prox(r, step), lambda bend: 1 / (1 + step * bend))

        if arrays.foreign(z):
            return arrays.elementwise(kernel, "z", self._fit("z", z), None)
        return self._plain(kernel, "z", z)

    def _plain(self, kernel: Callable[[Any], Any], name: str, x: ArrayLike) -> Any:
        """Apply a kernel to a NumPy array: in single precision at least, and no warning where values overflow."""
        array = self._fit(name, floating(name, x))
        with np.errstate(over="ignore", under="ignore", invalid="ignore", divide="ignore"):
            out = kernel(array.astype(np.float32) if array.dtype.char == "e" else array)
        return out.astype(array.dtype) if isinstance(out, np.ndarray) and out.shape == array.shape else out

    @abstractmethod
    def _fit(self, name: str, x: Any) -> Any:
        """The array, or an error if its shape does not fit."""

    @abstractmethod
    def _value(self, x: Any) -> Any: ...

    @abstractmethod
    def _scaled(self, x: Any, of_size: Callable[[Any], Any], at_zero: Callable[[float], float]) -> Any:
        """Change sizes (lengths, singular values) by a function, and keep directions.

        ``at_zero`` takes the curvature of φ at zero to the rate of the change there, for derivatives of the result.
        """


@dataclass(frozen=True)
class Grouped(Structured):
    r"""A penalty on the lengths of groups, :math:`\Phi(x) = \sum_g \phi(\|x_g\|_2)`.

    A group is either spared or shrunk as a whole. The prox is radial: it keeps the direction of each group, and its
    length becomes the scalar prox of the length.

    Parameters
    ----------
    phi : Penalty
        The scalar penalty: even, and not decreasing in \|x\|.
    axis : int or tuple of int
        The axis, or axes, that a group extends over. All other axes number the groups.

    Raises
    ------
    TypeError
        If ``phi`` is no scalar penalty, or an axis no integer.
    ValueError
        If ``phi`` is not even or decreases, or an axis is named twice.

    References
    ----------
    M. Yuan, Y. Lin, "Model selection and estimation in regression with grouped variables", J. R. Stat. Soc. B 68, 2006,
    for L1; P. Breheny, J. Huang, "Group descent algorithms for nonconvex penalized linear and logistic regression
    models with grouped predictors", Stat. Comput. 25, 2015, for MCP and SCAD.

    Examples
    --------
    >>> from weep import L1
    >>> from weep.penalties import Grouped
    >>> Grouped(L1(), axis=1).prox([[3.0, 4.0], [0.6, 0.8]], step=2.5)
    array([[1.5, 2. ],
           [0. , 0. ]])
    """

    axis: int | tuple[int, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.axis if isinstance(self.axis, tuple | list) else (self.axis,)
        axes = tuple(integer("axis", k) for k in given)
        if len(set(axes)) < len(axes):
            raise ValueError(f"axis={self.axis!r} must not name an axis twice")
        object.__setattr__(self, "axis", axes[0] if len(axes) == 1 else axes)

    def _fit(self, name: str, x: Any) -> Any:
        axes = self._axes
        if any(not -x.ndim <= k < x.ndim for k in axes) or len({k % x.ndim for k in axes}) < len(axes):
            raise ValueError(f"axis={self.axis!r} must name axes of {name}, which has the shape {tuple(x.shape)}")
        return x

    @property
    def _axes(self) -> tuple[int, ...]:
        return self.axis if isinstance(self.axis, tuple) else (self.axis,)

    def _value(self, x: Any) -> Any:
        xp = array_namespace(x)
        return xp.sum(self.phi(self._polar(xp, x)[1]), dtype=None if arrays.foreign(x) else np.float64)

    def _scaled(self, x: Any, of_size: Callable[[Any], Any], at_zero: Callable[[float], float]) -> Any:
        xp = array_namespace(x)
        direction, length = self._polar(xp, x)
        out = direction * of_size(length)
        return xp.where(length == 0, _rate(self.phi, at_zero) * x, out) if arrays.foreign(x) else out

    def _polar(self, xp: Any, x: Any) -> tuple[Any, Any]:
        """Direction and length of each group, which has length 1 where it does not reduce; no square overflows.

        No root is taken of zero, where it has no derivative: there, the direction is x itself.
        """
        axes = self._axes
        if math.prod(x.shape) == 0 or not axes:  # nothing to compare, or groups of one entry
            return xp.sign(x), xp.sum(xp.abs(x), axis=axes, keepdims=True) if axes else xp.abs(x)
        top = xp.max(xp.abs(x), axis=axes, keepdims=True)
        zero = top == 0
        unit = xp.where(zero | (top == math.inf), xp.ones_like(top), top)
        y = x / unit
        squares = xp.sum(y * y, axis=axes, keepdims=True)
        size = xp.sqrt(xp.where(zero, xp.ones_like(squares), squares))
        return y / size, xp.where(zero, xp.zeros_like(size), unit * size)


@dataclass(frozen=True)
class Spectral(Structured):
    r"""A penalty on singular values, :math:`\Phi(X) = \sum_i \phi(\sigma_i(X))`: of low rank where φ is sparse.

    Gradient and prox keep the singular vectors, and change the singular values as the scalar ones do. With `L1` this is
    the nuclear norm, and the prox thresholds singular values.

    More than two axes are a stack of matrices: the value has one entry for each, and gradient and prox treat each by
    itself.

    Parameters
    ----------
    phi : Penalty
        The scalar penalty: even, and not decreasing in \|x\|.

    Raises
    ------
    TypeError, ValueError
        If ``phi`` is no scalar penalty, is not even or decreases.

    References
    ----------
    A. S. Lewis, "The convex analysis of unitarily invariant matrix functions", J. Convex Anal. 2, 1995.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import L1
    >>> from weep.penalties import Spectral
    >>> Spectral(L1()).prox(np.diag([3.0, 1.0]), step=1.5)
    array([[1.5, 0. ],
           [0. , 0. ]])
    """

    def _fit(self, name: str, x: Any) -> Any:
        if x.ndim < 2:
            raise ValueError(f"{name} must be a matrix or a stack of matrices, not of the shape {tuple(x.shape)}")
        return x

    def _value(self, x: Any) -> Any:
        xp = array_namespace(x)
        if arrays.foreign(x):
            return xp.sum(self.phi(xp.linalg.svdvals(x)), axis=-1)
        matrix, bad = _solvable(x)
        values = np.sum(self.phi(np.linalg.svd(matrix, compute_uv=False)), axis=-1, dtype=np.float64)
        return np.where(bad[..., 0, 0], np.nan, values)

    def _scaled(self, x: Any, of_size: Callable[[Any], Any], at_zero: Callable[[float], float]) -> Any:
        xp = array_namespace(x)
        matrix, bad = (x, None) if arrays.foreign(x) else _solvable(x)
        left, sizes, right = xp.linalg.svd(matrix, full_matrices=False)
        out = (left * of_size(sizes)[..., None, :]) @ right
        return out if bad is None else np.where(bad, np.nan, out)


def _solvable(x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Matrices that LAPACK takes, and which of them hold NaN or infinity and were set to zero."""
    bad = ~np.all(np.isfinite(x), axis=(-2, -1), keepdims=True)
    return np.where(bad, 0, x).astype(x.dtype if x.dtype.char in "fd" else np.float64, copy=False), bad


def _rate(phi: Penalty, at_zero: Callable[[float], float]) -> float:
    """The rate of a change at zero, where a piecewise quadratic penalty has no kink; else 0, as beside the kink."""
    first = phi.pieces[0]
    return 0.0 if first.slope else at_zero(first.curvature)


def _is_even(phi: Penalty) -> bool:
    return bool(phi.pieces) or bool(np.allclose(phi(-_SAMPLES), phi(_SAMPLES), rtol=ROUNDING, atol=0))


def _rises(phi: Penalty) -> bool:
    if not phi.pieces:
        values = phi(_SAMPLES)
        return bool(np.all(np.diff(values) >= -ROUNDING * np.abs(values[1:])))
    ends = [p.slope + p.curvature * (p.end - p.start) if p.curvature else p.slope for p in phi.pieces]
    slack = [ROUNDING * (abs(p.slope) + abs(p.curvature) * p.start) for p in phi.pieces]
    return all(min(p.slope, end) >= -least for p, end, least in zip(phi.pieces, ends, slack, strict=True))


_SAMPLES = np.concatenate([[0.0], np.geomspace(1e-9, 1e9, 361)])
