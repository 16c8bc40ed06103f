"""Problem (1): its objective, its gradient, and what a solver reports about it."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..operators import Differences
from ..penalties import Penalty
from ..penalties.pieces import curvature
from .lanczos import largest
from .maps import Map
from .shaped import Shaped
from .spectral import SHARE, Frequencies, Scaling

Array = NDArray[Any]
Callback = Callable[[int, Array], object]


@dataclass(frozen=True)
class Result:
    """What a solver of (1) found.

    Attributes
    ----------
    x : ndarray of float64, or array of the library of the measurements
        The signal, of the shape that the operators say.
    objective : float
        Objective (1) at ``x``.
    n_iter : int
        Iterations made, over all problems of a path.
    converged : bool
        Whether the residual reached the tolerance.
    history : ndarray of shape (n_iter, 2)
        Objective and residual after each iteration; on a path, those of the problem that was being solved.
    method : str
        The method that was used.
    n_applications : int
        How often A and its adjoint were applied, all together: by the solver, its path and its preconditioner.
    """

    x: Array
    objective: float
    n_iter: int
    converged: bool
    history: NDArray[np.float64]
    method: str
    n_applications: int
    _certify: Callable[[], str] = field(repr=False, compare=False)

    @cached_property
    def certificate(self) -> str:
        r"""What is known of ``x``, up to the tolerance; found out when it is first asked for.

        ``global``
            A global minimum: φ is convex, or :math:`A^\top A - \lambda w L^\top L` has no negative eigenvalue, for the
            modulus w of weak convexity.
        ``local``
            A strict local minimum: the second derivative is positive definite, and no entry of Lx is where the
            derivative of φ bends or jumps. Entries that L = I leaves at zero, at a kink of φ, stay there: the second
            derivative is then that of the others.
        ``stationary``
            A point where no direction descends to first order.
        ``none``
            The solver did not converge.

        Eigenvalues are found by a Lanczos iteration of at most 300 steps from a random vector, each of which applies A
        and its adjoint once, which ``n_applications`` leaves out. A Ritz value below zero settles that
        there is a negative eigenvalue. That there is none is told from the smallest Ritz value and the bound on its
        error: it fails by chance only, where the random vector is almost orthogonal to an eigenvector.
        """
        return self._certify()

    def __getstate__(self) -> dict[str, Any]:
        """What goes to a file or another process: the certificate is found out first, as operators may not go there."""
        return self.__dict__ | {"certificate": self.certificate, "_certify": None}


@dataclass(frozen=True)
class Problem:
    """The objective (1): weights are in A and y already, and all is flat, real and in double precision."""

    A: Map
    L: Map
    y: Array
    phi: Penalty | Shaped
    lam: float
    frequencies: Frequencies

    def evaluate(self, ax: Array, lx: Array) -> tuple[float, Array]:
        """Objective and gradient, with Ax and Lx given; one application of the adjoint of A."""
        r = ax - self.y
        return self.cost(r, lx), self.A.adjoint(r) + self.lam * self.L.adjoint(self.phi.grad(lx))

    def cost(self, r: Array, lx: Array) -> float:
        """Objective, with the residual Ax − y and Lx given."""
        return float(r @ r) / 2 + self.lam * float(np.sum(self.phi(lx)))

    @cached_property
    def scaling(self) -> Scaling:
        """A preconditioner near the second derivative."""
        return self.frequencies.scaling(self.lam * self.phi.lipschitz, SHARE)

    @cached_property
    def norm_squared(self) -> float:
        """‖A‖², from above."""
        return largest(lambda x: self.A.adjoint(self.A(x)), self.A.shape[1])

    @cached_property
    def l_norm_squared(self) -> float:
        """‖L‖², from above."""
        if isinstance(self.L.source, Differences):
            return 4.0 * len(self.L.source.dims)
        return 1.0 if self.L.source is None else largest(lambda x: self.L.adjoint(self.L(x)), self.L.shape[1])


def secant(phi: Penalty | Shaped, t: Array) -> Array:
    """φ'(t)/t, the curvature of the parabola above φ that touches it at t; φ''(0) at zero."""
    slope = phi.grad(t)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.where(np.abs(t) > 1e-150, np.divide(slope, t), phi.lipschitz)


def second(phi: Penalty | Shaped, t: Array) -> Array:
    """φ''(t), exact for a piecewise quadratic penalty, else a difference quotient of φ'."""
    if isinstance(phi, Penalty) and phi.pieces:
        return curvature(phi, t)
    reach = 1e-6 * (1 + np.abs(t))
    return (phi.grad(t + reach) - phi.grad(t - reach)) / (2 * reach)


class Trace:
    """The history of a run: it measures residuals, calls back, and says when to stop."""

    def __init__(
        self, scale: float, tol: float, max_iter: int, shape: tuple[int, ...], callback: Callback | None
    ) -> None:
        self.scale, self.tol, self.max_iter, self.shape, self.callback = scale or 1.0, tol, max_iter, shape, callback
        self.rows: list[tuple[float, float]] = []
        self.start = 0
        self.converged = self.cancelled = False

    def begin(self, tol: float) -> None:
        """A new problem of a path."""
        self.tol, self.start, self.converged = tol, len(self.rows), False

    def record(self, x: Array, value: float, residual: float) -> bool:
        """Note an iterate, its objective and the norm of its residual; return whether it is the last one."""
        relative = residual / self.scale
        self.rows.append((value, relative))
        self.converged = relative <= self.tol
        if self.callback is not None:
            try:
                self.callback(len(self.rows), x.reshape(self.shape).copy())
            except StopIteration:
                self.cancelled = True
        return (
            self.converged or self.cancelled or not math.isfinite(value) or len(self.rows) - self.start >= self.max_iter
        )


def norm(x: Array) -> float:
    """Euclidean norm."""
    return math.sqrt(float(np.vdot(x, x)))
