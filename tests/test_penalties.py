"""Every penalty: against brute force, against 50-digit arithmetic, over dtypes, shapes and bad input."""

import math
import pickle
import time
from dataclasses import FrozenInstanceError, dataclass, fields
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from weep import (
    CEL0,
    DWF,
    L0,
    L1,
    L2,
    MCP,
    SCAD,
    WEEP,
    CappedL1,
    CappedL2,
    Huber,
    LogSum,
    Lp,
    PiE,
    Tukey,
    certify,
    denoise_tv,
)
from weep.penalties import PiecewiseQuadratic
from weep.penalties.pieces import curvature

mp.mp.dps = 50
EPS = np.finfo(float).eps

EXAMPLES = [
    WEEP(10.0, 0.1),
    WEEP(0.3, 0.2),
    WEEP(3.0, 0.0),
    WEEP(2.0, 2.0),
    WEEP(100.0, 0.01, scale=0.2),
    WEEP(1.0, 0.5, scale=3.0),
    L0(),
    L1(),
    L2(),
    Huber(),
    Huber(0.5),
    MCP(1.0, 2.0),
    MCP(0.5, 0.7),
    SCAD(1.0),
    SCAD(0.5, 2.5),
    Tukey(),
    Tukey(1.0),
    CappedL2(3.0),
    CappedL1(1.05),
    CappedL1(0.33),
    CEL0(0.5, 1.3),
    LogSum(1.0),
    LogSum(0.2),
    PiE(1.0),
    PiE(0.3),
    Lp(1 / 2),
    Lp(2 / 3),
    Lp(0.3),
    Lp(0.9),
]
every = pytest.mark.parametrize("phi", EXAMPLES, ids=repr)


@st.composite
def weeps(draw):
    """WEEP over its whole domain: a from 1e-8 to 1e12, b from 0 to sqrt(2a), both ends included."""
    a = 10 ** draw(st.floats(-8, 12))
    limit = math.sqrt(2 * a)
    b = draw(st.sampled_from([0.0, limit, 1e-9 * limit, limit * (1 - 1e-12)]) | st.floats(0, limit))
    return WEEP(a, b, scale=draw(st.sampled_from([1.0, 0.01, 7.0])))


class Exact:
    """Equations (4), (9) and (10) as the paper writes them, in 50 digits; beyond (10), the better of its two ends."""

    def __init__(self, phi, stretch=1):
        self.a, b, s = mp.mpf(phi.a), mp.mpf(phi.b) * stretch, mp.mpf(phi.scale)
        top = mp.sqrt(2 * self.a)
        m = (b * (self.a + 1) + mp.sqrt(self.a + 1) * abs(b - top)) / self.a
        c = 1 - b * mp.sqrt(2 / self.a)
        self.b, self.m, self.c = s * b, s * m, s * s * c
        self.x1, self.x2 = self.m / (self.a + 1), self.m - self.b
        self.d = s * s * (-((m - b) ** 2) / 2 + c)

    def value(self, x):
        r = abs(x)
        if r <= self.x1:
            return self.a / 2 * r**2
        return self.m * r + self.d - r**2 / 2 if r <= self.x2 else self.b * r + self.c

    def grad(self, x):
        r = abs(x)
        slope = self.a * r if r <= self.x1 else self.m - r if r <= self.x2 else self.b
        return mp.sign(x) * slope

    def prox(self, z, step):
        r, step = abs(z), mp.mpf(step)
        inner, outer = r / (1 + step * self.a), r - step * self.b
        if step < 1:
            z1, z2 = (1 + step * self.a) * self.x1, (1 - step) * self.x2 + step * self.m
            x = inner if r <= z1 else (r - step * self.m) / (1 - step) if r <= z2 else outer
        else:
            cost = [step * self.value(x) + (x - r) ** 2 / 2 for x in (inner, outer)]
            x = inner if cost[0] <= cost[1] else outer
        return mp.sign(z) * x


def assert_as_exact(got, exact, x, ulps=8):
    """Relative 1e-12, or what a change of x in its last digits does to the exact result."""
    x = mp.mpf(float(x))
    want = exact(x)
    nearby = [exact(x * (1 + k * ulps * mp.mpf(EPS))) for k in (-1, 1)]
    slack = max(abs(other - want) for other in nearby)
    assert abs(mp.mpf(float(got)) - want) <= mp.mpf("1e-12") * abs(want) + slack + mp.mpf(10) ** -300


