"""Operators on entries that no grid orders: differences along the edges of a graph, and copies of groups."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator

from .checks import finite, floating, integer

__all__ = ["Groups", "Incidence"]

Array = NDArray[Any]


class Incidence(LinearOperator):  # type: ignore[misc]  # SciPy has no types
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


class Groups(LinearOperator):  # type: ignore[misc]
    """Copies of groups of entries, which may overlap: one row of the values for each group, filled up with zeros.

    Parameters
    ----------
    groups : sequence of sequences of int
        The entries of each group, from 0 to n − 1, none of them twice in one group.
    n : int
        Number of entries of the signal.

    Attributes
    ----------
    dims, dimsd : tuple of int
        (n,), and (number of groups, size of the largest).

    Raises
    ------
    TypeError, ValueError
        If a group does not hold integers from 0 to n − 1, holds one twice, or is empty.

    Examples
    --------
    >>> from weep.operators import Groups
    >>> L = Groups([(0, 1), (1, 2, 3)], 4)
    >>> (L @ [1.0, 2.0, 3.0, 4.0]).reshape(L.dimsd)
    array([[1., 2., 0.],
           [2., 3., 4.]])
    """

    dims: tuple[int]
    dimsd: tuple[int, int]

    def __init__(self, groups: Sequence[Sequence[int]], n: int) -> None:
        n = integer("n", n, 1)
        members = [[integer("groups", k) for k in group] for group in groups]
        for group in members:
            if not group or len(set(group)) < len(group) or not 0 <= min(group) <= max(group) < n:
                raise ValueError(f"groups must hold different entries from 0 to {n - 1}, and one is {group}")
        self.dims, self.dimsd = (n,), (len(members), max(map(len, members), default=0))
        rows = [g * self.dimsd[1] + k for g, group in enumerate(members) for k in range(len(group))]
        self._columns = np.array([k for group in members for k in group], np.intp)
        self._rows = np.array(rows, np.intp)
        super().__init__(np.dtype(np.float64), (math.prod(self.dimsd), n))

    def _matvec(self, x: Array) -> Array:
        out = np.zeros(self.shape[0])
        out[self._rows] = x.ravel()[self._columns]
        return out

    def _rmatvec(self, p: Array) -> Array:
        return np.bincount(self._columns, p.ravel()[self._rows], self.dims[0])
