"""What a solver of (11) is, what it is handed to report to, and what the caller gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .problem import Array, Problem
from .units import Units

Callback = Callable[[int, Array], object]

#: A run ends at the level of rounding if so many iterations have not taken a tenth off the residual.
PATIENCE = 50


@dataclass(frozen=True, eq=False)
class Result:
    """What a solver of (11) found.

    Attributes
    ----------
    x : ndarray
        The denoised signal, of the shape and floating dtype of the data.
    objective : float
        Objective (11) at ``x``, before ``x`` is rounded to the type of the data.
    n_iter : int
        Iterations made, for several signals the most of one: 0 for the methods ``closed_form`` and ``exact``.
    converged : bool
        Whether the residual reached the tolerance, that of every signal.
    history : ndarray of shape (n_iter, 2)
        Objective and residual after each iteration. Of several signals, the sum of their objectives and the largest
        residual; a signal that has come to its end stays there.
    method : str
        The method that was used.
    certificate : {"global", "stationary", "none"}
        What is known of ``x``, up to the tolerance: ``global`` is a global minimum (the objective is convex, by
        `is_convex`, or the method is exact), ``stationary`` a point where no direction descends to first order,
        and ``none`` says that the solver did not converge. Of several signals, the least of these.
    """

    x: Array
    objective: float
    n_iter: int
    converged: bool
    history: NDArray[np.float64]
    method: str
    certificate: str


class Trace:
    """The history of a run: it measures residuals, calls back, and says when to stop."""

    def __init__(self, problem: Problem, units: Units, tol: float, max_iter: int, callback: Callback | None) -> None:
        self.problem, self.scale = problem, problem.scale
        self.units, self.unit = units, units.size * units.size
        self.tol, self.max_iter, self.callback = tol, max_iter, callback
        self.rows: Any = []  # pairs of an objective and a relative residual, or an array of two columns
        self.converged = self.settled = self.cancelled = False
        self.best, self.best_at = np.inf, 0
        self.floor = 0.0  # where a solver rounds more than the problem says

    def record(self, x: Array, value: float, residual: float) -> bool:
        """Note an iterate, its objective and the norm of its residual; return whether it is the last one."""
        relative = residual / self.scale
        self.rows.append((value * self.unit, relative))
        count = len(self.rows)
        self.converged = relative <= self.tol
        if self.callback is not None:
            try:
                self.callback(count, self.units.back(x))
            except StopIteration:
                self.cancelled = True
        if relative < 0.9 * self.best:
            self.best, self.best_at = relative, count
        exhausted = count - self.best_at >= PATIENCE and self.best <= self.rounding
        return self.converged or self.cancelled or exhausted or count >= self.max_iter

    @property
    def rounding(self) -> float:
        """What rounding may leave of a relative residual."""
        return max(self.floor, self.problem.rounding)

    def replay(self, rows: NDArray[np.float64]) -> None:
        """Note a run that a compiled kernel has made: the objective and relative residual of each iterate."""
        rows[:, 0] *= self.unit
        self.rows, self.converged = rows, bool(rows[-1, 1] <= self.tol)

    def settle(self, x: Array, value: float | None = None) -> Array:
        """Note that x is a global minimum, found without iterations, and its objective if it is known; return x."""
        self.settled = self.converged = True
        value = self.problem.value(x, self.problem.differences(x)) if value is None else value
        self.value = value * self.unit
        return x

    def complaint(self, method: str) -> str | None:
        """What is to be said if the run has not reached the tolerance; nothing if the caller has ended it."""
        if self.converged or self.cancelled:
            return None
        return complaint(
            method, self.problem.y.dtype, self.rounding, len(self.rows), self.rows[-1][1], self.tol, self.max_iter
        )

    def result(self, x: Array, method: str) -> Result:
        """What the run has found, with x in the units of the caller."""
        known = "global" if self.settled or self.problem.convex else "stationary"
        value = self.value if self.settled else float(self.rows[-1][0])
        history = np.array(self.rows).reshape(-1, 2)
        return Result(x, value, len(history), self.converged, history, method, known if self.converged else "none")


def complaint(
    method: str, dtype: np.dtype[Any], rounding: float, count: int, residual: float, tol: float, max_iter: int
) -> str:
    """What is to be said of a run that ended at that residual, and what helps."""
    if residual <= rounding:
        advice = f"rounding in {dtype} hides what is left, so allow a larger tol"
        advice += ", or pass float64" if dtype == np.float32 else ""
    elif count < max_iter:
        advice = "it finds no better point, so allow a larger tol, or try another method"
    else:
        advice = "allow more with max_iter, or try another method"
    return (
        f"method={method!r} made {count} iterations and reached a residual of {residual:.1e}, not "
        f"tol={tol:.1e}: {advice}"
    )


@dataclass(frozen=True)
class Solver:
    """One method: what it is called, which problems it takes, what it needs in words, and how it runs.

    ``many`` runs it on a stack of problems at once, where it can. ``auto`` says of a problem that it takes, and of a
    tolerance, whether it is meant for them.
    """

    name: str
    takes: Callable[[Problem], bool]
    needs: str
    run: Callable[[Problem, Array, Trace], Any]
    many: Callable[..., Any] | None = None
    auto: Callable[[Problem, float], bool] = lambda problem, tol: True
