"""The units of a problem: solvers see data less their mean, of a size whose squares neither overflow nor vanish."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import finite
from ..penalties import Penalty
from ..penalties.base import BLOCK, Piece, Wrapper

#: Data of a size between LEAST and 1/LEAST keep it, and penalties keep their fast kernels.
LEAST = 1e-6


class Units(NamedTuple):
    """Where zero is and how long one is: u = (x − offset)/size. The size is a power of two, so that nothing rounds."""

    offset: float
    size: float

    @classmethod
    def of(cls, y: NDArray[Any]) -> tuple["Units", NDArray[Any]]:
        """Units that suit the data, and the data in them: exactly zero if they are constant."""
        convert = y.dtype.type
        with np.errstate(over="ignore", invalid="ignore"):
            mean = float(np.add.reduce(y, axis=None, dtype=np.float64)) / y.size
            if not math.isfinite(mean):
                mean = float(finite("y", y).flat[0])
            offset = convert(mean)
            centred = y - offset
            flat = centred.ravel(order="K")
            typical = math.sqrt(float(np.vdot(flat, flat)) / y.size)  # in the type of the data: may be 0 or infinite
        least = max(LEAST, 4 * abs(float(np.spacing(offset))))
        if least <= typical <= 1 / LEAST:
            return cls(float(offset), 1.0), centred
        low, high = float(flat.min()), float(flat.max())
        if low == high:
            return cls(float(y.flat[0]), 1.0), np.zeros_like(centred)
        size = power_of_two(max(high, -low), y.dtype)
        centred *= convert(1 / size)
        return cls(float(offset), size), centred

    def into(self, x: NDArray[Any]) -> NDArray[Any]:
        """From the units of the user."""
        return (x - x.dtype.type(self.offset)) * x.dtype.type(1 / self.size)

    def back(self, u: NDArray[Any], out: NDArray[Any] | None = None) -> NDArray[Any]:
        """To the units of the user, as a new array or in ``out``, which may be u."""
        if self.size != 1:
            u = out = np.multiply(u, u.dtype.type(self.size), out=out)
        return np.add(u, u.dtype.type(self.offset), out=out)

    def penalty(self, phi: Penalty) -> Penalty:
        """φ(size·u)/size²: the objective in these units is that of the user divided by size², with the same λ."""
        return phi if self.size == 1 else Rescaled(phi, self.size)


@dataclass(frozen=True)
class Rescaled(Wrapper, Penalty):
    """φ(size·x)/size², whose second derivatives are those of φ. In double precision, no square is lost."""

    phi: Penalty
    size: float

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """Those of φ, in the new unit."""
        s = self.size
        return tuple(Piece(p.start / s, p.end / s, p.value / s / s, p.slope / s, p.curvature) for p in self.phi.pieces)

    @property
    def hubers(self) -> tuple[float, float, float] | None:
        """Those of φ, with thresholds in the new unit."""
        if self.phi.hubers is None:
            return None
        a, x1, x2 = self.phi.hubers
        return a, x1 / self.size, x2 / self.size

    def _value(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.phi(self._double(x)) / self.size / self.size)

    def _grad(self, x: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self.phi.grad(self._double(x)) / self.size)

    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]:
        return np.asarray(self.phi.prox(self._double(z), step) / self.size)

    def _double(self, x: NDArray[Any]) -> NDArray[np.float64]:
        return np.multiply(x, self.size, dtype=np.float64)


def power_of_two(peak: float, dtype: np.dtype[Any]) -> float:
    """The one just above the peak, such that its inverse is a number of that type, and that of its square a float."""
    if not math.isfinite(peak):
        raise ValueError(f"y must span less than the largest {dtype}, {np.finfo(dtype).max:.1e}")
    bound = 120 if dtype == np.float32 else 500
    return math.ldexp(1.0, min(max(math.frexp(peak)[1], -bound), bound))


def norm(parts: Sequence[NDArray[Any]]) -> float:
    """Euclidean norm of all entries together, summed in double precision, in blocks that fit the cache."""
    squares = 0.0
    for part in parts:
        flat = part.ravel(order="K")
        for start in range(0, flat.size, BLOCK):
            block = flat[start : start + BLOCK].astype(np.float64, copy=False)
            squares += float(np.vdot(block, block))
    return math.sqrt(squares)


def inner(p: NDArray[Any], q: NDArray[Any]) -> float:
    """Inner product, summed in double precision."""
    return float(np.sum(p.astype(np.float64, copy=False) * q))


def total(phi: Penalty, d: NDArray[Any], lam: Any = 1.0) -> float:
    """Σ λφ(d), in double precision, for one λ or one for each entry."""
    values = phi(d.astype(np.float64, copy=False))
    return inner(lam, values) if np.ndim(lam) else lam * float(np.sum(values))
