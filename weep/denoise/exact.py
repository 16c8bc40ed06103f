"""The global minimum in one dimension, for piecewise quadratic penalties: dynamic programming, without a grid.

Let M_i(x) be the least cost of the first i entries if the last of them is x. Then

    M_{i+1}(x) = w_{i+1} (x − y_{i+1})²/2 + min_z [ M_i(z) + λ_i φ(x − z) ].

M_i is piecewise quadratic, and where its pieces meet it has at most a concave kink, which no minimiser sits in. So a
minimiser z is a point where M_i'(z) = λφ'(x − z), on one piece of M_i and one piece of φ, or x − z is a convex kink of
φ. Each of these choices gives a quadratic in x on an interval, and M_{i+1} is the lower envelope of them all.

Slopes decide which points of two pieces belong together. Where two pieces of M_i or of φ meet with one slope, both hold
the very same number, so that rounding loses no stationary point on a seam.
Where φ is a multiple of |x|, slopes alone are enough: see `strings`, which solves thousands of signals at once.
That the cost found is the least is tested against brute force to 1e-12, for curvatures that cancel up to 1e-15 too, but
not proved in floating point.
"""

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..penalties.base import Piece
from ..penalties.pieces import jump
from . import strings
from .dual import multiple
from .problem import Array, Problem
from .solver import Solver, Trace

#: Pieces that are shorter than this part of the range of the data are left out.
WIDTH = 1e-13

#: Pieces that are lower than another by less than this part of the cost, and of the squared range, count as equal.
DEPTH = 1e-14


class Arc(NamedTuple):
    """The quadratic p t² + q t + r of t = x − origin on [low, high], and its minimiser z = shift + rate·t.

    The origin lies in [low, high] or close by: so a steep arc is as accurate as a flat one. At the rate 1, the
    difference x − z = origin − shift is constant.
    """

    low: float
    high: float
    origin: float
    p: float
    q: float
    r: float
    shift: float
    rate: float

    def __call__(self, x: float) -> float:
        t = x - self.origin
        return (self.p * t + self.q) * t + self.r


class Part(NamedTuple):
    """λφ(d) = value + lean·t + bend·t²/2 for t = d − start, d in [near, far], and its slopes at both ends."""

    near: float
    far: float
    first: float
    last: float
    start: float
    value: float
    lean: float
    bend: float

    def __call__(self, d: float) -> float:
        t = d - self.start
        return self.value + (self.lean + self.bend * t / 2) * t


def exact(problem: Problem, start: Array, trace: Trace) -> Array:
    """A global minimiser. The number of pieces grows with the length: meant for some hundred entries."""
    if multiple(problem.pieces):
        return strings.one(problem, trace)
    y = problem.y.tolist()
    weights = [1.0] * len(y) if problem.weights is None else problem.weights.tolist()
    strengths = np.broadcast_to(problem.strengths[0], len(y) - 1).tolist()
    low, high = min(y), max(y)  # clipping to the range of y lowers no term's cost
    margin = 0.01 * (high - low)
    low, high = low - margin, high + margin
    penalties = {lam: (parts(problem.pieces, lam), kinks(problem.pieces, lam)) for lam in set(strengths)}
    steps = [[Arc(low, high, y[0], weights[0] / 2, 0.0, 0.0, 0.0, 0.0)]]
    for entry, weight, lam in zip(y[1:], weights[1:], strengths, strict=True):
        arcs = []
        for a in lower_envelope(candidates(steps[-1], *penalties[lam], low, high), WIDTH * (high - low)):
            t = a.origin - entry
            arcs.append(a._replace(p=a.p + weight / 2, q=a.q + weight * t, r=a.r + weight * t * t / 2))
        steps.append(arcs)
    x = [min(map(lowest, steps[-1]))[1]]
    for arcs in steps[:0:-1]:
        arc = arcs[max(0, bisect.bisect([a.low for a in arcs], x[-1]) - 1)]
        # A constant difference is kept to the last digit: neighbours that a kink at zero holds together are equal.
        x.append(x[-1] - (arc.origin - arc.shift) if arc.rate == 1 else arc.shift + arc.rate * (x[-1] - arc.origin))
    return trace.settle(np.array(x[::-1], problem.y.dtype))


def lowest(arc: Arc) -> tuple[float, float]:
    """The least value on an arc, and where it is."""
    x = clip(arc.origin - arc.q / (2 * arc.p), arc.low, arc.high) if arc.p > 0 else arc.low
    return min((arc(end), end) for end in (x, arc.low, arc.high))


def clip(x: float, low: float, high: float) -> float:
    """The number of [low, high] that is nearest to x."""
    return low if x < low else high if x > high else x


def join(first: list[float], last: list[float], bends: list[float], kinked: Sequence[bool] | None = None) -> None:
    """Close gaps between the slopes of successive pieces, which only rounding makes: the flatter piece knows better."""
    for k in range(len(last) - 1):
        if last[k] < first[k + 1] and not (kinked and kinked[k]):
            slope = last[k] if abs(bends[k]) <= abs(bends[k + 1]) else first[k + 1]
            last[k] = first[k + 1] = slope


