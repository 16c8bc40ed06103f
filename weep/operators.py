"""Forward differences on grids and graphs, and linear systems with them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.linalg import get_lapack_funcs
from scipy.sparse.linalg import LinearOperator

from .checks import axes_of, integer
from .graphs import Groups, Incidence

__all__ = ["Differences", "Groups", "Incidence", "adjoint", "differences", "norm_squared", "resolvent", "spectrum"]

Array = NDArray[Any]


def differences(x: Array, axes: Sequence[int] | None = None) -> list[Array]:
    """Apply D: forward differences along each axis.

    Parameters
    ----------
    x : ndarray
        Signal, image or volume of any dimension d ≥ 1.
    axes : sequence of int, optional
        Along these axes alone, counted from the front.

    Returns
    -------
    list of ndarrays, one for each axis
        :math:`(D_k x)_i = x_{i+1} - x_i` along axis k: one entry less than x on that axis.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.operators import differences
    >>> differences(np.array([[1.0, 3.0], [2.0, 2.0]]))
    [array([[ 1., -1.]]), array([[2.],
           [0.]])]
    """
    return [np.diff(x, axis=axis) for axis in (range(x.ndim) if axes is None else axes)]


def adjoint(parts: Sequence[Array], axes: Sequence[int] | None = None) -> Array:
    """Apply Dᵀ: the negative divergence, with nothing beyond the border.

    Parameters
    ----------
    parts : sequence of ndarrays, one for each axis
        Of the shapes that `differences` returns.
    axes : sequence of int, optional
        The axes they belong to, counted from the front, if not all.

    Returns
    -------
    ndarray
        :math:`\\sum_k D_k^\\top p_k`.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.operators import adjoint
    >>> adjoint([np.array([2.0, -1.0])])
    array([-2.,  3., -1.])
    """
    axes = range(len(parts)) if axes is None else axes
    first = parts[0]
    out = np.zeros([n + (k == axes[0]) for k, n in enumerate(first.shape)], first.dtype)
    for axis, part in zip(axes, parts, strict=True):
        low, high = cuts(axis)
        out[low] -= part
        out[high] += part
    return out


def cuts(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """What the differences along an axis go from, and to."""
    before = (slice(None),) * axis
    return (*before, slice(None, -1)), (*before, slice(1, None))


def within(part: Array) -> tuple[slice, ...]:
    """Where differences stand in an array of entries."""
    return tuple(slice(n) for n in part.shape)


def ratio(part: Array, whole: Array) -> Array:
    """The part of a whole, and 0 of nothing."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)


def spectrum(shape: Sequence[int]) -> NDArray[np.float64]:
    r"""Eigenvalues of DᵀD, in the order of the DCT-II that diagonalises it.

    Parameters
    ----------
    shape : sequence of int
        Shape of the signals.

    Returns
    -------
    ndarray
        :math:`\sum_k 4\sin^2\frac{\pi i_k}{2n_k}`, of that shape.

    Examples
    --------
    >>> from weep.operators import spectrum
    >>> spectrum((3,)).round(6)
    array([0., 1., 3.])
    """
    values = np.zeros(tuple(shape))
    for axis, n in enumerate(shape):
        along = 4 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2
        values += along.reshape([-1 if k == axis else 1 for k in range(len(shape))])
    return values


def norm_squared(shape: Sequence[int]) -> float:
    """Largest eigenvalue of DᵀD, below 4 for each axis.

    Parameters
    ----------
    shape : sequence of int
        Shape of the signals.

    Returns
    -------
    float
        ‖D‖².

    Examples
    --------
    >>> from weep.operators import norm_squared
    >>> round(norm_squared((64, 64)), 3)
    7.995
    """
    return sum(4 * math.sin(math.pi * (n - 1) / (2 * n)) ** 2 for n in shape)