class TestWEEP:
    @given(weeps())
    def test_parameters_agree_with_fifty_digits(self, phi):
        exact = Exact(phi)
        # At the upper end of b, x2 changes √a times as much as b: there, the last digit of b is allowed for.
        at_end = phi.weak_convexity == 0
        nearby = [Exact(phi, 1 + sign * mp.mpf(EPS)) for sign in (-1, 1)] if at_end else [exact]
        for name in ("x1", "x2", "m", "d", "c"):
            want = getattr(exact, name)
            slack = max(abs(getattr(other, name) - want) for other in nearby)
            assert abs(getattr(phi, name) - want) <= mp.mpf("1e-12") * abs(want) + slack, name

    def test_c_keeps_its_digits_where_it_vanishes(self):
        b = math.nextafter(math.sqrt(5.0), 0)  # c = 1 - b sqrt(2/a) is zero at b = sqrt(a/2)
        want = 1 - mp.mpf(b) * mp.sqrt(mp.mpf(2) / 10)
        assert abs(WEEP(10, b).c / want - 1) < 1e-12
        assert abs((1 - b * math.sqrt(2 / 10)) / want - 1) > 1e-3  # what the plain formula would give

    @given(weeps(), st.floats(0, 3), st.sampled_from([-1, 1]))
    def test_value_and_gradient_agree_with_fifty_digits(self, phi, position, sign):
        exact = Exact(phi)
        anchors = [0.0, phi.x1, phi.x2, 10 * phi.x2]
        low = int(min(position, 2))
        x = sign * (anchors[low] + (position - low) * (anchors[low + 1] - anchors[low]))
        assert_as_exact(phi(x), exact.value, x)
        assert_as_exact(phi.grad(x), exact.grad, x)

    @given(weeps(), st.floats(0, 3), st.sampled_from([-1, 1]), st.sampled_from(["a", "b", "scale"]))
    def test_parameter_grads_agree_with_differences_in_fifty_digits(self, phi, position, sign, name):
        anchors = [0.0, phi.x1, phi.x2, 10 * phi.x2]
        low = int(min(position, 2))
        x = sign * (anchors[low] + (position - low) * (anchors[low + 1] - anchors[low]))
        here = {"a": mp.mpf(phi.a), "b": mp.mpf(phi.b), "scale": mp.mpf(phi.scale)}
        h = mp.mpf(10) ** -20 * (here[name] or 1)
        there = here | {name: here[name] + h}
        before, after = (Exact(SimpleNamespace(**parameters)) for parameters in (here, there))
        assume(there["b"] <= mp.sqrt(2 * there["a"]))
        # All must put x on one piece; at its very end, rounding decides.
        assume(len({(abs(x) <= e.x1, abs(x) <= e.x2) for e in (phi, before, after)}) == 1)
        slopes = before.grad(mp.mpf(x)), after.grad(mp.mpf(x))
        want = (slopes[1] - slopes[0]) / h
        size = max(abs(want), abs(slopes[0] / here[name])) if here[name] else abs(want)
        assert abs(phi.parameter_grads(x)[name] - want) <= mp.mpf("1e-12") * size

    @given(weeps(), st.floats(-6, 6), st.floats(0, 3))
    def test_prox_agrees_with_fifty_digits(self, phi, exponent, position):
        step = 10**exponent
        exact = Exact(phi)
        anchors = [0.0, (1 + step * phi.a) * phi.x1, phi.x2 + step * phi.scale * phi.b]
        anchors = [*sorted(anchors), 10 * max(anchors)]
        low = int(min(position, 2))
        z = anchors[low] + (position - low) * (anchors[low + 1] - anchors[low])
        assert_as_exact(phi.prox(z, step), lambda z: exact.prox(z, step), z)

    @pytest.mark.parametrize("step", [1 - 1e-12, 1 - EPS / 2, 1.0, 1 + EPS])
    def test_prox_on_both_sides_of_step_one(self, step):
        phi = WEEP(10.0, 0.1)
        exact = Exact(phi)
        for z in [0.1, 0.5 * phi.m, math.nextafter(phi.m, 0), phi.m, math.nextafter(phi.m, 9), 2 * phi.m]:
            assert_as_exact(phi.prox(z, step), lambda z: exact.prox(z, step), z)

    @given(weeps())
    def test_pieces_are_in_order(self, phi):
        cap = phi.scale * math.sqrt(2 / phi.a)
        assert 0 < phi.x1 <= cap * (1 + 4 * EPS)
        assert cap * (1 - 4 * EPS) <= phi.x2

    @given(weeps(), st.floats(0, 1e3), st.floats(1e-3, 1e3))
    def test_scale_is_a_change_of_units(self, phi, x, step):
        unit, s = WEEP(phi.a, phi.b), phi.scale
        assert phi(s * x) == pytest.approx(s**2 * unit(x), rel=1e-9)
        assert phi.grad(s * x) == pytest.approx(s * unit.grad(x), rel=1e-6, abs=1e-9 * s * unit.m)
        assume(abs(x - unit._threshold(step)) > 1e-9 * x)
        assume(abs(1 - step) > 1e-6)
        assert phi.prox(s * x, step) == pytest.approx(s * unit.prox(x, step), rel=1e-5, abs=1e-9 * s * unit.m)

    def test_at_the_end_of_its_domain_it_is_a_huber_loss(self):
        phi, x = WEEP(2.0, 2.0), np.linspace(-5, 5, 101)
        huber = Huber(1.0)  # the threshold sqrt(2/a)
        np.testing.assert_allclose(phi(x), 2.0 * huber(x), rtol=1e-14)
        np.testing.assert_allclose(phi.prox(x, 3.0), huber.prox(x, 6.0), rtol=1e-14)
        assert phi.weak_convexity == 0.0
        assert phi.lipschitz == 2.0

    @given(st.floats(-8, 12))
    def test_the_end_of_the_domain_is_inside(self, exponent):
        a = 10**exponent
        limit = math.sqrt(2 * a)
        assert WEEP(a, limit).weak_convexity == 0.0
        assert WEEP(a, math.nextafter(limit, 0)).weak_convexity == 1.0
        with pytest.raises(ValueError, match=r"b=.*must lie in \[0, sqrt\(2a\)\]"):
            WEEP(a, math.nextafter(limit, math.inf))

    def test_a_tie_goes_to_the_smaller_point(self):
        phi = WEEP(1.0, 0.0)  # for step 3 the tie is at sqrt(2) sqrt(1 + 3)
        z = phi._threshold(3.0)
        assert z == pytest.approx(2 * math.sqrt(2))
        assert phi.prox(z, 3.0) == z / 4
        assert phi.prox(math.nextafter(z, 9), 3.0) == math.nextafter(z, 9)

    @pytest.mark.parametrize("x", [1e-320, 1e-200, 1e200, 1e308])
    def test_huge_and_tiny_arguments(self, x):
        phi = WEEP(1e12, 0.5)
        assert phi.grad(x) == (0.5 if x > 1 else pytest.approx(1e12 * x, rel=1e-12))
        assert phi.prox(x, 0.5) == pytest.approx(x if x > 1 else x / (1 + 5e11), rel=1e-12, abs=5e-324)
        assert phi(x) == (pytest.approx(0.5 * x) if x > 1 else pytest.approx(0, abs=1e-300))

    @given(weeps(), st.floats(-1e3, 1e3))
    def test_base_penalty_is_equation_2_and_lies_above(self, phi, x):
        unit = abs(x) / phi.scale
        cap = math.sqrt(2 / phi.a)
        h = phi.a / 2 * unit**2 if unit <= cap else phi.b * (unit - cap) + 1
        assert phi.base(x) == pytest.approx(phi.scale**2 * h, rel=1e-9)
        assert phi.base(x) >= phi(x) * (1 - 1e-9)

    def test_base_penalty_of_the_ends_of_the_line(self):
        x = np.array([np.nan, np.inf, -np.inf])
        np.testing.assert_array_equal(WEEP(2.0, 0.0).base(x), [np.nan, 1.0, 1.0])
        np.testing.assert_array_equal(WEEP(2.0, 0.5).base(x), [np.nan, np.inf, np.inf])

    @pytest.mark.parametrize("method", ["grad", "prox"])
    def test_no_storm_of_temporaries(self, method):
        """A million values, in at most 12 times the time of copying them."""
        phi, x = WEEP(10.0, 0.1), np.random.default_rng(0).normal(size=10**6)
        target = np.empty_like(x)
        jobs = {
            "copy": lambda: np.copyto(target, x),
            "grad": lambda: phi.grad(x),
            "prox": lambda: phi.prox(x, 0.5),
        }
        seconds = {"copy": [], method: []}
        for _ in range(25):
            for name, spent in seconds.items():
                start = time.perf_counter()
                jobs[name]()
                spent.append(time.perf_counter() - start)
        assert np.median(seconds[method]) <= 12 * np.median(seconds["copy"])


