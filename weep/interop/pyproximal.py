"""Penalties as operators of PyProximal, for its ADMM, its proximal gradient, and all its other solvers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..checks import extra, finite, floating, integer, positive

with extra("pyproximal", "this adapter"):
    from pyproximal import ProxOperator
    from pyproximal.ProxOperator import _check_tau

from ..penalties import Grouped, Penalty, Spectral
from ..penalties.base import penalty

__all__ = ["Separable", "Shaped"]


class Separable(ProxOperator):
    """The function Σ σ_i φ(x_i), as PyProximal sees it: its ``prox(x, tau)`` has the steps τσ.

    Parameters
    ----------
    phi : Penalty
        The penalty.
    sigma : float or array_like, optional
        Weight σ > 0, or one for each entry.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty, or ``sigma`` not real.
    ValueError
        If ``sigma`` is not above zero.

    See Also
    --------
    Shaped : Penalties on groups and on matrices.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP
    >>> from weep.interop.pyproximal import Separable
    >>> f = Separable(WEEP(10.0, 0.1), sigma=1.0)
    >>> f.prox(np.array([0.1, 3.0]), 0.5).round(3)
    array([0.017, 2.95 ])
    """

    def __init__(self, phi: Penalty, sigma: Any = 1.0) -> None:
        super().__init__(None, np.isfinite(penalty("phi", phi).lipschitz))
        several = isinstance(sigma, list | tuple) or np.ndim(sigma) > 0
        if several and not np.all((sigma := finite("sigma", floating("sigma", sigma))) > 0):
            raise ValueError("sigma must be greater than 0, and holds a number that is not")
        self.phi, self.sigma = phi, sigma if several else positive("sigma", sigma)

    def __call__(self, x: Any) -> float:
        return float(np.sum(self.sigma * self.phi(x)))

    @_check_tau
    def prox(self, x: Any, tau: Any) -> Any:
        """Prox of τσφ, elementwise; τ may be an array, of one step for each entry."""
        steps = self.sigma * np.asarray(tau, np.float64)
        if steps.ndim == 0:
            return self.phi.prox(x, float(steps))
        x, steps = np.broadcast_arrays(x, steps)
        out = np.empty(x.shape, np.result_type(x, 0.0))
        for step in np.unique(steps):
            out[steps == step] = self.phi.prox(x[steps == step], float(step))
        return out

    @_check_tau
    def proxdual(self, x: Any, tau: Any) -> Any:
        """Prox of τ times the conjugate, by Moreau's decomposition."""
        return self._proxdual_moreau(x, tau)

    def grad(self, x: Any) -> Any:
        """The gradient σφ'(x), elementwise."""
        return self.sigma * self.phi.grad(x)


class Shaped(ProxOperator):
    """The function σΦ(X) of a penalty on groups or on matrices, where PyProximal has the array X as a vector.

    Parameters
    ----------
    phi : Grouped or Spectral
        The penalty.
    dims : sequence of int
        The shape of X, raveled in C order.
    sigma : float, optional
        Weight σ > 0.

    Raises
    ------
    TypeError
        If ``phi`` is of another kind, ``dims`` holds no integers, or ``sigma`` is no real number.
    ValueError
        If a size is below 1, or ``sigma`` is not above zero.

    See Also
    --------
    Separable : Penalties on single numbers.

    Notes
    -----
    For isotropic total variation take a gradient operator of PyLops, and groups over its first axis, which holds the
    directions. Of a picture in colour, groups over the first and that of the channels.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import L1
    >>> from weep.penalties import Grouped
    >>> from weep.interop.pyproximal import Shaped
    >>> f = Shaped(Grouped(L1(), axis=0), dims=(2, 3))  # three vectors in the plane
    >>> f.prox(np.array([3.0, 0.0, 0.5, 4.0, 0.0, 0.0]), 1.0)
    array([2.4, 0. , 0. , 3.2, 0. , 0. ])
    """

    def __init__(self, phi: Grouped | Spectral, dims: Sequence[int], sigma: float = 1.0) -> None:
        if not isinstance(phi, Grouped | Spectral):
            raise TypeError(f"phi={phi!r} must be Grouped(...) or Spectral(...): for single numbers there is Separable")
        super().__init__(None, np.isfinite(phi.lipschitz))
        self.phi, self.sigma = phi, positive("sigma", sigma)
        self.dims = tuple(integer("dims", n, 1) for n in dims)

    def __call__(self, x: Any) -> float:
        return self.sigma * float(self.phi(np.reshape(x, self.dims)))

    @_check_tau
    def prox(self, x: Any, tau: Any) -> Any:
        """Prox of τσΦ, for one τ."""
        if np.ndim(tau) > 0:
            raise ValueError("tau must be one number: the entries of a group or a matrix share their step")
        return np.ravel(self.phi.prox(np.reshape(x, self.dims), self.sigma * float(tau)))

    @_check_tau
    def proxdual(self, x: Any, tau: Any) -> Any:
        """Prox of τ times the conjugate, by Moreau's decomposition."""
        return self._proxdual_moreau(x, tau)

    def grad(self, x: Any) -> Any:
        """The gradient σ∇Φ(X), as a vector."""
        return self.sigma * np.ravel(self.phi.grad(np.reshape(x, self.dims)))
