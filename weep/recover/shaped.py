"""A structured penalty on the flat vectors that solvers work with."""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..penalties import Penalty
from ..penalties.base import Piece, Wrapper, penalty
from ..penalties.structured import Structured
from .maps import Map

Array = NDArray[Any]


@dataclass(frozen=True)
class Shaped(Wrapper):
    """What solvers ask of a penalty, for one that sees Lx as an array of a shape."""

    phi: Structured
    shape: tuple[int, ...] = field(repr=False)

    #: None, as no entry has a curvature of its own.
    pieces: tuple[Piece, ...] = field(default=(), init=False, repr=False)

    def __repr__(self) -> str:
        return repr(self.phi)

    def __call__(self, x: Array) -> Any:
        return self.phi(x.reshape(self.shape))

    def grad(self, x: Array) -> Array:
        """The gradient, flat."""
        return np.ravel(self.phi.grad(x.reshape(self.shape)))

    def prox(self, z: Array, step: float) -> Array:
        """The prox, flat."""
        return np.ravel(self.phi.prox(z.reshape(self.shape), step))

    @property
    def scalar(self) -> Penalty:
        """The scalar penalty inside."""
        return self.phi.phi

    def around(self, scalar: Penalty) -> "Shaped":
        """The same structure with another scalar penalty."""
        return Shaped(dataclasses.replace(self.phi, phi=scalar), self.shape)


def shaped(phi: object, ell: Map, shape: tuple[int, ...]) -> Penalty | Shaped:
    """Return a scalar penalty as it is, and a structured one with the shape of Lx, or raise an error that names it.

    Parameters
    ----------
    phi : Penalty, Grouped or Spectral
        The penalty.
    ell : Map
        The map L.
    shape : tuple of int
        The shape of x.

    Returns
    -------
    Penalty or Shaped
        What solvers take.

    Raises
    ------
    TypeError, ValueError
        If ``phi`` is no penalty, ``L.dimsd`` does not fit L, or Lx has too few axes for the penalty.
    """
    if not isinstance(phi, Structured):
        return penalty("phi", phi)
    dims = getattr(ell.source, "dimsd", None)
    known = None if dims is None else tuple(int(n) for n in np.atleast_1d(dims))
    of_values = shape if ell.source is None else known or (ell.shape[0],)
    if math.prod(of_values) != ell.shape[0]:
        raise ValueError(f"L.dimsd={of_values} must have {ell.shape[0]} entries, as many as L has rows")
    phi._fit("Lx" if ell.source is not None else "x", np.empty(of_values))
    return Shaped(phi, of_values)