@every
class TestAgainstBruteForce:
    @pytest.mark.parametrize("step", [1e-3, 0.3, 0.9, 1.0, 1.25, 1.5, 2.7, 5.0, 40.0])
    def test_prox_is_a_global_minimiser(self, phi, step):
        reach = 3 + 2 * math.sqrt(step) + step
        z = np.concatenate([np.linspace(-reach, reach, 241), np.linspace(-0.3, 0.3, 41)])
        assert certify.prox_excess(phi, lambda z: phi.prox(z, step), z, step) < 1e-13

    def test_lipschitz_constant_is_valid_and_best(self, phi):
        if isinstance(phi, L0):
            assert phi.lipschitz == math.inf  # the value jumps
        else:
            assert certify.lipschitz(phi.grad, -8, 8) == pytest.approx(phi.lipschitz, rel=2e-3)

    def test_weak_convexity_is_valid_and_best(self, phi):
        assert certify.weak_convexity(phi, -8, 8) == pytest.approx(phi.weak_convexity, rel=2e-3, abs=1e-6)

    def test_gradient_is_the_slope_of_the_value(self, phi):
        x = np.linspace(-6, 6, 1201)[1::2]  # not at the kinks
        h = 1e-6
        slope = (phi(x + h) - phi(x - h)) / (2 * h)
        kinks = {CappedL2: math.sqrt(2 / getattr(phi, "a", 1.0)), CappedL1: getattr(phi, "theta", 1.0)}
        smooth = np.abs(np.abs(x) - kinks.get(type(phi), -1)) > 1e-3
        smooth &= np.abs(x) > 1e-3
        np.testing.assert_allclose(phi.grad(x)[smooth], slope[smooth], atol=1e-4)

    def test_value_is_even_and_starts_at_zero(self, phi):
        x = np.linspace(0, 9, 50)
        np.testing.assert_array_equal(phi(-x), phi(x))
        np.testing.assert_array_equal(phi.grad(-x), -phi.grad(x))
        np.testing.assert_array_equal(phi.prox(-x, 0.7), -phi.prox(x, 0.7))
        assert phi(0.0) == 0.0
        assert np.all(np.diff(phi(x)) >= 0)


