"""The derivation of (2) to (10) in SymPy, and of what WEEP is related to: every step returns the expressions it names.

All steps are for x ≥ 0; penalty, tangent and prox are even or odd. The symbols are the paper's. Where a square root is
wanted without an absolute value, b is written as √(2a) − δ with δ ≥ 0, which is the whole domain 0 ≤ b ≤ √(2a).
"""

from dataclasses import dataclass

from ..checks import extra

with extra("symbolic", "the derivation"):
    import sympy as sp

__all__ = [
    "Relative",
    "Root",
    "a",
    "admm_margin",
    "b",
    "base",
    "beta",
    "cap",
    "continuity",
    "delta",
    "discriminant",
    "gaps",
    "hidden",
    "hidden_weight",
    "huber_form",
    "identity",
    "intercepts",
    "k_in",
    "k_out",
    "lam",
    "largest_gap",
    "m",
    "mcp_gaps",
    "middle_width",
    "moreau",
    "moreau_ends",
    "moreau_weep",
    "prox_jump",
    "prox_pieces",
    "prox_tie",
    "quadratic",
    "roots",
    "slopes",
    "tangency",
    "u",
    "weep",
    "x",
    "z",
]

a, beta, delta, lam, u, x, z = sp.symbols("a beta delta lambda u x z", positive=True)
b, c, d, m = sp.symbols("b c d m", real=True)

#: Where the base penalty (2) changes its formula.
cap = sp.sqrt(2 / a)

#: The two parabolas of k(x) = h(x) + x²/2, for x ≥ 0.
k_in = (a + 1) / 2 * x**2
k_out = x**2 / 2 + b * x + c


def identity(left: sp.Expr, right: sp.Expr, name: str | None = None) -> sp.Eq:
    """The equation left = right, unevaluated for display, if it holds for all values of its symbols.

    Parameters
    ----------
    left, right : sympy.Expr
        The two sides.
    name : str, optional
        What to display in place of the left side, as LaTeX: for a left side that a step above has computed.

    Returns
    -------
    sympy.Eq
        Both sides as they were given.

    Raises
    ------
    ArithmeticError
        If the difference does not simplify to zero.
    """
    difference = sp.simplify(_factor(sp.sympify(left - right)))
    if difference != 0:
        raise ArithmeticError(f"not an identity: the sides differ by {difference}")
    return sp.Eq(left if name is None else sp.Symbol(name), right, evaluate=False)


def base() -> sp.Piecewise:
    """The base penalty (2) for x ≥ 0, with c as a symbol."""
    return sp.Piecewise((a / 2 * x**2, x <= cap), (b * x + c, True))


def continuity() -> sp.Expr:
    """The c that makes (2) continuous at its cap."""
    (solution,) = sp.solve(sp.Eq(a / 2 * cap**2, b * cap + c), c)
    return sp.expand(solution)


def tangency() -> tuple[sp.Expr, sp.Expr]:
    """The points x1 and x2 where the parabolas have slope m."""
    (x1,) = sp.solve(sp.Eq(sp.diff(k_in, x), m), x)
    (x2,) = sp.solve(sp.Eq(sp.diff(k_out, x), m), x)
    return x1, x2


def intercepts() -> tuple[sp.Expr, sp.Expr]:
    """The intercepts (5) and (6) of the lines of slope m that touch the one and the other parabola."""
    x1, x2 = tangency()
    return sp.factor((k_in - m * x).subs(x, x1)), (k_out - m * x).subs(x, x2).expand().collect(c)


def quadratic() -> sp.Poly:
    """The polynomial (7) in m, whose roots make the two tangents one."""
    inner, outer = intercepts()
    difference = sp.expand(2 * (a + 1) * (outer - inner))
    return sp.Poly(-difference, m)


def discriminant() -> sp.Expr:
    """A quarter of the discriminant of (7), with c from continuity: a perfect square times a + 1."""
    return (a + 1) * _factor(quadratic().discriminant().subs(c, continuity()) / (4 * (a + 1)))


@dataclass(frozen=True)
class Root:
    """A root of (7), and the tangent that it gives, in a and δ = √(2a) − b."""

    m: sp.Expr
    x1: sp.Expr
    x2: sp.Expr
    d: sp.Expr


def roots() -> tuple[Root, Root]:
    """Both roots (8) of (7): first with the plus sign, then with the minus sign."""
    slope = sp.sqrt(2 * a) - delta
    found = []
    for sign in (1, -1):
        root = (slope * (a + 1) + sign * sp.sqrt(a + 1) * delta) / a
        x1, x2 = (point.subs(m, root).subs(b, slope) for point in tangency())
        found.append(Root(root, x1, x2, -(root**2) / (2 * (a + 1))))
    return found[0], found[1]


