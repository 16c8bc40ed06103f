"""Smooth penalties for ``scipy.optimize``: added to an objective for `minimize`, or as the loss of `least_squares`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..penalties import Penalty
from ..penalties.pieces import curvature

__all__ = ["loss", "penalised"]


def penalised(fun: Callable[[Any], tuple[float, Any]], phi: Penalty, lam: float) -> Callable[[Any], tuple[float, Any]]:
    """Add λ Σ φ(x_i) to an objective: ``minimize(penalised(fun, phi, lam), x0, jac=True)``.

    Parameters
    ----------
    fun : callable
        x ↦ (value, gradient).
    phi : Penalty
        With a gradient that is Lipschitz.
    lam : float
        Weight λ.

    Returns
    -------
    callable
        x ↦ (value, gradient) of the sum.
    """

    def total(x: Any) -> tuple[float, Any]:
        value, gradient = fun(x)
        return value + lam * float(np.sum(phi(x))), gradient + lam * phi.grad(x)

    return total


def loss(phi: Penalty) -> Callable[[Any], Any]:
    """The loss ρ(z) = 2φ(√z), for ``least_squares(fun, x0, loss=loss(phi))``, which then minimises Σ φ(fun_i).

    Parameters
    ----------
    phi : Penalty
        Piecewise quadratic and differentiable, such as `WEEP`. Its unit is set by its ``scale``, or by ``f_scale``.

    Returns
    -------
    callable
        z ↦ the three rows ρ, ρ', ρ''.
    """

    def rho(z: Any) -> Any:
        r = np.sqrt(z)
        safe = np.where(r == 0, 1, r)
        second = curvature(phi, r)
        first = np.where(r == 0, second, phi.grad(safe) / safe)
        return np.stack([2 * phi(r), first, (second - first) / (2 * safe**2)])

    return rho
