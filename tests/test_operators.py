"""The difference operator against its matrix, its adjoint and its spectrum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weep import operators

shapes = st.lists(st.integers(1, 6), min_size=1, max_size=3).map(tuple)


def laplacian(shape):
    """DᵀD as a matrix, column by column."""
    columns = np.eye(int(np.prod(shape))).reshape(-1, *shape)
    return np.stack([operators.adjoint(operators.differences(column)).ravel() for column in columns], axis=1)


@given(shapes, st.integers(0, 2**32 - 1))
def test_adjoint_satisfies_the_inner_product_identity(shape, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    dx = operators.differences(x)
    p = [rng.normal(size=part.shape) for part in dx]
    left = sum(np.vdot(a, b) for a, b in zip(dx, p, strict=True))
    assert left == pytest.approx(np.vdot(x, operators.adjoint(p)), abs=1e-12)


def test_differences_point_forwards():
    x = np.array([[1.0, 2.0], [4.0, 8.0], [16.0, 32.0]])
    rows, columns = operators.differences(x)
    np.testing.assert_array_equal(rows, [[3, 6], [12, 24]])
    np.testing.assert_array_equal(columns, [[1], [4], [16]])


@given(shapes)
def test_spectrum_is_that_of_the_matrix(shape):
    eigenvalues = np.linalg.eigvalsh(laplacian(shape))
    np.testing.assert_allclose(np.sort(operators.spectrum(shape).ravel()), eigenvalues, atol=1e-12)
    assert operators.norm_squared(shape) == pytest.approx(eigenvalues[-1], abs=1e-12)


@given(shapes, st.floats(0, 1e3), st.sampled_from([np.float32, np.float64]))
def test_resolvent_solves_its_system(shape, weight, dtype):
    y = np.random.default_rng(0).normal(size=shape).astype(dtype)
    kept = y.copy()
    x = operators.resolvent(shape, weight, dtype)(y)
    assert x.dtype == dtype
    assert x.shape == shape
    np.testing.assert_array_equal(y, kept)
    exact = np.linalg.solve(np.eye(y.size) + weight * laplacian(shape), y.ravel().astype(float))
    np.testing.assert_allclose(x.ravel(), exact, atol=1e-3 if dtype == np.float32 else 1e-10)
