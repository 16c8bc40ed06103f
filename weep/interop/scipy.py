"""Smooth penalties for ``scipy.optimize``: added to an objective for `minimize`, or as the loss of `least_squares`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..checks import nonnegative
from ..penalties import Penalty
from ..regression.problem import NEAR, second_derivative, smooth

__all__ = ["loss", "penalised"]


def penalised(fun: Callable[..., tuple[float, Any]], phi: Penalty, lam: float) -> Callable[..., tuple[float, Any]]:
    """Add λ Σ φ(x_i) to an objective: ``minimize(penalised(fun, phi, lam), x0, jac=True)``.

    Parameters
    ----------
    fun : callable
        ``(x, *args)`` ↦ (value, gradient).
    phi : Penalty
        With a gradient that is Lipschitz.
    lam : float
        Weight λ ≥ 0.

    Returns
    -------
    callable
        ``(x, *args)`` ↦ (value, gradient) of the sum, so that ``args`` of `minimize` reach ``fun``.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty, or ``lam`` no real number.
    ValueError
        If ``phi`` has a kink, or ``lam`` is negative.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import minimize
    >>> from weep import WEEP
    >>> from weep.interop.scipy import penalised
    >>> y = np.array([0.1, 3.0])
    >>> fun = penalised(lambda x: (np.sum((x - y) ** 2) / 2, x - y), WEEP(10.0, 0.0), lam=0.5)
    >>> minimize(fun, np.zeros(2), jac=True).x.round(3)
    array([0.017, 3.   ])
    """
    phi, lam = smooth("phi", phi), nonnegative("lam", lam)

    def total(x: Any, *args: Any) -> tuple[float, Any]:
        value, gradient = fun(x, *args)
        return value + lam * float(np.sum(phi(x))), gradient + lam * phi.grad(x)

    return total


def loss(phi: Penalty) -> Callable[[Any], Any]:
    """The loss ρ(z) = 2φ(√z), for ``least_squares(fun, x0, loss=loss(phi))``, which then minimises Σ φ(fun_i).

    Parameters
    ----------
    phi : Penalty
        With a gradient that is Lipschitz, such as `WEEP` or `Tukey`. Its unit is set by its ``scale``, or by
        ``f_scale``.

    Returns
    -------
    callable
        z ↦ the three rows ρ, ρ', ρ''.

    Raises
    ------
    TypeError
        If ``phi`` is no penalty.
    ValueError
        If ``phi`` has a kink: then ρ' is infinite at zero.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.optimize import least_squares
    >>> from weep import Tukey
    >>> from weep.interop.scipy import loss
    >>> y = np.array([1.0, 1.1, 0.9, 100.0])
    >>> least_squares(lambda m: y - m, [0.0], loss=loss(Tukey())).x.round(3)
    array([1.])
    """
    phi = smooth("phi", phi)

    def rho(z: Any) -> Any:
        r = np.sqrt(z)
        safe = np.maximum(r, NEAR)
        first, second = phi.grad(safe) / safe, second_derivative(phi, safe)
        bend = second - first
        bend = np.where(np.abs(bend) > 1e-8 * first, bend, 0)  # the rest is rounding
        return np.stack([2 * phi(r), first, np.divide(bend, 2 * z, out=np.zeros_like(bend), where=z > 0)])

    return rho
