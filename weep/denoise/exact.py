"""The global minimum in one dimension, for piecewise quadratic penalties: dynamic programming, without a grid.

Let M_i(x) be the least cost of the first i entries if the last of them is x. Then

    M_{i+1}(x) = (x − y_{i+1})²/2 + min_z [ M_i(z) + λφ(x − z) ].

M_i is piecewise quadratic, and where its pieces meet it has at most a concave kink, which no minimiser sits in. So a
minimiser z is a stationary point of one piece of M_i plus one piece of φ, or z = x at a convex kink of φ at zero.
Each of these choices gives a quadratic in x on an interval, and M_{i+1} is the lower envelope of all of them.
"""

import bisect
import itertools
import math
from typing import NamedTuple

import numpy as np

from .problem import Array, Problem
from .solver import Solver, Trace

#: What rounding leaves uncertain of a sum of a few terms, as a part of their size.
ROUNDING = 1e-14

#: Sums of curvatures below this part of their size count as zero: no point is a strict minimum there.
FLAT = 1e-8


class Arc(NamedTuple):
    """The quadratic p x² + q x + r on [low, high], and its minimiser z = shift + slope·x of the step before."""

    low: float
    high: float
    p: float
    q: float
    r: float
    shift: float
    slope: float

    def __call__(self, x: float) -> float:
        return (self.p * x + self.q) * x + self.r


def exact(problem: Problem, start: Array, trace: Trace) -> Array:
    """A global minimiser. The number of pieces grows with the length: meant for some hundred entries.

    Rounding has one gap: for a λ within a relative 1e-7 of a value where the curvatures of M and λφ cancel, but not at
    it, the answer may be worse than the minimum.
    """
    y = problem.y.astype(np.float64)
    low, high = float(y.min()), float(y.max())  # clipping to the range of y lowers no term's cost
    margin = 0.01 * (high - low)
    low, high = low - margin, high + margin
    steps = [[Arc(low, high, 0.5, -y[0], y[0] ** 2 / 2, 0.0, 0.0)]]
    for entry in y[1:]:
        arcs = lower_envelope(candidates(problem, steps[-1], low, high), 1e-13 * (high - low))
        steps.append([a._replace(p=a.p + 0.5, q=a.q - entry, r=a.r + entry**2 / 2) for a in arcs])
    x = np.empty_like(y)
    x[-1] = min(map(lowest, steps[-1]))[1]
    for i in range(len(y) - 1, 0, -1):
        arc = steps[i][max(0, bisect.bisect([a.low for a in steps[i]], x[i]) - 1)]
        x[i - 1] = arc.shift + arc.slope * x[i]
    return trace.settle(np.asarray(x, problem.y.dtype))


def lowest(arc: Arc) -> tuple[float, float]:
    """The least value on an arc, and where it is."""
    x = min(max(-arc.q / (2 * arc.p), arc.low), arc.high) if arc.p > 0 else arc.low
    return min((arc(end), end) for end in (x, arc.low, arc.high))


def candidates(problem: Problem, arcs: list[Arc], low: float, high: float) -> list[Arc]:
    """The stationary points of M(z) + λφ(x − z) in z, as arcs over x: for each piece of M and each piece of φ.

    Where two pieces meet with one slope, a stationary point may lie on the seam, and rounding may put it outside of
    both. So each piece is used a little beyond its ends, by what rounding may move the point. There the sum is off by
    the square of that, or, at a concave kink, too high. Below a convex kink at zero it would be too low, and needs no
    help: z = x is a candidate for every x.
    """
    lam, found, span = problem.lam, [], high - low
    pieces = problem.pieces
    kink = pieces[0].slope > 0
    for arc in arcs:
        if kink:
            found.append(arc._replace(shift=0.0, slope=1.0))
        for piece in pieces:
            curvature = lam * piece.curvature
            total, size = 2 * arc.p + curvature, abs(2 * arc.p) + abs(curvature)
            if total <= FLAT * size:
                continue
            for sign in (1.0, -1.0):
                # λφ(d) = base + lean·d + curvature·d²/2 for d between the two ends
                lean = sign * (lam * piece.slope - curvature * piece.start)
                base = lam * piece.value - lam * piece.slope * piece.start + curvature * piece.start**2 / 2
                # Substitute z = shift + slope·x and d = x − z = rest·x − shift.
                shift, slope, rest = (lean - arc.q) / total, curvature / total, 2 * arc.p / total
                slack = ROUNDING * (abs(lean) + abs(arc.q) + size * span) / total
                near, far = piece.start - (0.0 if kink and piece.start == 0 else slack), piece.end + slack
                least, most = (near, far) if sign > 0 else (-far, -near)
                left, right = where(rest, -shift, least, most, low, high)
                left, right = where(slope, shift, arc.low - slack, arc.high + slack, left, right)
                if left < right:
                    p = arc.p * slope**2 + curvature * rest**2 / 2
                    q = 2 * arc.p * slope * shift + arc.q * slope + lean * rest - curvature * rest * shift
                    r = arc(shift) + base - lean * shift + curvature * shift**2 / 2
                    found.append(Arc(left, right, p, q, r, shift, slope))
    return found


