"""Banks beside that of the package: the same filters to learn, and another potential. The book compares them."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..learned import Bank
from ..penalties import WEEP, PiecewiseQuadratic

__all__ = ["NAMES", "Ridges", "Spline", "load"]

Array = NDArray[Any]
FOLDER = Path(__file__).with_name("banks")

#: Banks whose potential is no WEEP, so that they are `Ridges`; and all banks. A hyphen stands before the seed.
OTHER = ("log", "log-1", "free-0", "free-1")
NAMES = ("weep-1", "huber", "huber-1", "l1", "l1-1", "mcp", "mcp-1", *OTHER)


@dataclass(frozen=True)
class Spline(PiecewiseQuadratic):
    """A penalty whose slope is continuous and piecewise linear, and zero at zero.

    Parameters
    ----------
    knots : tuple of float
        Where the pieces of the slope start. The first is 0.
    curvatures : tuple of float
        Of each piece. The last is 0, so that the slope is constant from there on.

    Raises
    ------
    ValueError
        If there are not as many curvatures as knots, the knots do not rise from 0, or the last curvature is not 0.
    """

    knots: tuple[float, ...]
    curvatures: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("knots", "curvatures"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        if len(self.knots) != len(self.curvatures) or self.knots[:1] != (0.0,) or np.any(np.diff(self.knots) <= 0):
            raise ValueError(
                f"knots={self.knots!r} must rise from 0, and be as many as {len(self.curvatures)} curvatures"
            )
        if self.curvatures[-1] != 0:
            raise ValueError(f"curvatures={self.curvatures!r} must end with 0")

    def _pieces(self) -> tuple[tuple[float, float, float], ...]:
        rises = np.diff(self.knots) * self.curvatures[:-1]
        return tuple(zip(self.knots, np.concatenate([[0.0], np.cumsum(rises)]).tolist(), self.curvatures, strict=True))

    # Faster than one piece after the other, where there are many.
    def _located(self, x: Array) -> tuple[Array, Array, Array, Array]:
        table = np.array(self.pieces, x.dtype)
        r = np.abs(x)
        at = np.searchsorted(table[1:, 0], r)
        return table[at, 2], table[at, 3], table[at, 4], r - table[at, 0]

    def _value(self, x: Array) -> Array:
        value, slope, curvature, t = self._located(x)
        return value + t * (slope + curvature * t / 2)

    def _grad(self, x: Array) -> Array:
        _, slope, curvature, t = self._located(x)
        return np.sign(x) * (slope + curvature * t)


@dataclass(frozen=True, eq=False)
class Ridges(Bank):
    """A bank with any potential whose slope is piecewise linear, for `weep.learned.denoise`.

    Parameters
    ----------
    filters, exponents, a, b, scale, sigmas
        As in `weep.learned.Bank`. The WEEP is not used.
    knots, curvatures : array_like
        Of the `Spline` at scale 1.
    """

    knots: Array
    curvatures: Array

    @property
    def potential(self) -> Spline:
        """The potential at scale 1."""
        return Spline(tuple(self.knots), tuple(self.curvatures))

    def at(self, sigma: float) -> tuple[Array, Any]:
        """The bank for a noise level, and its potential."""
        filters, phi = super().at(sigma)
        assert isinstance(phi, WEEP)
        return filters, Spline(tuple(phi.scale * self.knots), tuple(self.curvatures))


@cache
def load(name: str) -> Bank:
    """A bank that was trained beside that of the package, which `weep.learned.load` reads.

    Parameters
    ----------
    name : str
        Of its potential, and the seed if it is not 0: one of `NAMES`. The file ``BANKS.md`` in `weep.learned` says how
        each was trained.

    Returns
    -------
    Bank
        Read once.

    Raises
    ------
    ValueError
        If there is none of this name.
    """
    if name not in NAMES:
        raise ValueError(f"name={name!r} must be one of {NAMES}")
    kind = Ridges if name in OTHER else Bank
    return kind.read(FOLDER / f"{name}.npz")
