"""The closed form for a quadratic penalty: one linear system."""

from ..operators import resolvent
from .problem import Array, Problem
from .solver import Solver, Trace


def closed_form(problem: Problem, start: Array, trace: Trace) -> Array:
    """Solve (W + cDᵀΛD) x = Wy for the curvature c of φ and the weights W. Channels do not meet in it."""
    y, bend = problem.y, problem.pieces[0].curvature
    strength = problem.strengths[0] * bend
    diagonal = 1 if problem.weights is None else problem.weights
    return trace.settle(resolvent(y.shape, strength, y.dtype, problem.axes, diagonal)(problem.weighted(y)))


def quadratic(problem: Problem) -> bool:
    """Whether φ(x) = c x²/2, and one transform or one tridiagonal system solves the problem."""
    solvable = problem.uniform or problem.y.ndim == 1
    return solvable and len(problem.pieces) == 1 and problem.pieces[0].slope == 0


CLOSED_FORM = Solver(
    "closed_form",
    quadratic,
    "a quadratic penalty such as L2(), and one axis if there are weights or many lam",
    closed_form,
)