@every
class TestArrays:
    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", ">f2", ">f4", ">f8", ">g", "i4", "?"])
    def test_every_dtype_works_in_every_kernel(self, phi, dtype):
        """In blocks, compiled kernels and parameter_grads: floating types stay, in native order."""
        x = np.linspace(-3, 3, 5000).astype(dtype)
        native = x.dtype.newbyteorder("=") if x.dtype.kind == "f" else np.dtype(np.float64)
        tolerance = max(20 * np.finfo(native).eps, 1e-13)
        methods = [phi, phi.grad, lambda x: phi.prox(x, 0.4), lambda x: phi.prox(x, 7.0)]
        methods += [lambda x, name=name: phi.parameter_grads(x)[name] for name in phi.parameter_grads(0.0)]
        methods += [phi.base] if isinstance(phi, WEEP) else []
        for method in methods:
            got, want = method(x), method(x.astype(np.float64))
            assert got.dtype == native and got.dtype.isnative
            # Where the result jumps, rounding of a threshold may choose the side.
            wrong = np.abs(got - want) > tolerance * (1 + np.abs(want))
            assert np.count_nonzero(wrong) <= 4

    def test_float32_agrees_with_float64(self, phi):
        x = np.linspace(-4, 4, 401, dtype=np.float32)
        for method in (phi, phi.grad, lambda x: phi.prox(x, 0.4)):
            np.testing.assert_allclose(method(x), method(x.astype(np.float64)), rtol=2e-4, atol=1e-5)

    def test_blocks_do_not_show(self, phi):
        x = np.random.default_rng(1).normal(size=(7, 2999)) * 3
        for method in (phi, phi.grad, lambda x: phi.prox(x, 0.4), lambda x: phi.prox(x, 4.0)):
            whole = method(x)
            # Vector and scalar instructions may round the last digit differently.
            np.testing.assert_allclose(whole[:, ::7], method(x[:, ::7]), rtol=1e-14)
            np.testing.assert_allclose(whole[3, 5], method(x[3, 5]), rtol=1e-14)

    def test_input_is_left_alone(self, phi):
        x = np.linspace(-2, 2, 9)
        kept = x.copy()
        phi(x), phi.grad(x), phi.prox(x, 0.4), phi.prox(x, 4.0)
        np.testing.assert_array_equal(x, kept)
        assert not np.shares_memory(phi.grad(x), x)

    def test_nan_stays_where_it_was(self, phi):
        x = np.array([np.nan, 1.0, -np.nan, 0.0])
        for result in (phi(x), phi.grad(x), phi.prox(x, 0.4), phi.prox(x, 1.0), phi.prox(x, 40.0)):
            np.testing.assert_array_equal(np.isnan(result), np.isnan(x))

    def test_infinities_give_the_limit(self, phi):
        with np.errstate(all="raise"):
            value, slope = phi(np.array([-np.inf, np.inf])), phi.grad(np.array([-np.inf, np.inf]))
            low, high = phi.prox(np.array([-np.inf, np.inf]), 0.4), phi.prox(np.array([-np.inf, np.inf]), 40.0)
        far = 1e300
        unbounded = phi(2 * far) > phi(far)
        np.testing.assert_allclose(value, np.inf if unbounded else phi(far))
        limit = [-np.inf, np.inf] if isinstance(phi, L2) else phi.grad([-far, far])
        np.testing.assert_allclose(slope, limit, atol=1e-20)
        np.testing.assert_array_equal(low, [-np.inf, np.inf])
        np.testing.assert_array_equal(high, [-np.inf, np.inf])

    def test_no_floating_point_warning_from_any_number(self, phi):
        x = np.array([0.0, -0.0, 5e-324, 1e-308, 1e308, -1e308])
        phi(x), phi.grad(x), phi.prox(x, 1e-300), phi.prox(x, 1e300)


