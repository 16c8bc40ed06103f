"""Learned banks: the norm bound, the operator, the minimum, and training."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.ndimage import correlate, zoom

from weep import WEEP, ConvergenceWarning, Huber, learned, recover
from weep.learned import Bank, Filters, mirrored, norm_squared
from weep.learned.each import Each

#: Scales and their powers, one for each filter of `small_bank`.
EACH = np.array([[0.1, -0.9, 0.4], [0.2, 0.0, -0.3]])


def some_filters(count=2, side=3, seed=0):
    return np.random.default_rng(seed).normal(size=(count, side, side))


def small_bank(seed=0, side=3, **change):
    filters = some_filters(3, side, seed)
    filters -= filters.mean((1, 2), keepdims=True)
    values = {"exponents": np.array([0.3, -0.2, 0.0]), "a": 20.0, "b": 0.1, "scale": (0.1, 0.2), "sigmas": (0.02, 0.3)}
    return Bank(**{"filters": filters, **values, **change})


def dense(operator):
    return operator @ np.eye(operator.shape[1])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from([1, 3, 5]), st.integers(0, 99))
def test_no_picture_grows_by_more_than_the_bound(height, width, side, seed):
    bank = mirrored(some_filters(2, side, seed))
    matrix = dense(Filters(bank, (height, width)))
    assert np.linalg.norm(matrix, 2) ** 2 <= norm_squared(bank) * (1 + 1e-12)


def test_the_bound_is_tight_for_large_pictures():
    bank = mirrored(some_filters(2, 5))
    assert Filters(bank, (64, 64)).spectrum.max() >= 0.98 * norm_squared(bank)


def test_without_mirror_images_the_border_breaks_the_bound_of_the_frequency_response():
    w = np.array([[[0, 0, 0], [1.0, 1.0, -1.0], [0, 0, 0]]])
    response = (np.abs(np.fft.rfft2(w, (256, 256))) ** 2).max()
    matrix = np.array([correlate(e, w[0, 1], mode="reflect") for e in np.eye(4)]).T
    assert np.linalg.norm(matrix, 2) ** 2 > 1.001 * response
    with pytest.raises(ValueError, match=r"filters\[0\] has a mirror image"):
        Filters(w, (4, 4))
    with pytest.raises(ValueError, match="mirror image"):
        norm_squared(w)


@pytest.mark.parametrize("points", [11, 16, 64])
def test_a_coarse_grid_of_frequencies_still_gives_a_bound(points):
    bank = mirrored(some_filters(3, 5))
    fine = (np.abs(np.fft.rfft2(bank, (1024, 1024))) ** 2).sum(0).max()
    assert norm_squared(bank, points) >= fine


@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (9, 3), (12, 12)])
@pytest.mark.parametrize("side", [3, 5])
def test_filters_correlate_with_a_symmetric_border_and_have_their_adjoint(shape, side):
    bank, rng = mirrored(some_filters(2, side)), np.random.default_rng(1)
    operator = Filters(bank, shape)
    x, u = rng.normal(size=shape), rng.normal(size=operator.shape[0])
    expected = [correlate(x, w, mode="reflect") for w in bank]
    assert_allclose((operator @ x.ravel()).reshape(operator.dimsd), expected, atol=1e-12)
    assert_allclose(np.vdot(operator @ x.ravel(), u), np.vdot(x.ravel(), operator.rmatvec(u)), rtol=1e-10)


def test_filters_work_in_bands_of_rows_as_at_once(monkeypatch):
    bank, x = mirrored(some_filters(2, 3)), np.random.default_rng(0).normal(size=(10, 4))
    whole = Filters(bank, x.shape)
    expected, back = whole @ x.ravel(), whole.rmatvec(whole @ x.ravel())
    monkeypatch.setattr(learned.filters, "BAND", 9 * 4 * 3)
    banded = Filters(bank, x.shape)
    assert len(banded.bands()) == 4
    assert_allclose(banded @ x.ravel(), expected, atol=1e-13)
    assert_allclose(banded.rmatvec(expected), back, atol=1e-12)


def test_cosine_transform_diagonalises_a_bank_with_mirror_images():
    operator = Filters(mirrored(some_filters(2, 5)), (6, 7))
    gram = dense(operator).T @ dense(operator)
    assert_allclose(np.sort(operator.spectrum.ravel()), np.linalg.eigvalsh(gram), atol=1e-10)
    y = np.random.default_rng(0).normal(size=(6, 7))
    solved = operator.resolvent(0.7, y).ravel()
    assert_allclose(solved, np.linalg.solve(np.eye(42) + 0.7 * gram, y.ravel()), atol=1e-10)


def test_mirror_images_that_differ_by_a_sign_are_not_added():
    difference = np.array([[0, 0, 0], [-1.0, 0, 1.0], [0, 0, 0]])
    assert len(mirrored(difference[None])) == 1
    assert len(mirrored(some_filters(1))) == 4


@pytest.mark.parametrize("bad", [np.ones((3, 3)), np.ones((1, 2, 2)), np.ones((1, 3, 5)), np.ones((0, 3, 3))])
def test_filters_of_another_shape_are_refused(bad):
    with pytest.raises(ValueError, match=r"filters must have the shape \(K, s, s\)"):
        mirrored(bad)


@pytest.mark.parametrize("sigma", [1e-4, 0.01, 0.1, 0.5, 10.0])
@pytest.mark.parametrize("name", learned.stored())
def test_stored_banks_are_at_most_one_at_every_noise_level(name, sigma):
    filters, phi = learned.load(name).at(sigma)
    assert norm_squared(filters, 1024) <= 1
    assert norm_squared(filters.astype(np.float32).astype(float), 1024) <= 1
    assert phi.weak_convexity <= 1
    assert_allclose(filters.mean((1, 2)), 0, atol=1e-7)


@pytest.mark.parametrize("seed", range(5))
def test_objective_is_convex_along_every_line(seed):
    rng, bank = np.random.default_rng(seed), small_bank(seed)
    operator, phi = bank.operator((6, 6), 0.1)

    def value(x):
        return np.sum(x**2) / 2 + np.sum(phi(operator @ x))

    x, d = rng.normal(size=(2, 36))
    line = np.array([value(x + t * d) for t in np.linspace(-3, 3, 301)])
    assert np.diff(line, 2).min() >= -1e-10


@pytest.mark.parametrize("shape", [(1, 1), (2, 9), (20, 17)])
@pytest.mark.parametrize("scale", [(0.1, 0.2), EACH], ids=["one", "each"])
def test_minimum_is_the_same_from_another_solver(shape, scale):
    from scipy.optimize import minimize

    bank, y = small_bank(scale=scale), np.random.default_rng(0).random(shape)
    operator, phi = bank.operator(shape, 0.1)

    def value(x):
        u = operator @ x
        return np.sum((x - y.ravel()) ** 2) / 2 + np.sum(phi(u)), x - y.ravel() + operator.rmatvec(phi.grad(u))

    other = minimize(value, np.zeros(y.size), jac=True, method="L-BFGS-B", options={"gtol": 1e-11, "ftol": 1e-16})
    result = learned.denoise(y, 0.1, bank, tol=1e-10, max_iter=5000)
    assert result.converged and result.certificate == "global"
    assert_allclose(result.objective, other.fun, rtol=1e-9, atol=1e-12)
    assert_allclose(result.x.ravel(), other.x, atol=1e-5)
    assert result.history.shape == (result.n_iter, 2)


def test_types_colours_and_noise_of_zero():
    y = np.random.default_rng(0).random((12, 13, 3))
    by_channel = learned.denoise(y, 0.1, channel_axis=-1)
    assert_array_equal(by_channel.x[..., 1], learned.denoise(y[..., 1], 0.1).x)
    single = learned.denoise(y[..., 0].astype(np.float32), 0.1)
    assert single.x.dtype == np.float32
    assert_allclose(single.x, by_channel.x[..., 0], atol=5e-3)
    assert_array_equal(learned.denoise(y[..., 0], 0).x, y[..., 0])
    for side, bank in ((8, "weep"), (20, "weep"), (20, "large"), (70, "large")):  # the mean of 20 × 20 rounds
        for dtype, digits in ((np.float64, 1e-12), (np.float32, 1e-5)):
            constant = learned.denoise(np.full((side, side), 0.3, dtype), 0.1, bank)
            assert_allclose(constant.x, 0.3, atol=digits)
            assert constant.certificate == "global"


@pytest.mark.parametrize("scale", [(0.1, 0.2), EACH], ids=["one", "each"])
def test_a_bank_is_stored_and_read(tmp_path, scale):
    bank = small_bank(scale=scale)
    bank.save(tmp_path / "bank.npz")
    again = Bank.read(tmp_path / "bank.npz")
    assert_array_equal(bank.at(0.1)[0], again.at(0.1)[0])
    assert bank.at(0.1)[1] == again.at(0.1)[1]


def test_a_filter_and_its_mirror_images_share_a_scale():
    bank = small_bank(scale=EACH, filters=np.array([[[0, 0, 0], [-1.0, 0, 1.0], [0, 0, 0]], *small_bank().filters[1:]]))
    filters, phi = bank.at(0.2)
    t = np.log(0.2 / (25 / 255))
    expected = 0.2 * np.exp(EACH[0] + EACH[1] * t)
    assert len(filters) == 1 + 4 + 4  # a difference has no mirror image but its negative
    assert_allclose([part.scale for part in phi.parts], expected[[0, 1, 2, 1, 1, 1, 2, 2, 2]])
    assert phi.weak_convexity == 1 and phi.lipschitz == 20
    assert bank.n_parameters == 3 * 5 + 2 + 6


def test_a_bank_of_equal_scales_is_one_with_one_scale():
    y = np.random.default_rng(0).random((66, 65))
    one, each = small_bank(), small_bank(scale=np.repeat([[0.1], [0.2]], 3, 1))
    assert_allclose(learned.denoise(y, 0.1, each).x, learned.denoise(y, 0.1, one).x, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_filter_has_its_penalty(dtype):
    parts = WEEP(20.0, 0.3, 0.1), WEEP(5.0, 0.0, 2.0), WEEP(3.0, 1.0)
    phi, x = Each(parts), np.linspace(-3, 3, 60, dtype=dtype).reshape(5, 12).T.copy()
    rows = zip(parts, x.reshape(3, 20), strict=True)
    value, slope, near = zip(*((p(r), p.grad(r), p.prox(r, 0.4)) for p, r in rows), strict=True)
    for found, expected in ((phi(x), value), (phi.grad(x), slope), (phi.prox(x, 0.4), near)):
        assert found.dtype == dtype
        assert_array_equal(found, np.reshape(expected, x.shape))
    assert (phi.lipschitz, phi.weak_convexity) == (20.0, 1.0)
    with pytest.raises(ValueError, match="has 7 entries, not as many for each of 3 filters"):
        phi(np.ones(7))


def test_recover_takes_a_bank_with_a_scale_for_each_filter():
    bank, y = small_bank(scale=EACH), np.random.default_rng(0).random((9, 8))
    operator, phi = bank.operator(y.shape, 0.1)
    found = learned.denoise(y, 0.1, bank, tol=1e-8, max_iter=5000)
    for method in ("auto", "accelerated", "lbfgs"):
        other = recover(y, None, phi, 1.0, operator, method=method, tol=1e-8, max_iter=20000)
        assert_allclose(other.x, found.x, atol=1e-5)
        assert other.certificate == "global"


def test_beyond_the_noise_of_the_training_only_the_scale_goes_on():
    bank = small_bank()
    (at_end, phi), (beyond, psi) = bank.at(0.3), bank.at(0.6)
    assert_array_equal(at_end, beyond)
    assert psi.scale == pytest.approx(2 * phi.scale)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"exponents": [1.0]}, "exponents must have the shape"),
        ({"filters": np.ones((3, 3, 3))}, "must have the mean 0"),
        ({"sigmas": (0.3, 0.1)}, "sigmas="),
        ({"a": -1.0}, "a="),
        ({"scale": (np.nan, 0.0)}, "scale must be finite"),
        ({"scale": np.zeros((2, 4))}, r"scale must have the shape \(2,\), or \(2, 3\)"),
    ],
)
def test_a_bank_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        small_bank(**change)


@pytest.mark.parametrize(
    ("y", "arguments", "message"),
    [
        (np.ones(5), {}, "y must be a picture"),
        (np.ones((0, 3)), {}, "y must be a picture"),
        (np.ones((3, 3, 3)), {}, "y must be a picture"),
        (np.full((3, 3), np.nan), {}, "y must be finite"),
        (np.ones((3, 3)), {"sigma": -1.0}, "sigma=-1.0 must not be negative"),
        (np.ones((3, 3)), {"bank": "none"}, "name='none' must be one of"),
        (np.ones((3, 3)), {"tol": 0}, "tol=0 must be greater"),
        (np.ones((3, 3)), {"max_iter": 0}, "max_iter=0 must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(y, arguments, message):
    with pytest.raises(ValueError, match=message):
        learned.denoise(y, **{"sigma": 0.1, **arguments})


def test_too_few_iterations_are_told():
    with pytest.warns(ConvergenceWarning, match="2 iterations reached a residual"):
        result = learned.denoise(np.random.default_rng(0).random((9, 9)), 0.1, max_iter=2)
    assert result.certificate == "none" and not result.converged


def test_upper_end_of_b_is_a_huber_bank():
    bank = small_bank(b=np.sqrt(40.0))
    phi, u = bank.at(0.1)[1], np.linspace(-1, 1, 41)
    huber = Huber(phi.scale * np.sqrt(2 / 20))
    assert_allclose(phi(u), 20 * huber(u), atol=1e-12)
    assert isinstance(phi, WEEP) and phi.weak_convexity == 0


def training():
    pytest.importorskip("torch")
    from weep.learned import train

    i, j = np.mgrid[:64, :64]
    pictures = [((i // 8 + j // 16) % 2 + (i > j)) / 2.0, (np.hypot(i - 30, j - 30) < 20) * 0.8]
    small = {"even": 2, "odd": 2, "side": 3, "batch": 2, "patch": 24, "inner": 30}
    return train, pictures, small


def test_training_makes_a_bank_better():
    train, pictures, small = training()
    y = pictures[0] + 0.1 * np.random.default_rng(0).standard_normal((64, 64))

    def error(steps):
        bank, _ = train.train(pictures, **small, steps=steps, rate=0.1)
        return np.mean((learned.denoise(y, 0.1, bank).x - pictures[0]) ** 2)

    assert error(40) < 0.8 * error(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": 4}, "side=4 must be odd"),
        ({"even": 0}, "even=0 must be at least 1"),
        ({"patch": 65}, "no picture may be smaller than patch=65"),
        ({"rate": 0.0}, "rate=0.0 must be greater"),
    ],
)
def test_training_refuses_what_cannot_be(change, message):
    train, pictures, small = training()
    with pytest.raises(ValueError, match=message):
        train.train(pictures, **{**small, "steps": 1, **change})


def test_pictures_of_the_training_are_grey_and_in_three_sizes():
    for name in ("skimage", "sklearn", "matplotlib"):
        pytest.importorskip(name)
    found = learned.pictures()
    whole, half, quarter = found[:10], found[10:20], found[20:]
    assert len(quarter) == 10
    assert all(p.ndim == 2 and p.min() >= 0 and p.max() <= 1 for p in found)
    assert [tuple(n // 4 * 2 for n in p.shape) for p in whole] == [p.shape for p in half]
    assert_allclose(half[0][0, 0], whole[0][:2, :2].mean())
    assert min(min(p.shape) for p in found) >= 40  # the patches of the training


@pytest.mark.parametrize("each", [False, True])
def test_derivative_at_the_minimum_is_that_of_differences(each):
    train, pictures, _ = training()
    import torch

    torch.manual_seed(0)
    potential = train.WEEPs()
    model = train.Model(2, 2, 3, 0, potential, each).double()
    with torch.no_grad():
        model.scale += torch.tensor(np.linspace(-0.3, 0.3, model.scale.numel())).reshape(model.scale.shape)
    model.bases = [b.double() for b in model.bases]
    clean = torch.tensor(pictures[0][:16, :16])[None, None]
    y = clean + 0.1 * torch.randn(clean.shape, dtype=torch.float64)

    def loss():
        with torch.no_grad():
            return float((train._solve(y, *model(0.1), 800) - clean).square().mean().log())

    bank, slope = model(0.1)
    with torch.no_grad():
        x = train._solve(y, bank, slope, 800)
        _, q = train._dual(x, clean, bank, slope, 300)
    u, along = (torch.nn.functional.conv2d(train._extend(z, 1), bank) for z in (x, q))
    (-(along * slope(u)).sum()).backward()
    for parameter in (model.scale, model.coefficients[0], model.exponents, potential.log_a):
        flat, step = parameter.data.view(-1), 1e-4
        flat[0] += step
        up = loss()
        flat[0] -= 2 * step
        down = loss()
        flat[0] += step
        assert float(parameter.grad.view(-1)[0]) == pytest.approx((up - down) / (2 * step), rel=0.05, abs=1e-4)


def test_filters_that_were_trained_are_even_or_odd_to_the_last_digit():
    train, _, _ = training()
    bank = train.Model(12, 12, 9, 0, train.WEEPs()).bank(20.0, 0.1)
    turned = bank.filters[:, ::-1, ::-1]
    assert_array_equal(bank.filters[:12], turned[:12])
    assert_array_equal(bank.filters[12:], -turned[12:])
    assert [len(bank.at(sigma)[0]) for sigma in (0.03, 0.1, 0.3)] == [48] * 3


def begun(**change):
    """A training that begins at a small bank, too slow to leave it."""
    train, pictures, small = training()
    at = small_bank(scale=change.pop("scale", (0.1, 0.2)), exponents=np.array([0.3, -0.2]), filters=odd_and_even())
    options = {**small, "side": 5, "steps": 1, "rate": 1e-9, "start": at, **change}
    return at, *train.train(pictures, **options)


def odd_and_even():
    w = some_filters(2, 3)
    w = np.array([w[0] - w[0, ::-1, ::-1], w[1] + w[1, ::-1, ::-1]])
    return w - w.mean((1, 2), keepdims=True)


def test_a_training_begins_at_a_bank_and_at_its_filters_made_larger():
    at, bank, _ = begun()
    small, whole = at.filters[[1, 0]], bank.filters[[0, 2]]  # the even one first
    assert_allclose(whole, np.pad(small, ((0, 0), (1, 1), (1, 1))), atol=1e-6)
    large = np.array([zoom(w, 5 / 3, order=1) for w in small]) * 0.4 / 4
    assert_allclose(bank.filters[[1, 3]], large - large.mean((1, 2), keepdims=True), atol=1e-6)
    assert_allclose(bank.exponents, [-0.2, -0.2, 0.3, 0.3], atol=1e-6)
    assert_allclose(np.exp(bank.scale[0] - 0.1), [1, 0.35, 1, 0.35], atol=1e-6)
    assert_allclose([bank.a, bank.b], [at.a, at.b], rtol=1e-5)


@pytest.mark.parametrize("change", [{"side": 3}, {"even": 3}, {"scale": np.zeros((2, 2))}])
def test_a_bank_that_no_training_can_begin_at_is_refused(change):
    with pytest.raises(ValueError, match="start must have one scale, and half as many even and odd filters"):
        begun(**change)


def test_training_finds_the_minima_of_the_solver_of_the_package():
    train, pictures, _ = training()
    import torch

    at, _, _ = begun()
    model = train.Model(2, 2, 5, 0, train.WEEPs(), each=True)
    model.begin(at)
    y = torch.tensor(np.array([pictures[0] + 0.1 * pixels((64, 64)), pictures[1]]), dtype=torch.float32)[:, None]
    with torch.no_grad():
        bank, slope = model(0.1)
        found, other = train._minimise(y, bank, slope, 1e-4), train._solve(y, bank, slope, 800)
        assert_allclose(found.numpy(), other.numpy(), atol=2e-3)
        # and its slope is that of the bank in NumPy
        filters, phi = model.bank(at.a, at.b).at(0.1)
        operator = Filters(filters, (64, 64))
        u = operator @ y[0].double().numpy().ravel()
        expected = phi.grad(u).reshape(operator.dimsd)
        filtered = torch.nn.functional.conv2d(train._extend(y[:1], 2), bank)
        # up to the factor that certifies the norm
        assert_allclose(slope(filtered)[0].numpy(), expected, atol=1e-3)
        assert_allclose(slope.replace(filtered)[0].numpy(), expected, atol=1e-3)


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    train, pictures, small = training()
    whole, history = train.train(pictures, **small, steps=60)
    kept = tmp_path / "state.pt"
    calls = iter(range(55))

    def stop(*_):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return real(*_)

    real = train._dual
    monkeypatch.setattr(train, "_dual", stop)
    with pytest.raises(KeyboardInterrupt):
        train.train(pictures, **small, steps=60, checkpoint=kept)
    monkeypatch.undo()
    resumed, again = train.train(pictures, **small, steps=60, checkpoint=kept)
    assert_array_equal(resumed.filters, whole.filters)
    assert again == history


def pixels(shape, dtype=np.float64):
    return np.random.default_rng(3).random(shape).astype(dtype)


def symmetric_filters():
    """Filters that are even or odd under point reflection, one that is so in each axis, and one in one axis alone."""
    w = some_filters(4, 5, 2)
    w = np.array([w[0] + w[0, ::-1, ::-1], w[1] - w[1, ::-1, ::-1], w[2] + w[2, ::-1], w[3] + w[3, :, ::-1]])
    w[2] -= w[2, :, ::-1]
    return w


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (150, 37), (67, 1030)])
@pytest.mark.parametrize("filters", [some_filters(2, 3), symmetric_filters(), some_filters(1, 7)], ids=["3", "5", "7"])
@pytest.mark.parametrize("each", [False, True])
def test_compiled_gradient_is_the_plain_one(shape, filters, each):
    pytest.importorskip("numba", reason="needs the extra 'fast'")
    from concurrent.futures import ThreadPoolExecutor

    from weep.learned import fused, minimise

    operator = Filters(mirrored(filters) / 9, shape)
    x, y = pixels(shape), 1 - pixels(shape)
    if each:  # equal for mirror images, as in a bank
        of = learned.filters.completed(filters)[1]
        phi = Each(tuple(WEEP(20.0 - k, 0.3, 0.1 * (k + 1)) for k in of))
    else:
        phi = WEEP(20.0, 0.3, 0.1)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(3) as three:
        value, gradient = minimise._plain(y, operator, phi, one)(x)
        found, other = (minimise._fused(y, operator, phi, p, fused.band)(x) for p in (one, three))
    u = operator @ x.ravel()
    assert_allclose(value, np.sum((x - y) ** 2) / 2 + np.sum(phi(u)), rtol=1e-10)
    assert_allclose(gradient.ravel(), (x - y).ravel() + operator.rmatvec(phi.grad(u)), atol=1e-10)
    assert_allclose(found[0], value, rtol=1e-12)
    assert_allclose(found[1], gradient, atol=1e-12)
    assert found[0] == other[0]
    assert_array_equal(found[1], other[1])


def test_symmetry_leaves_a_quarter_of_the_multiplications():
    weights, spans = Filters(mirrored(symmetric_filters()[:2]), (4, 4)).symmetry[1:3]
    assert weights.size == 100
    assert np.sum(spans[:, 1] - spans[:, 0]) == 13 + 12
    assert Filters(mirrored(symmetric_filters()), (4, 4)).symmetry[-2].tolist() == [False, False, True, False]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pictures_are_denoised_alike_with_and_without_compiled_code(dtype, monkeypatch):
    from weep import compiled

    y = pixels((70, 65), dtype)
    fast = learned.denoise(y, 0.1)
    monkeypatch.setattr(compiled, "USE", False)
    slow = learned.denoise(y, 0.1)
    assert fast.x.dtype == slow.x.dtype == dtype
    assert_allclose(fast.x, slow.x, atol=1e-4 if dtype == np.float32 else 1e-10)
    assert fast.objective == pytest.approx(slow.objective, rel=1e-5)


def test_a_filter_that_is_there_twice_is_refused():
    """Its mirror image is there once, and the border may break the bound."""
    w = some_filters(1)[0]
    with pytest.raises(ValueError, match=r"filters\[1\] is in filters twice"):
        norm_squared(mirrored([w, -w]))
