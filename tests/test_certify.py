"""The certificates find what they should, and refuse what they should."""

import math

import numpy as np
import pytest

from weep import L0, L1, MCP, WEEP, Huber, certify


def test_convex_envelope_of_a_double_well():
    x = np.linspace(-2, 2, 4001)
    envelope = certify.convex_envelope(lambda t: (t**2 - 1) ** 2, x)
    np.testing.assert_allclose(envelope, np.where(np.abs(x) < 1, 0, (x**2 - 1) ** 2), atol=1e-6)


def test_convex_envelope_of_a_convex_function_is_itself():
    x = np.linspace(-2, 2, 401)
    np.testing.assert_allclose(certify.convex_envelope(np.cosh, x), np.cosh(x), atol=1e-9)


def test_envelope_of_l0_is_mcp():
    x = np.linspace(-4, 4, 8001)  # holds 0, where the penalty jumps
    np.testing.assert_allclose(certify.weakly_convex_envelope(L0(), x), MCP(math.sqrt(2), 1.0)(x), atol=1e-6)


@pytest.mark.parametrize("x", [[0.0, 1.0], [0.0, 1.0, 1.0], [3.0, 2.0, 1.0], [[0.0, 1.0, 2.0]]])
def test_a_grid_must_increase(x):
    with pytest.raises(ValueError, match="x must be an increasing grid"):
        certify.convex_envelope(np.abs, x)


def test_prox_finds_the_global_minimum_among_two():
    x, value = certify.prox(L0(), [1.9, 2.1, 0.0], 2.0)
    np.testing.assert_allclose(x, [0.0, 2.1, 0.0], atol=1e-12)
    np.testing.assert_allclose(value, [1.9**2 / 2, 2.0, 0.0])


def test_prox_excess_catches_wrong_proxes():
    z = np.linspace(-5, 5, 201)
    phi = WEEP(10.0, 0.1)
    outside = 2.0  # where (10) no longer holds

    def formula_10(z):
        r = np.abs(z)
        z1, z2 = (1 + outside * phi.a) * phi.x1, (1 - outside) * phi.x2 + outside * phi.m
        middle = (r - outside * phi.m) / (1 - outside)
        return np.sign(z) * np.where(r <= z1, r / (1 + outside * phi.a), np.where(r <= z2, middle, r - outside * phi.b))

    assert certify.prox_excess(phi, formula_10, z, outside) > 0.1
    assert certify.prox_excess(phi, lambda z: phi.prox(z, outside), z, outside) < 1e-13
    assert certify.prox_excess(L0(), lambda z: np.where(np.abs(z) > 1.0, z, 0), z, 1.0) > 0.1  # a common mistake
    assert math.isnan(certify.prox_excess(phi, lambda z: z * math.nan, z, 1.0))


def test_lipschitz_of_known_functions():
    assert certify.lipschitz(np.sin, -1, 1) == pytest.approx(1, rel=1e-3)
    assert certify.lipschitz(np.sign, -1, 1) == math.inf
    assert certify.lipschitz(lambda x: 0 * x, -1, 1) == 0.0


def test_weak_convexity_of_known_functions():
    assert certify.weak_convexity(np.cos, -1, 1) == pytest.approx(1, rel=1e-3)
    assert certify.weak_convexity(np.cosh, -1, 1) == 0.0
    assert certify.weak_convexity(np.abs, -1, 1) == 0.0
    assert certify.weak_convexity(lambda x: -np.abs(x), -1, 1) == math.inf
    assert certify.weak_convexity(L0(), -1, 1) == math.inf


def test_bias_and_tail_slope():
    assert certify.bias(L1().prox, 0.5) == pytest.approx(0.5)
    assert certify.tail_slope(L1()) == pytest.approx(1.0)
    assert certify.bias(MCP(1.0, 2.0).prox, 0.5) == 0.0
    assert certify.tail_slope(MCP(1.0, 2.0)) == 0.0
    assert certify.tail_slope(Huber(2.0)) == pytest.approx(2.0)