def resolvent(
    shape: Sequence[int], weight: Any, dtype: Any, axes: Sequence[int] | None = None, diagonal: Any = 1
) -> Callable[[Array], Array]:
    """Prepare to solve (diag(c) + Dᵀ diag(w) D) x = y exactly, many times.

    One dimension takes a tridiagonal factorisation, more take a discrete cosine transform.

    Parameters
    ----------
    shape : sequence of int
        Shape of the signals.
    weight : float or ndarray
        w ≥ 0. In one dimension also an array, of one weight for each difference.
    dtype : dtype
        ``float32`` or ``float64``.
    axes : sequence of int, optional
        Differences along these axes alone.
    diagonal : float or ndarray, optional
        c > 0. In one dimension also an array, of which some entries may be 0.

    Returns
    -------
    callable
        y ↦ x.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.operators import resolvent
    >>> resolvent((3,), 1.0, np.float64)(np.array([0.0, 4.0, 0.0])).round(6)
    array([1., 2., 1.])
    """
    if len(shape) == 1 and shape[0] > 1:
        weights = np.broadcast_to(np.asarray(weight, dtype), (shape[0] - 1,))
        center = np.array(np.broadcast_to(diagonal, shape), dtype)
        center[:-1] += weights
        center[1:] += weights
        pttrf, pttrs = get_lapack_funcs(("pttrf", "pttrs"), (center,))
        factor, below, _ = pttrf(center, -weights)
        return lambda y: pttrs(factor, below, y)[0]
    axes = tuple(range(len(shape)) if axes is None else axes)
    sizes = [n if axis in axes else 1 for axis, n in enumerate(shape)]
    divisor = (diagonal + weight * spectrum(sizes)).astype(dtype)
    return lambda y: idctn(dctn(y, axes=axes, norm="ortho") / divisor, axes=axes, norm="ortho", overwrite_x=True)


class Differences(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    """Forward differences of a grid as a linear operator: D of (11), on raveled arrays.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the signals, every axis of one entry or more.
    axes : int or sequence of int, optional
        Along these axes alone, in this order: signals side by side are independent. All axes by default.

    Attributes
    ----------
    dims : tuple of int
        Shape of the signals. They are raveled in C order; the differences of one axis come after those of another,
        each raveled likewise.
    shape : tuple of int
        (number of differences, number of entries).

    Raises
    ------
    TypeError, ValueError
        If the shape does not hold integers, or one below 1, or none; or the axes are not different axes of it.

    See Also
    --------
    differences : The same on arrays.

    Examples
    --------
    >>> from weep.operators import Differences
    >>> Differences(3) @ [1.0, 3.0, 2.0]
    array([ 2., -1.])
    """

    dims: tuple[int, ...]

    def __init__(self, shape: int | Sequence[int], axes: int | Sequence[int] | None = None) -> None:
        sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape)
        self.dims = tuple(integer("shape", n, 1) for n in sizes)
        if not self.dims:
            raise ValueError("shape=() must have one axis or more")
        self.axes = axes_of("axes", axes, len(self.dims))
        entries = math.prod(self.dims)
        parts = [tuple(n - (k == axis) for k, n in enumerate(self.dims)) for axis in self.axes]
        ends = np.cumsum([math.prod(part) for part in parts])
        # For each axis: where its differences are, their shape, and the entries before and after each.
        self._parts = [
            (slice(end - math.prod(part), end), part, *cuts(axis))
            for axis, end, part in zip(self.axes, ends, parts, strict=True)
        ]
        super().__init__(np.dtype(np.float64), (int(ends[-1]) if len(ends) else 0, entries))

    def _matvec(self, x: Array) -> Array:
        x = _floats(x).reshape(self.dims)
        out = np.empty(self.shape[0], x.dtype)
        for place, part, low, high in self._parts:
            np.subtract(x[high], x[low], out=out[place].reshape(part))
        return out

    def _rmatvec(self, p: Array) -> Array:
        p = _floats(p).ravel()
        out = np.zeros(self.dims, p.dtype)
        for place, part, low, high in self._parts:
            values = p[place].reshape(part)
            out[low] -= values
            out[high] += values
        return out.ravel()


def _floats(x: Array) -> Array:
    """The array, of a type that has differences."""
    return x if x.dtype.kind in "fc" else x.astype(np.float64)