class TestInput:
    """What the base class checks for all: once."""

    PHI = SCAD(1.0)
    METHODS = ((PHI, "x"), (PHI.grad, "x"), (lambda z: TestInput.PHI.prox(z, 1.0), "z"))

    @pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3), (3, 9000)])
    @pytest.mark.parametrize("phi", [PHI, WEEP(10.0, 0.1), Tukey()], ids=repr)
    def test_shape(self, phi, shape):
        x = np.linspace(-3, 3, math.prod(shape)).reshape(shape)
        for result in (phi(x), phi.grad(x), phi.prox(x, 0.4), phi.prox(x, 7.0)):
            assert result.shape == shape
            assert isinstance(result, np.ndarray if shape else np.float64)

    @pytest.mark.parametrize("bad", ["a", None, 1j, [1j], [[1.0], ["x"]], np.array("2020", "datetime64"), object()])
    def test_what_is_not_real_is_refused(self, bad):
        for method, name in self.METHODS:
            with pytest.raises(TypeError, match=f"{name} must hold real numbers"):
                method(bad)

    @pytest.mark.parametrize("step", [0, -1.0, math.nan, math.inf])
    def test_a_step_outside_its_domain(self, step):
        with pytest.raises(ValueError, match="step="):
            self.PHI.prox(1.0, step)

    @pytest.mark.parametrize("step", ["1", None, 1j, True, [1.0]])
    def test_a_step_of_the_wrong_type(self, step):
        with pytest.raises(TypeError, match="step="):
            self.PHI.prox(1.0, step)

    def test_a_mask_is_not_lost(self):
        x = np.ma.masked_values([1.0, -9999.0, 2.0], -9999.0)
        for method, name in self.METHODS:
            with pytest.raises(ValueError, match=rf"{name} has masked entries.*{name}\.filled"):
                method(x)
            plain = method(x[::2])  # none of these is masked
            assert type(plain) is np.ndarray
            np.testing.assert_array_equal(plain, method(np.array([1.0, 2.0])))

    def test_a_unit_is_not_lost(self):
        class Quantity(np.ndarray):
            unit = "km"

        for method, name in self.METHODS:
            with pytest.raises(TypeError, match=f"{name} has the unit km"):
                method(np.ones(3).view(Quantity))

    def test_a_matrix_is_the_array_of_its_numbers(self):
        x = np.array([[1.0, -0.5], [0.0, 3.0]])
        with pytest.warns(PendingDeprecationWarning):
            matrix = np.matrix(x)
        for method, _ in self.METHODS:
            assert type(method(matrix)) is np.ndarray
            np.testing.assert_array_equal(method(matrix), method(x))

    @pytest.mark.parametrize("size", [10, 10000])
    def test_out_may_overlap_the_argument(self, size):
        for phi in (self.PHI, WEEP(10.0, 0.1)):
            for cut, into in ((np.s_[:-1], np.s_[1:]), (np.s_[1:], np.s_[:-1]), (np.s_[::-1], np.s_[:])):
                memory = np.linspace(-3, 3, size)
                want = phi.grad(memory[cut].copy())
                phi.grad(memory[cut], out=memory[into])
                np.testing.assert_array_equal(memory[into], want)

    @pytest.mark.parametrize("size", [10, 10000])
    def test_out_must_be_writeable(self, size):
        out = np.empty(size)
        out.flags.writeable = False
        with pytest.raises(ValueError, match="out must be writeable"):
            WEEP(10.0, 0.1).grad(np.ones(size), out=out)


