"""The derivation holds as algebra, and the kernels compute what it says."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from weep import WEEP, certify
from weep.companion import symbolic as S

SLOPE = sp.sqrt(2 * S.a) - S.delta


def is_zero(expression):
    return sp.simplify(sp.expand(expression)) == 0


def test_base_penalty_is_continuous_at_its_cap():
    inner, outer = (piece.expr for piece in S.base().args)
    c = sp.Symbol("c", real=True)
    assert is_zero((outer.subs(c, S.continuity()) - inner).subs(S.x, S.cap))


def test_quadratic_is_equation_7():
    c = sp.Symbol("c", real=True)
    published = S.a * S.m**2 - 2 * S.b * (S.a + 1) * S.m + (S.b**2 - 2 * c) * (S.a + 1)
    assert is_zero(S.quadratic().as_expr() - published)


def test_discriminant_is_a_perfect_square():
    assert is_zero(S.discriminant() - (S.a + 1) * (S.b - sp.sqrt(2 * S.a)) ** 2)


@pytest.mark.parametrize("index", [0, 1])
def test_both_roots_solve_the_quadratic(index):
    root = S.roots()[index]
    polynomial = S.quadratic().as_expr()
    c = sp.Symbol("c", real=True)
    assert is_zero(polynomial.subs({S.m: root.m, c: S.continuity()}).subs(S.b, SLOPE))


def test_only_the_first_root_orders_the_points():
    first, second = S.roots()
    assert is_zero(S.middle_width(first) - S.delta / sp.sqrt(S.a + 1))
    assert is_zero(S.middle_width(second) + S.delta / sp.sqrt(S.a + 1))


def test_gaps_are_perfect_squares():
    inner, outer = S.gaps()
    x1, x2 = S.tangency()
    assert is_zero(inner - (S.a + 1) / 2 * (S.x - x1) ** 2)
    assert is_zero(outer - (S.x - x2) ** 2 / 2)


def test_weep_is_a_difference_of_hubers():
    c = sp.Symbol("c", real=True)
    d = sp.Symbol("d", real=True)
    inner, outer = S.intercepts()
    same_line = {d: inner, c: sp.solve(sp.Eq(inner, outer), c)[0]}
    for ours, theirs in zip(S.weep(), S.huber_form(), strict=True):
        assert is_zero(ours.subs(same_line) - theirs)


def test_jump_of_the_prox_solves_the_tie():
    tie = S.prox_tie().as_expr()
    c = sp.Symbol("c", real=True)
    assert is_zero(tie.subs(c, S.continuity()).subs(S.z, S.prox_jump()))


def test_hidden_penalty_is_mcp_plus_l1():
    c, width = sp.Symbol("c", real=True), 1 + 1 / S.a
    slope = S.delta / sp.sqrt(S.a + 1)
    found = [piece.subs({S.m: S.roots()[0].m, c: S.continuity()}).subs(S.b, SLOPE) for piece in S.hidden()]
    assert is_zero(found[0] - (SLOPE + slope) * S.u + S.u**2 / (2 * width))
    assert is_zero(found[1] - SLOPE * S.u - width * slope**2 / 2)
    assert is_zero(S.hidden_weight() - width * slope**2 / 2)


def test_pieces_of_the_moreau_envelope_meet():
    d = sp.Symbol("d", real=True)
    inner, middle, outer = S.moreau()
    x1, x2 = S.tangency()
    first, second = S.intercepts()
    z1, z2 = (1 + S.lam * S.a) * x1, x2 + S.lam * S.b
    assert is_zero((inner - middle.subs(d, first)).subs(S.z, z1))
    assert is_zero((outer - middle.subs(d, second)).subs(S.z, z2))


def test_moreau_envelope_is_a_weep():
    other = S.moreau_weep()
    inner, middle, outer = S.moreau()
    assert is_zero(other.weight * other.a - sp.diff(inner, S.z, 2))
    assert is_zero(other.weight + sp.diff(middle, S.z, 2))
    far = other.weight * other.scale * other.b
    assert is_zero(far - sp.diff(outer, S.z, 1).subs(S.b, S.beta * sp.sqrt(2 * S.a)).subs(S.z, 0))
    assert S.moreau_ends() == (0, 0)


def test_distances_to_the_base_penalty_and_to_mcp():
    root = sp.sqrt(S.a + 1)
    assert is_zero(S.largest_gap() - S.hidden_weight() * (root - 1) / (root + 1))
    rise, fall, rest = S.mcp_gaps()
    assert is_zero(rise.subs(S.x, sp.sqrt(2) / (S.a + 1)) - 1 / (S.a + 1))
    x2 = sp.sqrt(2 * (S.a + 1) / S.a)
    assert is_zero(fall.subs(S.x, sp.sqrt(2)) - rest.subs(S.x, sp.sqrt(2)))
    assert is_zero(rest - (S.x - x2) ** 2 / 2)


def test_margin_of_admm_vanishes_at_both_ends_of_the_condition():
    top, w, r, t = sp.symbols("M w r t", positive=True)
    margin = S.admm_margin(top, w, r, t)
    assert is_zero(margin.subs(r, top) - (1 - t * top) * (1 + 2 * t * top) / 2)
    assert is_zero(margin.subs(r, -w) - (1 - 2 * t * w) * (1 + t * w) / 2)


@given(st.floats(-2, 2), st.floats(0, 1), st.floats(0.02, 0.95), st.floats(0, 4))
def test_relatives_agree_with_brute_force(exponent, fraction, step, place):
    a = 10**exponent
    phi = WEEP(a, fraction * math.sqrt(2 * a))
    z = np.array([place * phi.x2, phi.x1, phi.x2])
    rel = {"rel": 1e-9, "abs": 1e-9 * phi(4 * phi.x2)}
    numbers = {S.a: a, S.beta: fraction, S.lam: step, S.delta: math.sqrt(2 * a) - phi.b}
    # The Moreau envelope is a WEEP.
    other = {name: float(value.subs(numbers)) for name, value in vars(S.moreau_weep()).items()}
    relative = WEEP(other["a"], min(other["b"], math.sqrt(2 * other["a"])), other["scale"])
    assert other["weight"] * relative(z) == pytest.approx(certify.prox(phi, z, step)[1] / step, **rel)
    # The base penalty is a Moreau envelope of L0 + L1.
    jump = float(S.hidden_weight().subs(numbers))
    found = certify.prox(lambda u: jump * (u != 0) + phi.b * np.abs(u), z, 1 / a)[1] * a
    assert phi.base(z) == pytest.approx(found, **rel)


@given(st.floats(-2, 2), st.floats(0, 1), st.floats(0, 1), st.floats(-3, 3), st.floats(-3, 3))
def test_margin_of_admm_bounds_what_an_iteration_takes_off(exponent, fraction, part, z, new):
    a = 10**exponent
    phi = WEEP(a, fraction * math.sqrt(2 * a))
    z, new = z * phi.x2, new * phi.x2
    move = new - z
    if abs(move) < 1e-3 * phi.x2:
        return
    step = part / max(a, 2)  # up to the edge of the condition
    change = phi.grad(new) - phi.grad(z)
    taken = step * (phi(z) - phi(new) + phi.grad(new) * move) + move**2 / 2 - (step * change) ** 2
    bound = float(S.admm_margin(a, 1, change / move, step)) * move**2
    assert taken >= bound - 1e-9 * (1 + a) * move**2
    assert bound >= -1e-9 * (1 + a) * move**2


def test_identity_proves_before_it_displays():
    assert S.identity((S.a + 1) ** 2, S.a**2 + 2 * S.a + 1).lhs == (S.a + 1) ** 2
    assert S.identity(S.cap, sp.sqrt(2) / sp.sqrt(S.a), name="x_1").lhs == sp.Symbol("x_1")
    with pytest.raises(ArithmeticError, match="not an identity"):
        S.identity(sp.sqrt(S.a**2 + 1), S.a + 1)


@given(st.floats(-3, 4), st.floats(0, 1), st.floats(0.05, 0.95), st.floats(0, 30))
def test_kernels_compute_the_symbolic_pieces(exponent, fraction, step, x):
    a = 10**exponent
    phi = WEEP(a, fraction * math.sqrt(2 * a))
    numbers = {"a": phi.a, "b": phi.b, "c": phi.c, "d": phi.d, "m": phi.m, "lambda": step, "x": x, "z": x}

    def evaluate(pieces, limits):
        piece = pieces[int(np.searchsorted(limits, x))]
        return float(piece.subs({symbol: numbers[symbol.name] for symbol in piece.free_symbols}))

    scale = 1 + phi.a * min(x, phi.x1) + phi.m
    ends = [phi.x1, phi.x2]
    assert phi(x) == pytest.approx(evaluate(S.weep(), ends), rel=1e-9, abs=1e-9 * scale * (1 + x))
    assert phi.grad(x) == pytest.approx(evaluate(S.slopes(), ends), rel=1e-9, abs=1e-9 * scale)
    ends = [(1 + step * a) * phi.x1, (1 - step) * phi.x2 + step * phi.m]
    assert phi.prox(x, step) == pytest.approx(evaluate(S.prox_pieces(), ends), rel=1e-9, abs=1e-9 * scale)
