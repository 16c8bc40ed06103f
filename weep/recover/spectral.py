"""A preconditioner for (1): the second derivative as a function of frequency."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
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


class Frequencies:
    r"""Estimates of the diagonals of A'A and L'L in the DCT-II, or None where nothing is known of frequencies.

    For random signs c, and C the DCT, :math:`c \odot (C A^\top A C^\top c)` has the diagonal as its mean. It is
    averaged over neighbouring frequencies: for a random A it is flat, for a blur it falls. L must be a difference
    operator or the identity.
    """

    def __init__(self, A: Map, L: Map, shape: Sequence[int]) -> None:
        self.A, self.L, self.shape = A, L, tuple(shape)

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

    def scaling(self, curvature: float) -> "Scaling":
        """For A'A + curvature·L'L, or the identity where nothing is known."""
        differences = isinstance(self.L.source, Differences)
        if not (differences or self.L.source is None) or math.isinf(curvature):
            return Scaling(None)
        mean = float(self.of_a.mean())
        flat = self.of_a.max() < FLAT * mean and mean < FLAT * self.of_a.min()
        if flat and differences and len(self.shape) == 1:  # a tridiagonal system is solved faster than by transforms
            solve = resolvent(self.shape, curvature / mean, np.float64)
            return Scaling(mean + curvature * spectrum(self.shape), lambda x: solve(x) / mean)
        diagonal = self.of_a + curvature * (spectrum(self.shape) if differences else 1.0)
        return Scaling(diagonal if np.all(diagonal > 0) else None)


class Scaling:
    """Multiplication by powers of a positive matrix that is diagonal in the DCT-II; by 1 without a diagonal.

    A function that multiplies by its inverse may be given, if there is a faster one.
    """

    def __init__(self, diagonal: Array | None, inverse: Callable[[Array], Array] | None = None) -> None:
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
