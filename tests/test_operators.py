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


@given(shapes, st.integers(0, 2**32 - 1))
def test_the_operator_of_differences_is_theirs_raveled(shape, seed):
    rng = np.random.default_rng(seed)
    D, x = operators.Differences(shape), rng.normal(size=shape)
    parts = operators.differences(x)
    assert D.dims == shape
    assert D.shape == (sum(part.size for part in parts), x.size)
    np.testing.assert_array_equal(D @ x.ravel(), np.concatenate([part.ravel() for part in parts]))
    p = rng.normal(size=D.shape[0])
    assert p @ (D @ x.ravel()) == pytest.approx((D.T @ p) @ x.ravel(), abs=1e-12)


@given(st.integers(2, 9), st.integers(0, 12), st.integers(0, 2**32 - 1))
def test_the_operator_of_a_graph_is_its_matrix(n, k, seed):
    rng = np.random.default_rng(seed)
    edges = np.array([rng.choice(n, 2, replace=False) for _ in range(k)]).reshape(k, 2)
    w, x, p = rng.uniform(0, 2, k), rng.normal(size=n), rng.normal(size=k)
    D = operators.Incidence(edges, n, w)
    np.testing.assert_allclose(D @ x, [w[e] * (x[j] - x[i]) for e, (i, j) in enumerate(edges)], atol=1e-14)
    assert p @ (D @ x) == pytest.approx((D.T @ p) @ x, abs=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: operators.Differences(()), ValueError, "shape"),
        (lambda: operators.Differences((3, 0)), ValueError, "shape=0 must be at least 1"),
        (lambda: operators.Differences((3.0,)), TypeError, "shape=3.0 must be an integer"),
        (lambda: operators.Incidence([(0, 3)], 3), ValueError, "nodes from 0 to 2"),
        (lambda: operators.Incidence([(0, -1)], 3), ValueError, "nodes from 0 to 2"),
        (lambda: operators.Incidence([(1, 1)], 3), ValueError, "with itself"),
        (lambda: operators.Incidence([(0.0, 1.0)], 3), TypeError, "edges must hold integers"),
        (lambda: operators.Incidence([0, 1], 3), ValueError, r"shape \(k, 2\)"),
        (lambda: operators.Incidence([(0, 1)], 3, [-1.0]), ValueError, "at least 0"),
        (lambda: operators.Incidence([(0, 1)], 3, [1.0, 1.0]), ValueError, "1 numbers"),
        (lambda: operators.Incidence([(0, 1)], 3, [np.nan]), ValueError, "finite"),
    ],
)
def test_grids_and_graphs_that_are_none_are_refused(make, error, match):
    with pytest.raises(error, match=match):
        make()
