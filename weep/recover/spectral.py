"""A preconditioner for (1): the second derivative at zero, as a function of frequency or by a small dense system."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.linalg import cho_factor, cho_solve
from scipy.ndimage import uniform_filter

from ..operators import Differences, resolvent, spectrum
from .maps import Map

Array = NDArray[Any]

#: Random vectors that the spectrum of A'A is estimated from.
PROBES = 2

#: Least part of its mean that the spectrum of A'A is taken to have.
FLOOR = 1e-3

#: Within this factor of its mean, the estimated spectrum of A'A counts as flat: its error has that size for random A.
FLAT = 2.0

#: Part of the penalty's second derivative at zero that the preconditioner of a smooth method has. Entries beyond the
#: first piece have less than all of it. Of all iterations in tomography that saves a sixth, and elsewhere next to none.
SHARE = 0.5

#: Largest number of rows for which a system with A A' is factorised, where A is given as an array.
ROWS = 1500

#: Part of its mean that is added to the diagonal of A'A there, so that L'L has no null vector to invert.
SHIFT = 1e-3

Apply = Callable[[Array], Array]


class Frequencies:
    r"""Estimates of the diagonals of A'A and L'L in the DCT-II, or None where nothing is known of frequencies.

    For random signs c, and C the DCT, :math:`c \odot (C A^\top A C^\top c)` has the diagonal as its mean. It is
    averaged over neighbouring frequencies: for a random A it is flat, for a blur it falls. L must be a difference
    operator or the identity.
    """

    def __init__(self, A: Map, L: Map, shape: Sequence[int]) -> None:
        self.A, self.L, self.shape = A, L, tuple(shape)
        self._kept: dict[tuple[float, float], Scaling] = {}

    @cached_property
    def of_a(self) -> Array:
        """For A'A, above zero."""
        if self.A.source is None:
            return np.ones(self.shape)
        rng, estimate = np.random.default_rng(1), np.zeros(self.shape)
        for _ in range(PROBES):
            c = rng.choice([-1.0, 1.0], self.shape)
            x = idctn(c, norm="ortho").ravel()
            estimate += c * dctn(self.A.adjoint(self.A(x)).reshape(self.shape), norm="ortho") / PROBES
        width = [max(1, n // 16) for n in self.shape]
        estimate = uniform_filter(np.maximum(estimate, 0), width, mode="nearest")
        return np.maximum(estimate, FLOOR * estimate.mean())

    def scaling(self, curvature: float, share: float = 1.0) -> "Scaling":
        """For A'A + curvature·L'L, or the identity where nothing is known. The last one is kept.

        What is diagonal in the transform takes only this share of the curvature.
        """
        if (curvature, share) not in self._kept:
            self._kept = {(curvature, share): self._scaling(curvature, share)}
        return self._kept[curvature, share]

    def _scaling(self, curvature: float, share: float) -> "Scaling":
        differences = isinstance(self.L.source, Differences)
        if not (differences or self.L.source is None) or math.isinf(curvature):
            return Scaling(None)
        mean = float(self.of_a.mean())
        diagonal = self.of_a + share * curvature * (spectrum(self.shape) if differences else 1.0)
        if not np.all(diagonal > 0):
            return Scaling(None)

        def inverse(shift: float) -> Apply:
            """For shift + curvature·L'L."""
            if not differences:
                return lambda x: x / (shift + curvature)
            solve = resolvent(self.shape, curvature / shift, np.float64)
            return lambda x: solve(x.reshape(self.shape)).ravel() / shift

        if self.A.matrix is not None and self.A.shape[0] <= ROWS and math.isfinite(curvature / (SHIFT * mean)):
            return Scaling(diagonal, woodbury(self.A, inverse(SHIFT * mean)))
        # Where the spectrum is flat, a tridiagonal system is solved faster than by transforms.
        flat = self.of_a.max() < FLAT * mean and mean < FLAT * self.of_a.min()
        return Scaling(diagonal, inverse(mean) if flat and differences and len(self.shape) == 1 else None)


def woodbury(A: Map, inverse: Apply) -> Apply:
    """Multiplication by the inverse of A'A + T, from that of T and a system with as many unknowns as A has rows."""
    rows = A.matrix
    assert rows is not None
    factor = cho_factor(np.eye(len(rows)) + rows @ np.stack([inverse(row) for row in rows]).T)

    def solve(x: Array) -> Array:
        first = inverse(x)
        return first - inverse(A.adjoint(cho_solve(factor, A(first), check_finite=False)))

    return solve


class Scaling:
    """Multiplication by powers of a positive matrix that is diagonal in the DCT-II; by 1 without a diagonal.

    Another function that multiplies by its inverse may be given: one that is faster, or nearer to the aim.
    """

    def __init__(self, diagonal: Array | None, inverse: Apply | None = None) -> None:
        self.diagonal, self.inverse = diagonal, inverse
        self._powers: dict[float, Array] = {}

    def __call__(self, x: Array, power: float = -1.0) -> Array:
        """The matrix to a power, times x."""
        if self.diagonal is None:
            return x
        if self.inverse and power == -1:
            return self.inverse(x)
        if power not in self._powers:
            self._powers[power] = self.diagonal**power
        scaled = dctn(x.reshape(self.diagonal.shape), norm="ortho")
        scaled *= self._powers[power]
        return idctn(scaled, norm="ortho", overwrite_x=True).ravel()
