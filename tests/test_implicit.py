"""Derivatives through the solver: against difference quotients of whole solves, a dense system, and at the ends."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from weep import L1, MCP, SCAD, WEEP, CappedL1, Huber, Tukey, denoise_tv
from weep.denoise import hypergradient, is_convex


def solve(y, lam, start=None, **parameters):
    return denoise_tv(y, WEEP(**parameters), lam, tol=1e-13, max_iter=20000, init=start).x


def where(x, phi):
    return np.searchsorted([phi.x1, phi.x2], np.abs(np.diff(x))) * np.sign(np.diff(x))


@st.composite
def problems(draw):
    """Data, loss and parameters with a convex objective, in units of any size."""
    n, size = draw(st.integers(2, 30)), 10 ** draw(st.floats(-6, 6))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    y, pull = size * np.cumsum(rng.normal(size=n)), rng.normal(size=n)
    a = 10 ** draw(st.floats(-1.5, 2))
    part = draw(st.floats(0.01, 0.99))
    theta = {"lam": draw(st.floats(0.01, 0.24)), "a": a, "b": part * math.sqrt(2 * a)}
    return y, pull, theta | {"scale": size * 10 ** draw(st.floats(-1, 1))}


@settings(max_examples=60)
@given(problems(), st.sampled_from(["lam", "a", "b", "scale"]))
def test_agrees_with_difference_quotients_of_the_solver(problem, name):
    y, pull, theta = problem
    h = 1e-4 * theta[name]
    phi = WEEP(theta["a"], theta["b"], theta["scale"])
    x, low, high = (solve(y, **(theta | {name: theta[name] + move})) for move in (0, -h, h))
    after = WEEP(**{k: v for k, v in (theta | {name: theta[name] + h}).items() if k != "lam"})
    before = WEEP(**{k: v for k, v in (theta | {name: theta[name] - h}).items() if k != "lam"})
    # Between problems on the same pieces the solution is smooth; at the end of a piece it has a kink.
    assume(np.array_equal(where(high, after), where(x, phi)) and np.array_equal(where(low, before), where(x, phi)))
    got = theta[name] * hypergradient(x, phi, theta["lam"], pull)[name]
    scale = np.linalg.norm(pull) * np.linalg.norm(x - y)
    assert got == pytest.approx(theta[name] * pull @ (high - low) / (2 * h), rel=1e-5, abs=1e-6 * scale)


@given(problems())
def test_agrees_with_a_dense_system_for_the_whole_jacobian(problem):
    """dx/dθ column by column, and only then the loss."""
    y, pull, theta = problem
    lam, phi = theta["lam"], WEEP(theta["a"], theta["b"], theta["scale"])
    x = solve(y, **theta)
    matrix = np.diff(np.eye(y.size), axis=0)
    size = np.abs(matrix @ x)
    curvatures = np.select([size <= phi.x1, size <= phi.x2], [phi.a, -1.0], 0.0)
    hessian = np.eye(y.size) + lam * matrix.T @ np.diag(curvatures) @ matrix
    forces = {"lam": phi.grad(matrix @ x)}
    forces |= {name: lam * force for name, force in phi.parameter_grads(matrix @ x).items()}
    for name, value in hypergradient(x, phi, lam, pull).items():
        moves = np.linalg.solve(hessian, -matrix.T @ forces[name])
        assert value == pytest.approx(pull @ moves, rel=1e-8, abs=1e-9 * np.linalg.norm(pull) * np.linalg.norm(moves))


def test_at_the_end_of_a_piece_it_is_the_derivative_of_the_inner_side():
    """Two samples, closed form: the difference d solves d + 2λφ'(d) = y₂ − y₁."""
    phi, h = WEEP(3.0, 0.5), 1e-6
    lam, d = 0.1, phi.x1
    y = np.array([0.0, d + 2 * lam * phi.grad(d)])
    x, low, high = (solve(y, lam + move, a=3.0, b=0.5) for move in (0, -h, h))
    assert np.diff(x) == pytest.approx(d, rel=1e-12)
    left, right = ((end[1] - x[1]) / move for end, move in ((low, -h), (high, h)))
    assert abs(left - right) > 0.1 * abs(right)  # a kink: two derivatives
    # More weight makes the difference smaller: the inner side is on the right.
    x[1] = x[0] + math.nextafter(d, 0)
    assert hypergradient(x, phi, lam, [0.0, 1.0])["lam"] == pytest.approx(right, rel=1e-4)