def parts(pieces: Sequence[Piece], lam: float) -> list[Part]:
    """The pieces of λφ on both sides of zero."""
    found = []
    first = [lam * p.slope for p in pieces]
    last = [lam * (p.slope + (p.curvature * (p.end - p.start) if p.curvature and lam else 0.0)) for p in pieces]
    join(first, last, [p.curvature for p in pieces], [jump(p, q) > 0 for p, q in itertools.pairwise(pieces)])
    for p, a, b in zip(pieces, first, last, strict=True):
        value, lean, bend = lam * p.value, lam * p.slope, lam * p.curvature
        lean = lean if bend else a
        if p.start == 0 and a == 0:  # smooth at zero: one part for both sides
            found.append(Part(-p.end, p.end, -b, b, 0.0, value, 0.0, bend))
            continue
        found.append(Part(p.start, p.end, a, b, p.start, value, lean, bend))
        found.append(Part(-p.end, -p.start, -b, -a, -p.start, value, -lean, bend))
    return found


def kinks(pieces: Sequence[Piece], lam: float) -> list[tuple[float, float]]:
    """Where φ has a convex kink, on both sides of zero, and λφ there."""
    at = [(q.start, lam * q.value) for p, q in itertools.pairwise(pieces) if jump(p, q) > 0]
    return [(0.0, 0.0)] * (pieces[0].slope > 0) + at + [(-d, value) for d, value in at]


def candidates(
    arcs: list[Arc], penalty: list[Part], corners: list[tuple[float, float]], low: float, high: float
) -> list[Arc]:
    """The stationary points of M(z) + λφ(x − z) in z, as arcs over x: on each piece of M, each piece and kink of φ."""
    found = []
    first = [2 * arc.p * (arc.low - arc.origin) + arc.q for arc in arcs]
    last = [2 * arc.p * (arc.high - arc.origin) + arc.q for arc in arcs]
    join(first, last, [arc.p for arc in arcs])
    for arc, begin, end in zip(arcs, first, last, strict=True):
        for d, value in corners:
            left, right = max(low, arc.low + d), min(high, arc.high + d)
            if left < right:
                found.append(Arc(left, right, arc.origin + d, arc.p, arc.q, arc.r + value, arc.origin, 1.0))
        bend = 2 * arc.p
        flattest, steepest = (begin, end) if begin <= end else (end, begin)
        for part in penalty:
            total = bend + part.bend
            if total <= 0:
                continue
            least, most = (part.first, part.last) if part.bend >= 0 else (part.last, part.first)
            least, most = max(least, flattest), min(most, steepest)
            if least > most:
                continue
            if bend and part.bend:  # both ends of the slopes that the two pieces share
                (z, d), (other, beyond) = ((on_arc(arc, begin, end, s), on_part(part, s)) for s in (least, most))
            elif bend:  # the part is straight: d is free
                z = other = on_arc(arc, begin, end, least)
                d, beyond = part.near, part.far
            else:
                z, other = arc.low, arc.high
                d = beyond = on_part(part, least)
            if z + d > other + beyond:
                z, d, other, beyond = other, beyond, z, d
            left, right = max(low, z + d), min(high, other + beyond)
            if left < right:
                middle, rate = (left + right) / 2, part.bend / total
                z += rate * (middle - (z + d)) if rate else 0.0
                d = middle - z
                slope = part.lean + part.bend * (d - part.start)
                found.append(Arc(left, right, middle, arc.p * rate, slope, arc(z) + part(d), z, rate))
    return found


def on_arc(arc: Arc, begin: float, end: float, slope: float) -> float:
    """Where an arc that is not straight has a slope; exactly its ends for those of the ends."""
    if slope == begin:
        return arc.low
    return arc.high if slope == end else clip(arc.low + (slope - begin) / (2 * arc.p), arc.low, arc.high)


def on_part(part: Part, slope: float) -> float:
    """The same for a part of λφ."""
    if slope == part.first:
        return part.near
    if slope == part.last:
        return part.far
    return clip(part.start + (slope - part.lean) / part.bend, part.near, part.far)


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
    middle, half = (left + right) / 2, (right - left) / 2
    heights = [arc(middle) for arc in arcs]
    least = min(heights)
    best = arcs[heights.index(least)]
    depth = DEPTH * (abs(least) + (width / WIDTH) ** 2)
    tilt = 2 * best.p * (middle - best.origin) + best.q
    low, high = left, right
    for arc, height in zip(arcs, heights, strict=True):
        p, q = arc.p - best.p, 2 * arc.p * (middle - arc.origin) + arc.q - tilt
        above = height - least
        deepest = above + (p * half - abs(q)) * half
        if p > 0 and abs(q) < 2 * p * half:
            deepest = above - q * q / (4 * p)
        if deepest >= -depth:
            continue  # it lies above, or is lower only by rounding
        for t in roots(p, q, above):
            root = middle + t
            if abs(t) <= width < half / 2:  # a tie, in which rounding has chosen the best
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
    return problem.y.ndim == 1 and bool(problem.pieces)


EXACT = Solver(
    "exact",
    decomposable,
    "one axis and a piecewise quadratic penalty",
    exact,
    strings.many,
    auto=lambda problem, tol: multiple(problem.pieces) or math.isinf(problem.phi.weak_convexity),
)