@given(
    st.sampled_from(EXAMPLES),
    st.sampled_from(["f2", "f4"]),
    st.floats(-44, 38),
    st.sampled_from([-1, 1]),
    st.sampled_from([1e-3, 0.4, 7.0]),
)
def test_narrow_types_give_the_rounded_result_for_tiny_and_huge_values(phi, dtype, exponent, sign, step):
    info = np.finfo(dtype)
    low, high = math.log10(info.smallest_subnormal), math.log10(info.max)
    x = np.array([sign * 10 ** (low + (exponent + 44) / 82 * (high - low - 0.01))]).astype(dtype)
    methods = [phi, phi.grad, lambda z: phi.prox(z, step)]
    around = x.astype(float) * (1 + np.array([-4, 0, 4]) * np.finfo(np.float32).eps)
    for method in methods:
        got, want = method(x), method(around)
        with np.errstate(over="ignore", under="ignore"):
            spread = np.ptp(want) + 16 * float(info.eps) * np.abs(want[1]) + 4 * float(info.smallest_subnormal)
        if want[1] > info.max:
            assert got == np.inf
        else:
            assert np.isfinite(got)
            assert abs(float(got[0]) - want[1]) <= spread


@every
def test_a_penalty_is_a_value(phi):
    assert pickle.loads(pickle.dumps(phi)) == phi
    assert len({phi, pickle.loads(pickle.dumps(phi))}) == 1
    assert eval(repr(phi)) == phi
    with pytest.raises(FrozenInstanceError):
        phi.anything = 1