def middle_width(root: Root) -> sp.Expr:
    """x2 − x1, whose sign decides between the roots."""
    return sp.simplify(root.x2 - root.x1)


def gaps() -> tuple[sp.Expr, sp.Expr]:
    """How far the two parabolas lie above the tangents of slope m that touch them: (5) in the one, (6) in the other."""
    inner, outer = intercepts()
    return k_in - m * x - inner, k_out - m * x - outer


def weep() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The three pieces of (4), for x ≥ 0, with m, d and c as symbols."""
    return a / 2 * x**2, m * x + d - x**2 / 2, b * x + c


def slopes() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The three pieces of (9), by differentiation of (4)."""
    inner, middle, outer = (sp.diff(piece, x) for piece in weep())
    return inner, middle, outer


def huber_form() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The three pieces of (a + 1)·Huber_{x1} − Huber_{x2}, for x ≥ 0 and x1 ≤ x2."""
    x1, x2 = tangency()

    def linear(delta: sp.Expr) -> sp.Expr:
        return delta * x - delta**2 / 2

    return (
        (a + 1) * x**2 / 2 - x**2 / 2,
        (a + 1) * linear(x1) - x**2 / 2,
        (a + 1) * linear(x1) - linear(x2),
    )


def prox_pieces() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The three pieces of (10), for z ≥ 0: where x − z + λφ'(x) vanishes, piece by piece."""
    inner, middle, outer = (sp.solve(sp.Eq(x + lam * slope, z), x)[0] for slope in slopes())
    return inner, middle, outer


def prox_tie() -> sp.Poly:
    """The polynomial in z, with c as a symbol, that vanishes where the inner and the outer piece of (10) tie."""
    inner, _, outer = prox_pieces()
    low, _, high = weep()

    def cost(value: sp.Expr, point: sp.Expr) -> sp.Expr:
        return lam * value.subs(x, point) + (point - z) ** 2 / 2

    difference = cost(low, inner) - cost(high, outer)
    return sp.Poly(sp.expand(sp.cancel(difference * 2 * (1 + lam * a) / lam)), z)


def prox_jump() -> sp.Expr:
    """The larger root of that polynomial for b ≤ √(2a), where the prox jumps if λ ≥ 1, in a, b and λ."""
    second, first, _ = prox_tie().all_coeffs()
    square = _factor(prox_tie().discriminant().subs(c, continuity()) / 4)
    root = sp.sqrt(1 + lam * a) * (sp.sqrt(2 * a) - b)
    identity(square, root**2)
    return (sp.factor(-first / 2) + root) / second


def hidden_weight() -> sp.Expr:
    """The κ for which (2) is the Moreau envelope, of step 1/a, of κ·[u ≠ 0] + b|u|: in a and δ."""
    cost = b * u + a / 2 * (x - u) ** 2
    (nearest,) = sp.solve(sp.diff(cost, u), u)
    line = cost.subs(u, nearest)
    return _factor(sp.expand(b * x + continuity() - line).subs(b, sp.sqrt(2 * a) - delta))


def hidden() -> tuple[sp.Expr, sp.Expr]:
    """The two pieces, for u ≥ 0, of the penalty whose Moreau envelope, of step 1/a, is WEEP.

    At x the envelope has its minimiser at u = x − φ'(x)/a, and the value there is φ(x) − φ'(x)²/(2a). On the inner
    piece of WEEP u is 0; the others give the pieces. They hold m and c as symbols.
    """
    pieces = []
    for value, slope in zip(weep()[1:], slopes()[1:], strict=True):
        (origin,) = sp.solve(sp.Eq(x - slope / a, u), x)
        pieces.append((value - slope**2 / (2 * a)).subs(x, origin).subs(d, intercepts()[0]))
    return sp.factor(pieces[0]), sp.expand(pieces[1])


def moreau() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """The three pieces, for z ≥ 0, of the Moreau envelope of WEEP with step λ < 1."""
    inner, middle, outer = (
        sp.factor(sp.expand(value.subs(x, point) + (z - point) ** 2 / (2 * lam)))
        for value, point in zip(weep(), prox_pieces(), strict=True)
    )
    return inner, middle, outer


@dataclass(frozen=True)
class Relative:
    """The function weight·s² WEEP(x/s; a, b), in a, β = b/√(2a) and λ."""

    a: sp.Expr
    b: sp.Expr
    scale: sp.Expr
    weight: sp.Expr