@pytest.mark.parametrize("seed", range(5))
def test_it_follows_a_local_minimum_where_the_problem_is_not_convex(seed):
    rng = np.random.default_rng(seed)
    y, pull = np.repeat(rng.normal(size=5), 8) + 0.2 * rng.normal(size=40), rng.normal(size=40)
    theta, h = {"lam": 2.0, "a": 10.0, "b": 0.3, "scale": 0.4}, 1e-5
    phi = WEEP(10.0, 0.3, 0.4)
    assert not is_convex(phi, 2.0, y.shape)
    x = solve(y, **theta)
    for name, got in hypergradient(x, phi, 2.0, pull).items():
        low, high = (solve(y, start=x, **(theta | {name: theta[name] + move})) for move in (-h, h))
        assert got == pytest.approx(pull @ (high - low) / (2 * h), rel=1e-4, abs=1e-6)


def test_other_piecewise_quadratic_penalties_are_differentiated_by_lam():
    y = np.repeat([0.0, 1.0, 0.3], 10) + 0.1 * np.random.default_rng(0).normal(size=30)
    x, low, high = (denoise_tv(y, Huber(0.2), lam, tol=1e-13).x for lam in (0.7, 0.7 - 1e-5, 0.7 + 1e-5))
    got = hypergradient(x, Huber(0.2), 0.7, y)
    assert list(got) == ["lam"]
    assert got["lam"] == pytest.approx(y @ (high - low) / 2e-5, rel=1e-6)


KINKED = [(L1, {}), (MCP, {"lam": 0.8, "gamma": 5.0}), (SCAD, {"lam": 0.8}), (CappedL1, {"theta": 1.0})]


@pytest.mark.parametrize(("kind", "parameters"), KINKED, ids=lambda value: getattr(value, "__name__", None))
@given(st.integers(2, 20), st.integers(0, 10**6), st.floats(0.01, 1.0))
def test_a_kink_holds_neighbours_together(kind, parameters, n, seed, lam):
    """Two global minima on the same pieces, and what the derivative says of the way between them."""
    rng = np.random.default_rng(seed)
    y, pull, h = np.cumsum(rng.normal(size=n)), rng.normal(size=n), 1e-5
    names = ["lam", "gamma"] if kind is MCP else ["lam"]
    got = hypergradient(denoise_tv(y, kind(**parameters), lam, "exact").x, kind(**parameters), lam, pull)
    assert list(got) == names
    for name in names:
        found = []
        for move in (-h, 0, h):
            moved = {key: value + move * (key == name != "lam") for key, value in parameters.items()}
            phi = kind(**moved)
            x = denoise_tv(y, phi, lam + move * (name == "lam"), "exact").x
            starts = [p.start for p in phi.pieces]
            found.append((x, np.sign(np.diff(x)) * np.searchsorted(starts, np.abs(np.diff(x)))))
        (low, left), (_, middle), (high, right) = found
        assume(np.array_equal(left, middle) and np.array_equal(middle, right))
        slope = pull @ (high - low) / (2 * h)
        assert got[name] == pytest.approx(slope, rel=1e-4, abs=1e-5 * np.linalg.norm(pull))


def test_without_weight_or_differences_nothing_but_lam_moves_the_solution():
    phi, y, pull = WEEP(10.0, 0.5), np.array([0.0, 2.0]), np.array([1.0, -1.0])
    assert hypergradient(y, phi, 0.0, pull) == {"lam": 1.0, "a": 0.0, "b": 0.0, "scale": 0.0}  # −⟨Dq, φ'(Dy)⟩ = 2b
    assert set(hypergradient([3.0], phi, 0.5, [1.0]).values()) == {0.0}


def test_single_precision_is_taken():
    phi, y = WEEP(10.0, 0.5), np.linspace(0, 3, 20).astype(np.float32) ** 2
    x = denoise_tv(y, phi, 0.1, tol=1e-6).x
    double = hypergradient(denoise_tv(y.astype(float), phi, 0.1, tol=1e-12).x, phi, 0.1, y)
    for name, value in hypergradient(x, phi, 0.1, y).items():
        assert value == pytest.approx(double[name], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": np.zeros((2, 2))}, ValueError, "x and loss_grad must have one axis and one shape"),
        ({"loss_grad": [1.0]}, ValueError, r"one shape, not \(3,\) and \(1,\)"),
        ({"x": ["a"]}, TypeError, "x must hold real numbers"),
        ({"loss_grad": [1j, 0, 0]}, TypeError, "loss_grad must hold real numbers"),
        ({"lam": -1.0}, ValueError, "lam=-1.0 must not be negative"),
        ({"lam": "1"}, TypeError, "lam='1' must be a real number"),
        ({"phi": Tukey()}, TypeError, "not piecewise quadratic"),
        ({"x": [0.0, 1.0, 2.0], "lam": 2.0}, ValueError, "x must be a strict minimum"),
    ],
)
def test_bad_input(change, error, message):
    arguments = {"x": [0.0, 0.0, 4.0], "phi": WEEP(10.0, 0.0), "lam": 0.2, "loss_grad": [1.0, 0.0, 0.0]} | change
    with pytest.raises(error, match=message):
        hypergradient(**arguments)
