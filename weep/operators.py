"""Forward differences on grids and graphs, and linear systems with them."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.linalg import get_lapack_funcs
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

from .checks import finite, floating, integer

__all__ = ["Differences", "Incidence", "adjoint", "differences", "norm_squared", "resolvent", "spectrum"]

Array = NDArray[Any]


def differences(x: Array) -> list[Array]:
    """Apply D: forward differences along each axis.

    Parameters
    ----------
    x : ndarray
        Signal, image or volume of any dimension d ≥ 1.

    Returns
    -------
    list of d ndarrays
        :math:`(D_k x)_i = x_{i+1} - x_i` along axis k: one entry less than x on that axis.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.operators import differences
    >>> differences(np.array([[1.0, 3.0], [2.0, 2.0]]))
    [array([[ 1., -1.]]), array([[2.],
           [0.]])]
    """
    return [np.diff(x, axis=axis) for axis in range(x.ndim)]


def adjoint(parts: Sequence[Array]) -> Array:
    """Apply Dᵀ: the negative divergence, with nothing beyond the border.

    Parameters
    ----------
    parts : sequence of d ndarrays
        One for each axis, of the shapes that `differences` returns.

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
    first = parts[0]
    out = np.zeros((first.shape[0] + 1, *first.shape[1:]), first.dtype)
    for axis, part in enumerate(parts):
        low, high = (np.moveaxis(out, axis, 0)[cut] for cut in (slice(None, -1), slice(1, None)))
        part = np.moveaxis(part, axis, 0)
        low -= part
        high += part
    return out


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


def resolvent(shape: Sequence[int], weight: float, dtype: Any) -> Callable[[Array], Array]:
    """Prepare to solve (I + weight·DᵀD) x = y exactly, many times.

    One dimension takes a tridiagonal factorisation, more take a discrete cosine transform.

    Parameters
    ----------
    shape : sequence of int
        Shape of the signals.
    weight : float
        At least 0.
    dtype : dtype
        ``float32`` or ``float64``.

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
        degree = np.full(shape[0], 2, dtype)
        degree[[0, -1]] = 1
        pttrf, pttrs = get_lapack_funcs(("pttrf", "pttrs"), (degree,))
        diagonal, below, _ = pttrf(1 + weight * degree, np.full(shape[0] - 1, -weight, dtype))
        return lambda y: pttrs(diagonal, below, y)[0]
    divisor = (1 + weight * spectrum(shape)).astype(dtype)
    return lambda y: idctn(dctn(y, norm="ortho") / divisor, norm="ortho", overwrite_x=True)


class Differences(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    """Forward differences of a grid as a linear operator: D of (11), on raveled arrays.

    Parameters
    ----------
    shape : int or sequence of int
        Shape of the signals, every axis of one entry or more.

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
        If the shape does not hold integers, or one below 1, or none.

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

    def __init__(self, shape: int | Sequence[int]) -> None:
        sizes = (shape,) if hasattr(shape, "__index__") else tuple(shape)
        self.dims = tuple(integer("shape", n, 1) for n in sizes)
        if not self.dims:
            raise ValueError("shape=() must have one axis or more")
        entries = math.prod(self.dims)
        self._parts = [tuple(n - (k == axis) for k, n in enumerate(self.dims)) for axis in range(len(self.dims))]
        super().__init__(np.dtype(np.float64), (sum(map(math.prod, self._parts)), entries))

    def _matvec(self, x: Array) -> Array:
        return np.concatenate([part.ravel() for part in differences(x.reshape(self.dims))])

    def _rmatvec(self, p: Array) -> Array:
        ends = np.cumsum([math.prod(part) for part in self._parts])[:-1]
        pieces = np.split(p.ravel(), ends)
        return adjoint([piece.reshape(part) for piece, part in zip(pieces, self._parts, strict=True)]).ravel()


class Incidence(LinearOperator):  # type: ignore[misc]
    """Differences along the edges of a graph: :math:`(Dx)_e = w_e (x_j - x_i)` for the edge e from i to j.

    Parameters
    ----------
    edges : array_like of shape (k, 2)
        Pairs of nodes, integers from 0 to n − 1. An edge may not join a node with itself.
    n : int
        Number of nodes.
    weights : array_like of shape (k,), optional
        Weights w ≥ 0, which are 1 by default.

    Attributes
    ----------
    dims : tuple of int
        (n,).

    Raises
    ------
    TypeError, ValueError
        If the edges are not pairs of nodes of the graph, or the weights do not fit, or are negative or not finite.

    Examples
    --------
    >>> from weep.operators import Incidence
    >>> Incidence([(0, 1), (0, 2)], 3) @ [1.0, 3.0, 2.0]
    array([2., 1.])
    """

    dims: tuple[int]

    def __init__(self, edges: Any, n: int, weights: Any = None) -> None:
        n, pairs = integer("n", n, 1), np.asarray(edges)
        if pairs.size == 0:
            pairs = np.empty((0, 2), np.int64)
        if pairs.dtype.kind not in "iu":
            raise TypeError(f"edges must hold integers, not {pairs.dtype}")
        if pairs.ndim != 2 or pairs.shape[1] != 2:
            raise ValueError(f"edges must have the shape (k, 2), not {pairs.shape}")
        if pairs.size and not (pairs.min() >= 0 and pairs.max() < n):
            raise ValueError(f"edges must join nodes from 0 to {n - 1}, not {pairs.min()} to {pairs.max()}")
        if np.any(pairs[:, 0] == pairs[:, 1]):
            raise ValueError("edges must join two nodes, and one joins a node with itself")
        k = len(pairs)
        w = np.ones(k) if weights is None else finite("weights", floating("weights", weights)).astype(np.float64)
        if w.shape != (k,) or np.any(w < 0):
            raise ValueError(f"weights must be {k} numbers of at least 0, one for each edge")
        values = np.stack([-w, w], axis=1).ravel()
        self._matrix = csr_array((values, pairs.ravel(), np.arange(0, 2 * k + 1, 2)), (k, n))
        self._transposed = self._matrix.T.tocsr()
        self.dims = (n,)
        super().__init__(np.dtype(np.float64), (k, n))

    def _matvec(self, x: Array) -> Array:
        return self._matrix @ x

    def _rmatvec(self, p: Array) -> Array:
        return self._transposed @ p
