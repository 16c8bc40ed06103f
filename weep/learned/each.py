"""A penalty of its own for each filter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..penalties import WEEP
from ..penalties.base import Kernel, Penalty, destination

__all__ = ["Each"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Each(Penalty):
    r"""One penalty for each filter: :math:`\phi_k` of every entry in the k-th of K equal parts.

    Parameters
    ----------
    parts : tuple of WEEP
        :math:`\phi_1, \dots, \phi_K`. The argument is an array whose entries, in the order of memory, are K times as
        many for one penalty each, as :math:`Wx` of `Filters` has them.
    """

    parts: tuple[WEEP, ...]

    @property
    def lipschitz(self) -> float:
        """Best Lipschitz constant of the gradient: the largest of the parts."""
        return max(phi.lipschitz for phi in self.parts)

    @property
    def weak_convexity(self) -> float:
        """Best modulus of weak convexity: the largest of the parts."""
        return max(phi.weak_convexity for phi in self.parts)

    @property
    def hubers(self) -> Any:
        """a, x1 and x2 as columns, one entry for each part."""
        return tuple(np.array([phi.hubers for phi in self.parts]).T[:, :, None])

    def _apply(self, name: str, kernel: Kernel, x: Array, out: Array | None, *step: float) -> Any:
        if x.size % len(self.parts):
            raise ValueError(f"the argument has {x.size} entries, not as many for each of {len(self.parts)} filters")
        result = destination(x, out)
        result[...] = kernel(x)
        return result

    def _value(self, x: Array) -> Array:
        return self._by_part(x, lambda phi, part: phi(part))

    def _grad(self, x: Array) -> Array:
        return self._by_part(x, lambda phi, part: phi.grad(part))

    def _prox(self, z: Array, step: float) -> Array:
        return self._by_part(z, lambda phi, part: phi.prox(part, step))

    def _by_part(self, x: Array, result: Callable[[WEEP, Array], Array]) -> Array:
        parts = zip(self.parts, x.reshape(len(self.parts), -1), strict=True)
        return np.stack([result(phi, part) for phi, part in parts]).reshape(x.shape)
