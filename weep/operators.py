"""Forward differences in any dimension: the operator D of (11), its adjoint, and linear systems with it."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.linalg import get_lapack_funcs

__all__ = ["adjoint", "differences", "norm_squared", "resolvent", "spectrum"]

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
    """
    if len(shape) == 1 and shape[0] > 1:
        degree = np.full(shape[0], 2, dtype)
        degree[[0, -1]] = 1
        pttrf, pttrs = get_lapack_funcs(("pttrf", "pttrs"), (degree,))
        diagonal, below, _ = pttrf(1 + weight * degree, np.full(shape[0] - 1, -weight, dtype))
        return lambda y: pttrs(diagonal, below, y)[0]
    divisor = (1 + weight * spectrum(shape)).astype(dtype)
    return lambda y: idctn(dctn(y, norm="ortho") / divisor, norm="ortho", overwrite_x=True)