def moreau_weep() -> Relative:
    """The Moreau envelope of WEEP with step λ < 1, as a WEEP with other parameters, a scale and a weight.

    The weight makes its concave curvature that of the middle piece of `moreau`, and a the convex one that of the inner
    piece. The scale and b follow from the outer slope, weight·scale·b, and from where the inner piece ends.
    """
    inner, middle, _ = (sp.diff(piece, z) for piece in moreau())
    weight = -sp.diff(middle, z)
    curvature = sp.factor(sp.diff(inner, z) / weight)
    growth = 1 - beta + beta * sp.sqrt(1 + lam * a)
    scale = sp.sqrt(1 - lam) * growth
    return Relative(curvature, beta * sp.sqrt(2 * a) * (1 - lam) / scale, scale, sp.factor(weight))


def moreau_ends() -> tuple[sp.Expr, sp.Expr]:
    """Where the pieces of `moreau_weep` end, minus where those of `moreau` do: both vanish.

    With λ = 1/(1 + p), p > 0, every square root is one of products of positive symbols, and SymPy can compare them.
    """
    p, gap = sp.symbols("p Delta", positive=True)

    def split(expression: sp.Expr) -> sp.Expr:
        return expression.subs(lam, 1 / (1 + p)).replace(
            lambda part: part.is_Pow and part.exp.is_Rational and part.exp.q == 2,
            lambda part: sp.expand_power_base(sp.factor(part.base) ** part.exp),
        )

    other, (root, _), (inner, _, outer) = moreau_weep(), roots(), prox_pieces()
    start, slope, scale = (split(value) for value in (sp.factor(other.a.subs(lam, 1 / (1 + p))), other.b, other.scale))
    ends = []
    for point, piece in ((root.x1, inner), (root.x2, outer)):
        theirs = split(point.subs(a, start).subs(delta, gap)).subs(gap, split(sp.sqrt(2 * start)) - slope)
        (ours,) = sp.solve(sp.Eq(piece, x), z)
        ours = ours.subs(x, point).subs(b, sp.sqrt(2 * a) - delta).subs(delta, (1 - beta) * sp.sqrt(2 * a))
        ends.append(sp.simplify(scale * theirs - split(ours)))
    return ends[0], ends[1]


def largest_gap() -> sp.Expr:
    """h − WEEP at the cap of (2), in a and δ: the gaps to the tangent rise up to there, and fall from there."""
    _, outer = gaps()
    root, _ = roots()
    return sp.simplify(outer.subs(b, sp.sqrt(2 * a) - delta).subs(m, root.m).subs(x, cap))


def mcp_gaps() -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """MCP − WEEP for b = 0, where MCP has slope √2 and γ = 1: for x up to x1, from there to √2, and from √2 to x2."""
    plus, _ = roots()
    root = {m: sp.simplify(plus.m.subs(delta, sp.sqrt(2 * a))), d: sp.simplify(plus.d.subs(delta, sp.sqrt(2 * a)))}
    rising = sp.sqrt(2) * x - x**2 / 2
    inner, middle = (piece.subs(root) for piece in weep()[:2])
    return rising - inner, sp.expand(rising - middle), sp.expand(1 - middle)


def admm_margin(curvature: sp.Expr, weak_convexity: sp.Expr, mean: sp.Expr, step: sp.Expr) -> sp.Expr:
    """A lower bound of what one iteration of ADMM takes off its Lagrangian, in units of ρ‖Δz‖².

    Parameters
    ----------
    curvature, weak_convexity : sympy.Expr
        The second derivative of the penalty lies in [−weak_convexity, curvature].
    mean : sympy.Expr
        Its mean between the old and the new z, also in that interval.
    step : sympy.Expr
        λ/ρ, the step of the prox.

    Returns
    -------
    sympy.Expr
        With r the mean and t the step: t times the least that the penalty lies above its tangent, plus 1/2, minus
        (t r)², what the step of the dual gives back.
    """
    both = curvature + weak_convexity
    above_tangent = (mean + weak_convexity) ** 2 / (2 * both) - weak_convexity / 2
    return step * above_tangent + sp.Rational(1, 2) - (step * mean) ** 2


def _factor(expression: sp.Expr) -> sp.Expr:
    """Factor an expression that holds √a, by way of r = √(2a)."""
    r = sp.Symbol("r", positive=True)
    return sp.factor(expression.subs(a, r**2 / 2)).subs(r, sp.sqrt(2 * a))
