"""WEEP with arrays as parameters: against WEEP with numbers, and its derivatives against differences."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from weep import WEEP
from weep.penalties import LearnableWEEP

POINTS = np.array([-7.0, -1.1, -0.4, -0.05, 0.0, 0.03, 0.3, 0.9, 2.5, 40.0])


def library(name):
    if name == "numpy":
        return np.asarray
    if name == "torch":
        torch = pytest.importorskip("torch")
        return lambda x: torch.tensor(np.asarray(x), dtype=torch.float64)
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    return lambda x: jax.numpy.asarray(x, dtype="float64")


libraries = pytest.mark.parametrize("array", ["numpy", "torch", "jax"])


@libraries
@settings(deadline=None, max_examples=30)
@given(st.floats(1e-2, 1e4), st.floats(0, 1), st.floats(1e-3, 1e3), st.floats(0.01, 0.99))
def test_values_are_those_of_weep(array, a, part, scale, step):
    make, phi = library(array), WEEP(a, part * math.sqrt(2 * a) * (1 - 1e-12), scale)
    found = LearnableWEEP(make(a), phi.b, scale)
    x = POINTS * scale
    size = (phi.m + phi.scale * phi.b) * 1e-12
    assert_allclose(np.asarray(found(make(x))), phi(x), rtol=1e-10, atol=scale * size)
    assert_allclose(np.asarray(found.grad(make(x))), phi.grad(x), rtol=1e-10, atol=size)
    assert_allclose(np.asarray(found.prox(make(x), step)), phi.prox(x, step), rtol=1e-9, atol=size / (1 - step))


@libraries
def test_each_filter_has_a_weep_of_its_own(array):
    make = library(array)
    a, b, s = np.array([3.0, 50.0]), np.array([0.0, 2.0]), np.array([0.2, 1.0])
    phi = LearnableWEEP(*(make(v[:, None]) for v in (a, b, s)))
    expected = [WEEP(*row).grad(POINTS) for row in zip(a, b, s, strict=True)]
    assert_allclose(np.asarray(phi.grad(make(POINTS))), expected, atol=1e-12)


@libraries
@settings(deadline=None, max_examples=30)
@given(*[st.floats(-30, 30)] * 3)
def test_every_free_parameter_is_in_the_domain(array, p, q, r):
    phi = LearnableWEEP.of_free(library(array)(p), q, r)
    a, b, s = (float(value) for value in (phi.a, phi.b, phi.scale))
    assert a > 0
    assert s > 0
    assert 0 <= b <= math.sqrt(2 * a) * (1 + 1e-15)


@settings(deadline=None)
@given(st.floats(-5, 10), st.floats(-20, 20), st.floats(-5, 5))
def test_free_parameters_are_found_again(p, q, r):
    phi = LearnableWEEP.of_free(np.asarray(p), q, r)
    assert_allclose(LearnableWEEP.free(WEEP(float(phi.a), float(phi.b), float(phi.scale))), (p, q, r), atol=1e-6)
    assert LearnableWEEP.free(WEEP(2.0, 0.0))[1] == -36
    assert LearnableWEEP.free(WEEP(2.0, 2.0))[1] == 36


def things(phi, x):
    return phi(x).sum(), (phi.grad(x) * (x + 1)).sum(), (phi.prox(x, 0.3) * (x + 1)).sum()


@pytest.mark.parametrize("which", range(3), ids=["value", "grad", "prox"])
@pytest.mark.parametrize("name", ["torch", "jax"])
def test_derivatives_by_parameters_and_argument_are_those_of_differences(name, which):
    make, at = library(name), (1.2, -1.0, 0.3)

    def value(p, q, r, x):
        return things(LearnableWEEP.of_free(p, q, r), x)[which]

    arguments = [*map(np.asarray, at), POINTS]
    if name == "torch":
        torch = pytest.importorskip("torch")
        given_ = [make(v).requires_grad_() for v in arguments]
        found = [g.numpy() for g in torch.autograd.grad(value(*given_), given_)]
    else:
        jax = pytest.importorskip("jax")
        found = [np.asarray(g) for g in jax.jit(jax.grad(value, argnums=(0, 1, 2, 3)))(*map(make, arguments))]
    for k, argument in enumerate(arguments):
        for j in range(argument.size):
            ends = []
            for h in (-1e-6, 1e-6):
                moved = argument.astype(float).copy()
                moved.reshape(-1)[j] += h
                ends.append(float(value(*(moved if i == k else v for i, v in enumerate(arguments)))))
            assert found[k].reshape(-1)[j] == pytest.approx((ends[1] - ends[0]) / 2e-6, rel=1e-6, abs=1e-7)


def test_numbers_alone_and_long_steps_are_refused():
    with pytest.raises(TypeError, match="a, b, scale are numbers"):
        LearnableWEEP(2.0, 0.0)
    with pytest.raises(TypeError, match="log_a, logit_b, log_scale are numbers"):
        LearnableWEEP.of_free(2.0, 0.0)
    phi = LearnableWEEP(np.array(2.0), 0.0)
    with pytest.raises(ValueError, match="must be below 1"):
        phi.prox(np.ones(2), 1.0)
    with pytest.raises(ValueError, match="step=0 must be greater"):
        phi.prox(np.ones(2), 0)
