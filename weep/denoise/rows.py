"""What compiled kernels want to see of a problem: shapes, rows and numbers of its own type."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..penalties import Penalty
from .problem import Array, Problem


def number(dtype: np.dtype[Any]) -> Callable[[float], Any]:
    """What makes a number that kernels take with such data; they are called faster with Python's own."""
    return float if dtype == np.float64 else dtype.type


def scalars(phi: Penalty, dtype: np.dtype[Any]) -> tuple[Any, ...]:
    """What they want to know of φ."""
    assert phi.hubers is not None
    a, x1, x2 = phi.hubers
    largest = 1e30  # a number in single precision, and no difference reaches it
    return tuple(map(number(dtype), (a, min(x1, largest), min(x2, largest))))


def volume(problem: Problem) -> tuple[int, ...]:
    """The shape that they see: of one signal, or of channels, planes, rows and columns."""
    if problem.y.ndim == 1:
        return problem.y.shape
    spatial = problem.y.shape[int(problem.channels) :]
    return (len(problem.y) if problem.channels else 1, *(1,) * (3 - len(spatial)), *spatial)


def rows(problem: Problem) -> tuple[Array, ...]:
    """Weights, and the λ along each axis from the last one on: one row where all are the same."""
    shape, width, dtype = volume(problem), problem.y.shape[-1], problem.y.dtype
    row = (1,) * (len(shape) - 1) + (width,)
    weights = np.ones(row, dtype) if problem.weights is None else problem.weights.reshape(shape)
    lams = [np.full(row, problem.lam, dtype)] * max(1, len(shape) - 1)
    for k, lam in enumerate(reversed(problem.lams or ())):
        lams[k] = lam.reshape((1,) * (len(shape) - len(problem.axes)) + lam.shape[int(problem.channels) :])
    return weights, *lams