@pytest.mark.parametrize(("kind", "good"), {type(phi): phi for phi in EXAMPLES if fields(phi)}.items(), ids=repr)
def test_parameters_are_checked(kind, good):
    names = [f.name for f in fields(kind) if f.init]
    for name in names:
        for bad in (-1.0, math.nan, math.inf, -math.inf, "1", None, 1j, True, [1.0]):
            parameters = {other: getattr(good, other) for other in names} | {name: bad}
            error = ValueError if isinstance(bad, float) else TypeError
            with pytest.raises(error, match=f"^{name}="):
                kind(**parameters)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WEEP(0, 0), "a=0 must be greater than 0"),
        (lambda: WEEP(1e-320, 0), "overflow"),
        (lambda: WEEP(1e308, 0), "overflow"),
        (lambda: WEEP(1, 0, scale=0), "scale=0 must be greater than 0"),
        (lambda: MCP(0, 1), "lam=0 "),
        (lambda: MCP(1, 0), "gamma=0 "),
        (lambda: SCAD(1, 2), "a=2.0 must be greater than 2"),
        (lambda: Huber(0), "delta=0 "),
        (lambda: Tukey(0), "c=0 "),
        (lambda: CappedL2(0), "a=0 "),
        (lambda: CappedL1(0), "theta=0 "),
        (lambda: CEL0(0), "lam=0 "),
        (lambda: CEL0(1, 1e-200), "norm=1e-200 must lie between"),
        (lambda: LogSum(0), "eps=0 "),
        (lambda: PiE(0), "sigma=0 "),
        (lambda: Lp(0), "p=0 "),
        (lambda: Lp(1), "p=1 must be less than 1"),
    ],
)
def test_ends_of_domains(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@given(
    st.sampled_from([phi for phi in EXAMPLES if phi.weak_convexity < math.inf]),
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0.01, 0.99),
)
def test_prox_is_monotone_and_lipschitz_below_the_condition(phi, y, z, fraction):
    step = fraction / phi.weak_convexity if phi.weak_convexity else 10 * fraction
    low, high = sorted((y, z))
    moved = phi.prox(high, step) - phi.prox(low, step)
    assert -1e-9 <= moved <= (high - low) / (1 - step * phi.weak_convexity) * (1 + 1e-9) + 1e-8


@pytest.mark.parametrize(
    ("phi", "step", "tie", "nearer", "farther"),
    [
        (L0(), 2.0, 2.0, 0.0, 2.0),
        (MCP(1.0, 0.5), 2.0, 1.0, 0.0, 1.0),
        (SCAD(1.0, 3.0), 4.0, 4.0, 0.0, 4.0),
        (SCAD(1.0, 3.0), 3.0, 3.5, 0.5, 3.5),
        (CappedL2(2.0), 1.5, 2.0, 0.5, 2.0),
        (CappedL1(1.0), 1.0, 1.5, 0.5, 1.5),
        (CappedL1(1.0), 8.0, 4.0, 0.0, 4.0),
        (CEL0(2.0), 1.0, 2.0, 0.0, 2.0),
        (Lp(1 / 2), 1.0, 1.5, 0.0, 1.0),
    ],
)
def test_ties(phi, step, tie, nearer, farther):
    def cost(x):
        return step * phi(x) + (x - tie) ** 2 / 2

    assert cost(nearer) == pytest.approx(cost(farther), rel=1e-14)
    assert phi.prox(tie, step) == pytest.approx(nearer, abs=1e-15)
    assert phi.prox(math.nextafter(tie, 9), step) == pytest.approx(farther)


@dataclass(frozen=True)
class Toy(PiecewiseQuadratic):
    """All that a piecewise quadratic penalty has to say: smooth, or with kinks of either kind."""

    rows: tuple

    def _pieces(self):
        return self.rows


TOYS = [
    Toy(((0.0, 0.0, 2.0), (0.5, 1.0, -0.5), (1.5, 0.5, 0.0))),  # smooth
    Toy(((0.0, 0.0, 2.0), (0.5, 1.0, 0.0), (1.0, 1.0, -1.0), (1.8, 0.2, 0.0))),
    Toy(((0.0, 0.0, 0.0), (0.5, 1.0, 0.0))),  # a dead zone, then a convex kink
    Toy(((0.0, 0.5, 0.0), (1.0, 2.0, -0.5), (3.0, 1.0, 0.3))),  # kinks at zero and beyond
    Toy(((0.0, 0.0, 1.0), (1.0, 0.4, 0.0))),  # a concave kink
    Toy(((0.0, 1.0, -0.9), (1.0, 1.0, -0.9), (2.0, 0.0, 0.0))),  # convex and concave kinks
]