def where(slope: float, shift: float, below: float, above: float, low: float, high: float) -> tuple[float, float]:
    """The part of [low, high] where below ≤ shift + slope·x ≤ above; empty if the first number is not the smaller."""
    if slope == 0:
        return (low, high) if below <= shift <= above else (math.inf, -math.inf)
    first, second = (below - shift) / slope, (above - shift) / slope
    return (max(low, first), min(high, second)) if slope > 0 else (max(low, second), min(high, first))


def lower_envelope(arcs: list[Arc], width: float) -> list[Arc]:
    """The lowest of the arcs over each point, as arcs from left to right, each from where the last one ends.

    Pieces below the width are left out, and the next one begins so much earlier.
    """
    arcs = sorted(arcs)
    ends = sorted({end for arc in arcs for end in arc[:2]})
    active: list[Arc] = []
    envelope: list[Arc] = []
    following = 0
    for left, right in itertools.pairwise(ends):
        while following < len(arcs) and arcs[following].low <= left:
            active.append(arcs[following])
            following += 1
        active = [arc for arc in active if arc.high >= right]
        if right - left > width and active:
            for piece in divide(active, left, right, width):
                if not envelope:
                    envelope.append(piece)
                elif envelope[-1][2:] == piece[2:]:
                    envelope[-1] = envelope[-1]._replace(high=piece.high)
                else:
                    envelope.append(piece._replace(low=envelope[-1].high))
    return envelope


def divide(arcs: list[Arc], left: float, right: float, width: float) -> list[Arc]:
    """The envelope of quadratics that all live on [left, right]: the lowest in the middle, then either side of it."""
    middle = (left + right) / 2
    best = min(arcs, key=lambda arc: arc(middle))
    low, high = left, right
    for arc in arcs:
        for root in roots(arc.p - best.p, arc.q - best.q, arc.r - best.r):
            if abs(root - middle) <= width < (right - left) / 4:  # a tie, in which rounding has chosen the best
                return [*divide(arcs, left, middle, width), *divide(arcs, middle, right, width)]
            if low < root <= middle:
                low = root
            elif middle < root < high:
                high = root
    before = divide(arcs, left, low, width) if low - left > width else []
    after = divide(arcs, high, right, width) if right - high > width else []
    return [*before, best._replace(low=low, high=high), *after]


def roots(p: float, q: float, r: float) -> tuple[float, ...]:
    """Real roots of p x² + q x + r, in the form that does not cancel."""
    if p == 0:
        return (-r / q,) if q != 0 else ()
    discriminant = q * q - 4 * p * r
    if discriminant <= 0:
        return ()
    half = -0.5 * (q + math.copysign(math.sqrt(discriminant), q))
    return (half / p, r / half) if half != 0 else (0.0,)


def decomposable(problem: Problem) -> bool:
    """Whether costs to go are finitely many quadratics."""
    return problem.y.ndim == 1 and problem.uniform and bool(problem.pieces)


EXACT = Solver(
    "exact", decomposable, "one axis and a piecewise quadratic penalty, without weights or an array lam", exact
)
