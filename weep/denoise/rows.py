"""What compiled kernels want to see of a problem: shapes, rows and numbers of its own type."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..penalties import Penalty
from .problem import Array, Problem


def number(dtype: np.dtype[Any]) -> Callable[[float], Any]:
    """What makes a number that kernels take with such data; they are called faster with Python's own."""
    return float if dtype == np.float64 else dtype.type


def scalars(phi: Penalty, lam: float, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """What they want to know of λφ."""
    assert phi.hubers is not None
    a, x1, x2 = phi.hubers
    largest = 1e30  # a number in single precision, and no difference reaches it
    convert = number(dtype)
    return convert(lam), convert(a), convert(min(x1, largest)), convert(min(x2, largest))


def volume(problem: Problem) -> tuple[int, ...]:
    """The shape that they see: of one signal, or of channels, planes, rows and columns."""
    if problem.y.ndim == 1:
        return problem.y.shape
    spatial = problem.y.shape[int(problem.channels) :]
    return (len(problem.y) if problem.channels else 1, *(1,) * (3 - len(spatial)), *spatial)


def rows(problem: Problem) -> tuple[Array | None, ...]:
    """Weights, and the λ along each axis from the last one on, or of lengths: one row where all are the same.

    None where there are neither weights nor many λ.
    """
    shape, width, dtype = volume(problem), problem.y.shape[-1], problem.y.dtype
    several = 1 if problem.isotropic else max(1, len(shape) - 1)
    if problem.uniform:
        return (None,) * (1 + several)
    row = (1,) * (len(shape) - 1) + (width,)
    weights = np.ones(row, dtype) if problem.weights is None else plain(problem.weights).reshape(shape)
    lams = [np.full(row, problem.lam, dtype)] * several
    for k, lam in enumerate(reversed(problem.lams or ())):
        lams[k] = plain(lam).reshape((1,) * (len(shape) - len(problem.axes)) + lam.shape[int(problem.channels) :])
    return weights, *lams


def plain(array: Array) -> Array:
    """The array, of the one kind for which kernels are compiled: contiguous, and as if it were to be written to."""
    return np.require(array, requirements=["C", "W"])
