"""Accelerated projected gradient on the dual, for φ = c|x|: many cheap steps, to a few digits.

The dual of (11) is to maximise ⟨p, Dy⟩ − ‖Dᵀp‖²/2 over forces p that are nowhere longer than λc. Its gradient is Dx at
x = y − Dᵀp, which is also the best x that belongs to p. The gap between (11) at x and the dual at p is

    λc Σ|Dx| − ⟨p, Dx⟩,

a sum of terms that are not negative. So nothing cancels, and single precision is enough for a few digits. As (11) is
strongly convex, x is at most √(2 gap) away from the solution. That is the residual here. Where (11) is smooth and
convex, the norm of the gradient is such a bound too, so that a tolerance means the same.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import compiled
from ..operators import ratio, within
from ..penalties.base import Piece
from .fista import WORTH_SHARING
from .problem import WORTH_COMPILING, Array, Problem
from .rows import number
from .solver import Solver, Trace
from .units import inner, norm

#: Steps of the first iteration, and the least and most that each other one adds.
FIRST, LEAST, MOST = 2, 4, 20

#: Length of a step, in units of 1/‖D‖². The proof of the accelerated rate has 1. With momentum, a quadratic allows 4/3,
#: and without momentum 2: so momentum starts anew if the gap has grown. On pictures, a sixth fewer steps than with 1.
STRETCH = 1.28

#: Tolerances from which forces are in single precision, whose rounding leaves a residual of about a third of this.
SINGLE = 1e-3

#: Tolerances from which it is faster than ADMM.
COARSE = 1e-2

#: Rows of a tile.
TALL = 128

#: One iteration: the momentum of each of its steps from the forces kept last, or from none, and whether to keep those
#: that it ends with. It gives x, the objective at x, and the gap.
Advance = Callable[[list[float], bool], tuple[Array, float, float]]


def dual(problem: Problem, start: Array, trace: Trace) -> Array:
    """Steps from zero forces until the gap is small. Where x starts does not matter: the forces say where it is."""
    kind: np.dtype[Any] = np.dtype(np.float32 if trace.tol >= SINGLE else np.float64)
    eps = float(np.finfo(kind).eps)
    trace.floor = 2 * math.sqrt(eps)
    advance = (_fused if _compiled(problem) else _plain)(problem, kind)
    last, age, count, made, keep = math.inf, 0, FIRST, 0, False
    momentum: list[float] = []
    while True:
        momentum += [k / (k + 4) for k in range(age, age + count)]
        x, value, gap = advance(momentum, keep)
        momentum = [] if keep else momentum
        made += count
        age = age + count if gap <= last else 0
        residual, last = math.sqrt(2 * max(gap, eps * value)), gap  # it is a sum of rounded terms
        if trace.record(x, value, residual):
            return x
        # On pictures, the residual was measured to fall as the number of steps to a power between −0.4 and −1.4. One
        # iteration more costs more than a few steps too many.
        wanted = made * ((residual / (trace.tol * trace.scale)) ** 2 - 1)
        count = math.ceil(min(max(wanted, LEAST), MOST))
        # New memory takes as long as some steps: what is likely the last iteration keeps no forces.
        keep = wanted > MOST or made > MOST


def _plain(problem: Problem, kind: np.dtype[Any]) -> Advance:
    y, step = problem.y.astype(kind), kind.type(STRETCH / problem.norm_squared)
    slope = problem.pieces[0].slope
    limits = [np.asarray(lam * slope, kind) for lam in problem.strengths]
    forces = [np.zeros_like(part) for part in problem.differences(y)]
    state = forces, forces

    def project(parts: list[Array]) -> list[Array]:
        if not problem.isotropic:
            return [np.clip(part, -limit, limit) for part, limit in zip(parts, limits, strict=True)]
        factor = ratio(limits[0], np.maximum(problem.lengths(parts, y.shape), limits[0]))
        return [factor[within(part)] * part for part in parts]

    def advance(momentum: list[float], keep: bool) -> tuple[Array, float, float]:
        nonlocal state
        p, q = state
        for beta in momentum:
            d = problem.differences(y - problem.adjoint(q))
            new = project([qk + step * dk for qk, dk in zip(q, d, strict=True)])
            p, q = new, [pk + kind.type(beta) * (pk - ok) for pk, ok in zip(new, p, strict=True)]
        state = (p, q) if keep else state
        x = y - problem.adjoint(p)
        d = problem.differences(x)
        sizes = [problem.lengths(d, y.shape)] if problem.isotropic else [np.abs(part) for part in d]
        penalty = sum(inner(limit, size) for limit, size in zip(limits, sizes, strict=True))
        work = sum(inner(pk, dk) for pk, dk in zip(p, d, strict=True))
        return x.astype(problem.y.dtype), penalty + norm([x - y]) ** 2 / 2, penalty - work

    return advance


def _fused(problem: Problem, kind: np.dtype[Any]) -> Advance:
    kernels = compiled.kernels("weep.denoise.fused_dual")
    assert kernels is not None
    spatial = problem.y.shape[int(problem.channels) :]
    y = np.ascontiguousarray(problem.y).reshape(-1, *(1,) * (2 - len(spatial)), *spatial)
    x, pair = np.empty_like(y), [np.empty((2, 2, 1, 1, 1), kind)] * 2  # no forces yet
    tall = max(TALL, -(-y.shape[1] // 32))
    sums = np.empty((-(-y.shape[1] // tall), 3))
    convert = number(kind)
    lam = problem.lam * problem.pieces[0].slope
    numbers = convert(lam), convert(STRETCH / problem.norm_squared), convert(0.5), problem.isotropic
    threads = compiled.threads() if y.size >= WORTH_SHARING else 1
    fresh = True

    def advance(momentum: list[float], keep: bool) -> tuple[Array, float, float]:
        nonlocal fresh
        before, after = pair
        if keep and after.size < y.size:
            after = np.empty((2, 2, *y.shape), kind)
        job = sums, y, x, before, after, fresh, keep, np.array(momentum, kind), *numbers
        compiled.share(lambda first, last: kernels.tiles(first, last, tall, *job), len(sums), threads)
        if keep:
            pair[:], fresh = (after, before), False
        penalty, misfit, work = sums.sum(0).tolist()
        return x.reshape(problem.y.shape), penalty + misfit, penalty - work

    return advance


def _compiled(problem: Problem) -> bool:
    """Whether there are kernels for it."""
    small = problem.y.size < WORTH_COMPILING or len(problem.axes) > 2
    return not small and problem.uniform and compiled.kernels("weep.denoise.fused_dual") is not None


def multiple(pieces: Sequence[Piece]) -> bool:
    """Whether these are the pieces of c|x|."""
    return len(pieces) == 1 and pieces[0].slope > 0 and pieces[0].curvature == 0


def absolute(problem: Problem) -> bool:
    """Whether φ(x) = c|x|, and all entries have one weight."""
    return problem.weights is None and multiple(problem.pieces)


DUAL = Solver("dual", absolute, "a multiple of L1(), and no weights", dual, auto=lambda problem, tol: tol >= COARSE)