@pytest.mark.parametrize("phi", TOYS, ids=range(len(TOYS)))
class TestAToyFromItsPieces:
    @pytest.mark.parametrize("step", [1e-3, 0.3, 0.9, 1.0, 1.25, 2.0, 2.7, 5.0, 40.0])
    def test_prox_is_a_global_minimiser(self, phi, step):
        reach = 3 + 2 * math.sqrt(step) + 2 * step
        z = np.concatenate([np.linspace(-reach, reach, 241), np.linspace(-0.3, 0.3, 41), [p.start for p in phi.pieces]])
        assert certify.prox_excess(phi, lambda z: phi.prox(z, step), z, step) < 1e-13

    def test_constants_are_valid_and_best(self, phi):
        assert certify.lipschitz(phi.grad, -8, 8) == pytest.approx(phi.lipschitz, rel=2e-3)
        assert certify.weak_convexity(phi, -8, 8) == pytest.approx(phi.weak_convexity, rel=2e-3, abs=1e-6)

    def test_gradient_and_curvature_are_the_slopes(self, phi):
        x = np.linspace(-4, 4, 800)  # holds no end of a piece
        h = 1e-6
        np.testing.assert_allclose(phi.grad(x), (phi(x + h) - phi(x - h)) / (2 * h), atol=1e-8)
        np.testing.assert_allclose(curvature(phi, x), (phi.grad(x + h) - phi.grad(x - h)) / (2 * h), atol=1e-8)

    @pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", ">f8", "i4"])
    def test_dtype_shape_nan_and_infinity(self, phi, dtype):
        x = np.linspace(-3, 3, 15).reshape(3, 5).astype(dtype)
        native = x.dtype.newbyteorder("=") if x.dtype.kind == "f" else np.dtype(np.float64)
        for method in (phi, phi.grad, lambda z: phi.prox(z, 0.4), lambda z: phi.prox(z, 7.0)):
            assert method(x).dtype == native
            assert method(x).shape == x.shape
            ends = method(np.array([np.nan, np.inf, -np.inf]))
            np.testing.assert_array_equal(np.isnan(ends), [True, False, False])
        np.testing.assert_array_equal(phi.prox(np.array([np.inf, -np.inf]), 7.0), [np.inf, -np.inf])

    def test_exact_and_newton_agree_with_a_grid(self, phi):
        y = np.array([0.0, 0.3, 2.1, 2.0, -1.0])
        exact = denoise_tv(y, phi, 0.2, "exact")
        others = np.random.default_rng(0).normal(size=(20000, 5)) * np.logspace(-4, 0, 20000)[:, None]
        costs = [((exact.x + d - y) ** 2).sum() / 2 + 0.2 * phi(np.diff(exact.x + d)).sum() for d in others[::10]]
        assert min(costs) >= exact.objective - 1e-12
        if math.isfinite(phi.lipschitz):
            newton = denoise_tv(y, phi, 0.2, "newton", tol=1e-10)
            assert newton.converged
            assert newton.objective >= exact.objective - 1e-12


QUADRATIC = [phi for phi in EXAMPLES if phi.pieces]


@pytest.mark.parametrize("phi", QUADRATIC, ids=repr)
@pytest.mark.parametrize("step", [0.1, 0.9, 1.0, 3.0, 40.0])
def test_kernels_made_by_hand_agree_with_those_from_the_pieces(phi, step):
    ends = np.array([p.start for p in phi.pieces])
    x = np.concatenate([np.linspace(-6, 6, 1201), ends, -ends])
    np.testing.assert_allclose(phi(x), PiecewiseQuadratic._value(phi, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(phi.grad(x), PiecewiseQuadratic._grad(phi, x), rtol=1e-12, atol=1e-13)
    z = (1 + step) * x
    fast, generic = phi.prox(z, step), PiecewiseQuadratic._prox(phi, z, step)
    apart = np.abs(fast - generic) > 1e-12 * (1 + np.abs(z))  # where two points tie, rounding may choose
    cost = [step * phi(p) + (p - z) ** 2 / 2 for p in (fast, generic)]
    np.testing.assert_allclose(*cost, rtol=1e-12, atol=1e-13)
    assert np.count_nonzero(apart) <= 4


@pytest.mark.parametrize(
    ("wrong", "words"), [(DWF(2), "DWF is none$"), (L1, r"as in L1\(\.\.\.\)$"), ("L1", "str is none$")]
)
def test_what_is_no_scalar_penalty_is_refused_by_name(wrong, words):
    with pytest.raises(TypeError, match=f"phi=.* must be a penalty on single numbers.*{words}"):
        denoise_tv([0.0, 1.0], wrong, 0.1)
