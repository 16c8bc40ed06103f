"""Banks with other potentials: the spline that holds them, what is stored, and their training."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from weep import certify, learned, recover
from weep.companion import ridges
from weep.companion.ridges import Ridges, Spline

SPLINE = Spline((0.0, 0.1, 0.4, 1.0), (5.0, -1.0, 0.5, 0.0))


def test_slope_of_a_spline_is_linear_between_its_knots():
    assert_allclose(
        SPLINE.grad([-2.0, -0.25, 0.0, 0.1, 0.4, 0.7, 1.0, 9.0]), [-0.5, -0.35, 0, 0.5, 0.2, 0.35, 0.5, 0.5]
    )
    assert (SPLINE.lipschitz, SPLINE.weak_convexity) == (5.0, 1.0)


def test_slope_of_a_spline_may_be_negative():
    phi = Spline((0.0, 1.0, 2.0), (1.0, -2.0, 0.0))
    assert_allclose(phi.grad([-3.0, 1.5, 3.0]), [1.0, 0.0, -1.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fast_kernels_of_a_spline_are_those_of_its_pieces(dtype):
    x = np.linspace(-2, 2, 81).astype(dtype)
    plain = super(Spline, SPLINE)
    assert_allclose(SPLINE(x), plain._value(x), atol=1e-6)
    assert_allclose(SPLINE.grad(x), plain._grad(x), atol=1e-6)
    assert SPLINE(x).dtype == dtype


def test_prox_of_a_spline_is_that_of_brute_force():
    z = np.linspace(-2, 2, 21)
    assert_allclose(SPLINE.prox(z, 0.5), certify.prox(SPLINE, z, 0.5)[0], atol=1e-6)


@pytest.mark.parametrize(
    ("knots", "curvatures", "message"),
    [
        ((0.0, 1.0), (1.0,), "must rise from 0, and be as many"),
        ((0.1, 1.0), (1.0, 0.0), "must rise from 0"),
        ((0.0, 1.0, 1.0), (1.0, 2.0, 0.0), "must rise from 0"),
        ((0.0, 1.0), (1.0, 1.0), "must end with 0"),
    ],
)
def test_a_spline_that_cannot_be_is_refused(knots, curvatures, message):
    with pytest.raises(ValueError, match=message):
        Spline(knots, curvatures)


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("name", ridges.NAMES)
def test_problem_of_every_stored_bank_is_convex(name, sigma):
    filters, phi = ridges.load(name).at(sigma)
    assert learned.norm_squared(filters, 1024) <= 1
    assert phi.weak_convexity <= 1
    assert (phi.weak_convexity == 0) == (name.split("-")[0] in ("huber", "l1"))


def test_unknown_bank_is_refused():
    with pytest.raises(ValueError, match="name='none' must be one of"):
        ridges.load("none")


def test_denoising_with_a_spline_ends_in_the_minimum():
    bank, y = ridges.load("free-0"), np.random.default_rng(0).random((9, 8))
    operator, phi = bank.operator(y.shape, 0.1)
    found = learned.denoise(y, 0.1, bank, tol=1e-8, max_iter=5000)
    other = recover(y, None, phi, 1.0, operator, method="lbfgs", tol=1e-8)
    assert found.certificate == "global"
    assert found.objective == pytest.approx(other.objective, rel=1e-9)
    assert_allclose(found.x, other.x, atol=1e-5)


def training():
    pytest.importorskip("torch")
    from weep.companion import ridges_train

    return ridges_train


@pytest.mark.parametrize("name", ["log", "free"])
def test_table_of_a_potential_is_what_was_trained(name):
    train = training()
    import torch

    potential, u = train.POTENTIALS[name][0](), torch.linspace(-5, 5, 401)
    knots, curvatures = potential.table()
    expected = Spline(tuple(knots), tuple(curvatures)).grad(u.double().numpy())
    assert_allclose(potential(torch.tensor(1.0))(u).detach().numpy(), expected, atol=2e-3)


@pytest.mark.parametrize("name", ["mcp", "log", "free"])
def test_curvatures_in_training_are_derivatives_of_slopes(name):
    train = training()
    import torch

    slope = train.POTENTIALS[name][0]().double()(torch.tensor(0.5, dtype=torch.float64))
    u = torch.linspace(-2, 2, 40, dtype=torch.float64, requires_grad=True)
    (found,) = torch.autograd.grad(slope(u).sum(), u)
    assert_allclose(slope.curvature(u.detach()).detach().numpy(), found.numpy(), atol=1e-9)
    with torch.no_grad():
        assert float(found.max()) <= slope.steepest * (1 + 1e-9)
        assert_allclose(slope.replace(u.clone()).numpy(), slope(u).numpy(), atol=1e-12)


@pytest.mark.parametrize("name", list(ridges.NAMES))
def test_training_moves_a_potential_and_its_problem_stays_convex(name):
    train = training()
    i, j = np.mgrid[:64, :64]
    pictures = [((i // 8 + j // 16) % 2 + (i > j)) / 2.0]
    bank, history = train.train(name, pictures, steps=12, batch=2, patch=24)
    first, _ = train.train(name, pictures, steps=1, batch=2, patch=24)
    assert len(history) == 1
    assert bank.at(0.1)[1] != first.at(0.1)[1]
    assert isinstance(bank, Ridges) == (name in ridges.OTHER)
    assert learned.norm_squared(bank.at(0.1)[0], 1024) <= 1
    assert bank.at(0.1)[1].weak_convexity <= 1 + 1e-6


def test_a_curvature_that_training_brought_below_what_is_allowed_is_put_back():
    train = training()
    import torch

    potential = train.Frees()
    with torch.no_grad():
        potential.free[[0, 9]] = -3.0
    assert potential.numbers()[1].item() == pytest.approx(-1.0)
    assert potential.table()[1].min() >= -1
