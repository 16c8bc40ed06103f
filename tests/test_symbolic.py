"""The derivation holds as algebra, and the kernels compute what it says."""

import math

import numpy as np
import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from weep import WEEP
from weep import symbolic as S

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
