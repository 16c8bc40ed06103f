"""The ends of the spectrum of a symmetric operator, by the Lanczos iteration."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal
from scipy.linalg.blas import dnrm2  # unlike the root of a sum of squares, it does not underflow

Array = NDArray[Any]
Apply = Callable[[Array], Array]

#: Steps before a bound is believed: a start with little of an eigenvector needs some to show it. Fewer suffice where
#: the operator has fewer eigenvalues, as the iteration then ends by itself.
LEAST = 12


def ritz(apply: Apply, n: int, steps: int, seed: int = 0) -> Iterator[tuple[Array, Array]]:
    """Ritz values in increasing order, and bounds on their distance to an eigenvalue, after 1, 2, ... steps.

    Every new vector is made orthogonal to all others, twice: without that, the bounds are not true after some steps.
    """
    steps = min(steps, n)
    basis = np.empty((steps, n))
    v = np.random.default_rng(seed).normal(size=n)
    diagonal: list[float] = []
    beside: list[float] = []
    for k in range(steps):
        basis[k] = v / dnrm2(v)
        v = apply(basis[k])
        diagonal.append(float(basis[k] @ v))
        for _ in range(2):
            v = v - basis[: k + 1].T @ (basis[: k + 1] @ v)
        rest = float(dnrm2(v))
        values, vectors = eigh_tridiagonal(diagonal, beside)
        yield values, rest * np.abs(vectors[-1])
        if rest <= 1e-14 * np.abs(values).max():
            return  # the space holds all that the operator does to the first vector
        beside.append(rest)


def largest(apply: Apply, n: int) -> float:
    """The largest eigenvalue of a positive semidefinite operator from above, to about a hundredth.

    The bound is that of the Ritz value, and holds but by chance; a safety of a hundredth is added.
    """
    top = 0.0
    for k, (values, errors) in enumerate(ritz(apply, n, 40)):
        top = float(values[-1] + errors[-1])
        if k >= LEAST and errors[-1] <= 0.01 * values[-1]:
            break
    return 1.01 * top


def sign(apply: Apply, n: int, slack: float = 0.0, steps: int = 300) -> int:
    """1 if all eigenvalues are above ``-slack`` times the largest, -1 if one is below, 0 if the steps do not tell.

    A Ritz value below settles the second. The first is settled when the smallest Ritz value is known to a hundredth of
    its distance to the bound: an eigenvalue below that has no weight in the random start, or next to none.
    """
    told = 0
    for k, (values, errors) in enumerate(ritz(apply, n, steps)):
        distance = float(values[0] + slack * np.abs(values).max())
        if distance < 0:
            return -1
        told = 1 if errors[0] <= 0.01 * distance else 0
        if told and k >= LEAST:
            break
    return told
