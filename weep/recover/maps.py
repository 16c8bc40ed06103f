"""What turns a matrix, a sparse array or an operator into A or L of (1), checks it, and counts its applications."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from ..checks import finite

Array = NDArray[Any]


class Map:
    """A linear map of real vectors in float64, and how often it and its adjoint were applied.

    Attributes
    ----------
    shape : tuple of int
        (m, n). A map to m/2 complex numbers has m real ones: real and imaginary parts in turn.
    dims : tuple of int or None
        Shape of what it is applied to, where the operator says one.
    is_complex : bool
        Whether the values are complex numbers.
    matrix : ndarray or None
        The matrix, where it was given as an array.
    source : object
        What the map was made of; None is the identity.
    count : int
        Applications of the map and of its adjoint.
    """

    def __init__(self, source: Any, shape: tuple[int, int], forward: Callable[[Array], Array], back: Any) -> None:
        self.source, self.shape, self.count, self.is_complex = source, shape, 0, False
        self._forward, self._back = forward, back
        self.matrix: Array | None = None
        dims = getattr(source, "dims", None)
        self.dims = None if dims is None else tuple(int(n) for n in np.atleast_1d(dims))

    def __call__(self, x: Array) -> Array:
        self.count += 1
        out = self._forward(x)
        return out.astype(np.complex128, copy=False).view(np.float64) if self.is_complex else out

    def adjoint(self, u: Array) -> Array:
        self.count += 1
        return np.real(self._back(u.view(np.complex128))) if self.is_complex else self._back(u)


def linear(name: str, source: Any, size: int) -> Map:
    """Turn what a user gives as A or L into a map of real vectors, and check it once.

    Parameters
    ----------
    name : str
        The name of the argument, for messages.
    source : None, array_like, sparse array, or operator with shape, matvec and rmatvec
        None is the identity.
    size : int
        Number of entries that the identity keeps.

    Returns
    -------
    Map
        Its ``count`` is 0.

    Raises
    ------
    TypeError
        If it is none of these, or its values are not numbers.
    ValueError
        If its values have another shape than it says or are not finite, or if its adjoint is wrong.

    Notes
    -----
    The adjoint of an operator is compared in one inner product of random vectors, :math:`\\langle Ax, u\\rangle` with
    :math:`\\langle x, A^* u\\rangle`. A wrong one passes by a chance of about the
    tolerance, which is 1e-6 of the product of the norms of Ax and u, or 1e-4 for values in single precision.
    """
    if source is None:
        return Map(None, (size, size), np.array, np.array)
    if issparse(source):
        rows = _numbers(name, source.tocsr())
        finite(name, rows.data)
        columns = rows.conj().T.tocsr()
        made = Map(source, rows.shape, rows.__matmul__, columns.__matmul__)
        made.is_complex = rows.dtype.kind == "c"
    elif all(hasattr(source, word) for word in ("shape", "matvec", "rmatvec")):
        made = Map(source, tuple(int(n) for n in source.shape), source.matvec, source.rmatvec)  # type: ignore[arg-type]
        _check(name, made)
    else:
        matrix = _numbers(name, np.asarray(source))
        if matrix.ndim != 2:
            raise ValueError(f"{name} must be a matrix, not an array of shape {matrix.shape}")
        finite(name, matrix)
        if matrix.dtype.kind == "c":
            matrix = np.stack([matrix.real, matrix.imag], axis=1).reshape(-1, matrix.shape[1])
        made = Map(source, matrix.shape, matrix.__matmul__, matrix.T.__matmul__)
        made.matrix = matrix
    if made.is_complex:
        made.shape = (2 * made.shape[0], made.shape[1])
    return made


def _numbers(name: str, values: Any) -> Any:
    """The values in double precision, real or complex."""
    if values.dtype.kind not in "iubfc":
        raise TypeError(f"{name} must hold numbers, not {values.dtype}")
    return values.astype(np.complex128 if values.dtype.kind == "c" else np.float64, copy=False)


def _check(name: str, made: Map) -> None:
    """Try an operator and its adjoint once: types, shapes, and one inner product of random vectors."""
    rng, (m, n) = np.random.default_rng(0), made.shape
    forward, back = made._forward, made._back
    loose = []

    def tried(what: str, apply: Callable[[Array], Any], x: Array, size: int) -> Array:
        out = np.asarray(apply(x))
        if out.dtype.kind not in "iubfc":
            raise TypeError(f"{name} must return numbers, and {what} returned {out.dtype}")
        if out.shape != (size,):
            raise ValueError(f"{name} must return vectors: {what} returned the shape {out.shape}, not ({size},)")
        loose.append(out.dtype.char in "efF")
        return finite(f"what {name} returns", out)

    x = rng.normal(size=n)
    ax = tried(f"{name}.matvec", forward, x, m)
    made.is_complex = ax.dtype.kind == "c"
    u = rng.normal(size=m) + 1j * rng.normal(size=m) if made.is_complex else rng.normal(size=m)
    au = tried(f"{name}.rmatvec", back, u, n)
    if au.dtype.kind == "c" and not made.is_complex:
        raise TypeError(f"{name}.rmatvec must return real numbers where {name}.matvec does")
    left, right = np.vdot(u, ax).real, np.vdot(au, x).real
    size = np.linalg.norm(ax) * np.linalg.norm(u) + np.linalg.norm(au) * np.linalg.norm(x)
    if abs(left - right) > (1e-4 if any(loose) else 1e-6) * size:
        blame = getattr(made.source, "blame", f"{name}.rmatvec is not the adjoint of {name}.matvec")
        raise ValueError(
            f"{blame}: for random x and u, the inner products of {name} x with u and of x with the adjoint are "
            f"{left:.6g} and {right:.6g}"
        )
    made._forward = lambda x: _numbers(name, np.asarray(forward(x)))
    made._back = lambda u: _numbers(name, np.asarray(back(u)))
