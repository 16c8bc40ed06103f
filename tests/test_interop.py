"""Each adapter runs its library on a real problem; what is not installed is skipped by name."""

import importlib
import inspect
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import least_squares, minimize

from weep import L1, L2, MCP, SCAD, WEEP, CappedL1, ConvergenceWarning, Huber, LogSum, Tukey, denoise_tv
from weep.penalties import Grouped, Spectral

PHI = WEEP(20.0, 0.1, scale=0.5)
NEEDS = {
    "pyproximal": "pyproximal",
    "skglm": "skglm",
    "sklearn": "robust",
    "statsmodels": "robust",
    "torch": "torch",
    "skimage": "images",
    "dask": "dask",
}


def adapter(name):
    pytest.importorskip(name)
    return importlib.import_module(f"weep.interop.{name}")


def sparse_problem(n=60, p=30, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    w = np.zeros(p)
    w[:4] = [3.0, -2.0, 2.5, 1.5]
    return X, X @ w + 0.1 * rng.normal(size=n), w


def outlier_line(seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, 200)
    y = 3.0 * x + 1.0 + 0.1 * rng.normal(size=200)
    y[:50] += rng.uniform(5, 20, 50)
    return x, y


def lasso_units_gradient(X, y, w, alpha):
    """Gradient of ‖y − Xw‖²/(2n) + α Σ φ(w): zero at a stationary point, whichever library found it."""
    return -X.T @ (y - X @ w) / len(y) + alpha * PHI.grad(w)


@pytest.mark.parametrize(("name", "extra"), NEEDS.items())
def test_an_absent_library_names_its_extra(name, extra):
    code = f"import sys; sys.modules[{name!r}] = None; import weep.interop.{name}"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"pip install '.[{extra}]' in a clone" in run.stderr


def test_adapters_are_imported_on_demand():
    code = "import sys, weep, weep.interop; sys.exit(any(m.startswith('weep.interop.') for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestPyProximal:
    @pytest.fixture
    def library(self):
        return adapter("pyproximal"), importlib.import_module("pyproximal")

    def test_admm_denoises_as_denoise_tv_does(self, library):
        pylops = importlib.import_module("pylops")
        ours, theirs = library
        y = np.repeat([0.0, 2.0, 1.0], 20) + 0.1 * np.random.default_rng(0).normal(size=60)
        lam = 0.2  # λ‖D‖² < 1: one minimum
        D = pylops.FirstDerivative(60, edge=False, kind="forward")
        x, _ = theirs.optimization.primal.ADMML2(
            ours.Separable(PHI, lam), pylops.Identity(60), y, D, x0=y, tau=1 / (2.2 * lam), niter=400
        )
        # The operator of PyLops has one more row, of zeros, which costs nothing.
        np.testing.assert_allclose(x, denoise_tv(y, PHI, lam, tol=1e-9).x, atol=1e-5)

    def test_proximal_gradient_reaches_a_stationary_point(self, library):
        pylops = importlib.import_module("pylops")
        ours, theirs = library
        X, y, _ = sparse_problem()
        f, step = theirs.L2(Op=pylops.MatrixMult(X), b=y), 1 / np.linalg.norm(X, 2) ** 2
        w = theirs.optimization.primal.ProximalGradient(
            f, ours.Separable(PHI, 6.0), x0=np.zeros(30), tau=step, niter=3000
        )
        assert np.abs(60 * lasso_units_gradient(X, y, w, 0.1)).max() < 1e-6

    def test_a_step_for_each_entry(self, library):
        f, rng = library[0].Separable(PHI, 0.3), np.random.default_rng(0)
        x, tau = rng.normal(size=20), rng.choice([0.1, 0.5, 2.0], 20)
        np.testing.assert_array_equal(f.prox(x, tau), [f.prox(v, t) for v, t in zip(x, tau, strict=True)])
        np.testing.assert_array_equal(f.prox(x, np.full(1, 0.5)), f.prox(x, 0.5))
        np.testing.assert_allclose(f.prox(x, tau) + tau * f.proxdual(x / tau, 1 / tau), x)

    def test_what_it_cannot_treat(self, library):
        for arguments, error, name in ((("x",), TypeError, "phi"), ((PHI, 0.0), ValueError, "sigma")):
            with pytest.raises(error, match=f"{name}="):
                library[0].Separable(*arguments)
        for sigma, words in (([1.0, 0.0], "greater than 0"), ([1.0, np.nan], "finite")):
            with pytest.raises(ValueError, match=f"sigma must be {words}"):
                library[0].Separable(PHI, sigma)
        rows = Grouped(PHI, 0)
        for arguments, error, words in (
            ((PHI, (2, 3)), TypeError, "must be Grouped"),
            ((rows, (2, 0)), ValueError, "dims=0 must be at least 1"),
            ((rows, (2.0,)), TypeError, "dims=2.0 must be an integer"),
            ((rows, (2, 3), -1.0), ValueError, "sigma=-1.0 must be greater"),
        ):
            with pytest.raises(error, match=words):
                library[0].Shaped(*arguments)
        with pytest.raises(ValueError, match="tau must be one number"):
            library[0].Shaped(rows, (2, 3)).prox(np.zeros(6), np.ones(6))

    def test_a_weight_for_each_entry(self, library):
        rng = np.random.default_rng(0)
        x, sigma = rng.normal(size=20), rng.uniform(0.1, 0.9, 20)
        f, single = library[0].Separable(PHI, sigma), [library[0].Separable(PHI, s) for s in sigma]
        assert f(x) == pytest.approx(sum(g(v) for g, v in zip(single, x, strict=True)))
        for tau in (0.5, rng.uniform(0.2, 0.9, 20)):
            taus = np.broadcast_to(tau, 20)
            expected = [g.prox(v, t) for g, v, t in zip(single, x, taus, strict=True)]
            np.testing.assert_array_equal(f.prox(x, tau), expected)
        np.testing.assert_array_equal(f.grad(x), sigma * PHI.grad(x))

    @pytest.mark.parametrize("channels", [1, 3])
    def test_lengths_of_gradients_are_those_of_denoise_tv(self, library, channels):
        pylops = importlib.import_module("pylops")
        ours, theirs = library
        shape, lam = (7, 6, channels), 0.1
        y = np.random.default_rng(0).normal(size=shape)
        D = pylops.VStack([pylops.FirstDerivative(shape, axis, kind="forward") for axis in (0, 1)])
        f = ours.Shaped(Grouped(PHI, (0, 3)), (2, *shape), lam)
        x = theirs.optimization.primal.ADMML2(
            f, pylops.Identity(y.size), y.ravel(), D, x0=y.ravel(), tau=1 / (2.2 * lam), niter=150
        )[0]
        best = denoise_tv(y, PHI, lam, isotropic=True, channel_axis=2, tol=1e-9)
        np.testing.assert_allclose(x, best.x.ravel(), atol=1e-4)

    @pytest.mark.parametrize("phi", [Grouped(PHI, 0), Spectral(PHI)], ids=repr)
    def test_arrays_as_vectors(self, library, phi):
        f, x = library[0].Shaped(phi, (4, 5), 0.3), np.random.default_rng(0).normal(size=20)
        assert importlib.import_module("pyproximal.utils.moreau").moreau(f, x, 0.7)
        assert f(x) == pytest.approx(0.3 * phi(x.reshape(4, 5)))
        np.testing.assert_array_equal(f.prox(x, 0.7), phi.prox(x.reshape(4, 5), 0.3 * 0.7).ravel())
        np.testing.assert_array_equal(f.grad(x), 0.3 * phi.grad(x.reshape(4, 5)).ravel())

    def test_moreau_and_gradient(self, library):
        ours, _ = library
        f, x = ours.Separable(PHI, 0.3), np.linspace(-3, 3, 31)
        assert importlib.import_module("pyproximal.utils.moreau").moreau(f, x, 0.7)
        np.testing.assert_array_equal(f.grad(x), 0.3 * PHI.grad(x))
        assert f(x) == pytest.approx(0.3 * PHI(x).sum())
        with pytest.raises(ValueError, match="tau"):
            f.prox(x, -1.0)


class TestSkglm:
    @pytest.mark.parametrize("solver", ["AndersonCD", "FISTA"])
    def test_solvers_reach_a_stationary_point(self, solver):
        penalty = adapter("skglm").penalty(PHI, 0.1)
        import skglm
        from skglm.solvers import FISTA, AndersonCD

        X, y, _ = sparse_problem()
        kinds = {"AndersonCD": AndersonCD(tol=1e-8, fit_intercept=False), "FISTA": FISTA(max_iter=5000, tol=1e-8)}
        model = skglm.GeneralizedLinearEstimator(skglm.datafits.Quadratic(), penalty, kinds[solver])
        w = model.fit(X, y).coef_
        assert np.abs(lasso_units_gradient(X, y, w, 0.1)).max() < 1e-6

    @pytest.mark.parametrize("phi", [PHI, Huber(), L2(), WEEP(2.0, 2.0), MCP(1.0, 2.0), CappedL1(1.1)], ids=repr)
    def test_kernels_are_those_of_the_package(self, phi):
        penalty = adapter("skglm").penalty(phi, 0.5)
        z = np.linspace(-6, 6, 401)
        z[200] = 0.0
        assert penalty.value(z) == pytest.approx(0.5 * phi(z).sum(), rel=1e-12)
        for step in (0.1, 1.0, 4.0):
            got = [penalty.prox_1d(v, step, 0) for v in z]
            np.testing.assert_allclose(got, phi.prox(z, 0.5 * step), atol=1e-7)
        distance = penalty.subdiff_distance(z, np.ones_like(z), np.arange(z.size))
        away = z != 0
        np.testing.assert_allclose(distance[away], np.abs(1 + 0.5 * phi.grad(z[away])), rtol=1e-9)
        # At zero the derivative may be anything up to the slope on either side.
        assert distance[200] == pytest.approx(1 - 0.5 * phi.grad(1e-300), rel=1e-12)

    def test_kinked_penalties_select_what_those_of_skglm_select(self):
        ours = adapter("skglm")
        import skglm
        from skglm.penalties import L1 as Lasso
        from skglm.penalties import SCAD as TheirSCAD
        from skglm.penalties import MCPenalty

        X, y, _ = sparse_problem()
        pairs = [(L1(), Lasso(1.0)), (MCP(1.0, 3.0), MCPenalty(1.0, 3.0)), (SCAD(1.0, 3.7), TheirSCAD(1.0, 3.7))]
        for phi, theirs in pairs:
            fits = [
                skglm.GeneralizedLinearEstimator(
                    skglm.datafits.Quadratic(), p, skglm.solvers.AndersonCD(tol=1e-10, fit_intercept=False)
                )
                .fit(X, y)
                .coef_
                for p in (ours.penalty(phi, 1.0), theirs)
            ]
            np.testing.assert_allclose(*fits, atol=1e-8)
            assert 0 < np.count_nonzero(fits[0]) < 10

    def test_other_penalties_are_refused(self):
        with pytest.raises(TypeError):
            adapter("skglm").penalty(LogSum(1.0), 1.0)
        with pytest.raises(ValueError, match="alpha=-1 must not be negative"):
            adapter("skglm").penalty(PHI, -1)


class TestSklearn:
    def test_the_checks_of_scikit_learn(self):
        ours = adapter("sklearn")
        from sklearn.utils.estimator_checks import check_estimator

        check_estimator(ours.SmoothRegression(alpha=1e-3), on_skip=None)
        check_estimator(ours.SmoothRegression(loss=Huber(), alpha=0.0), on_skip=None)

    def test_a_robust_loss_ignores_outliers(self):
        ours = adapter("sklearn")
        from sklearn.linear_model import LinearRegression
        from sklearn.model_selection import GridSearchCV

        x, y = outlier_line()
        model = ours.SmoothRegression(WEEP(10.0, 0.01, scale=2.0), alpha=0.0).fit(x[:, None], y)
        assert abs(model.coef_[0] - 3) + abs(model.intercept_ - 1) < 0.1
        assert abs(LinearRegression().fit(x[:, None], y).intercept_ - 1) > 1
        search = GridSearchCV(ours.SmoothRegression(), {"loss": [L2(), Huber(0.5)], "alpha": [0.0, 0.1]})
        assert search.fit(x[:, None], y).best_params_["loss"] in (L2(), Huber(0.5))

    def test_a_sparse_penalty_finds_the_support(self):
        ours = adapter("sklearn")
        X, y, w = sparse_problem()
        model = ours.SmoothRegression(penalty=PHI, alpha=0.1, fit_intercept=False, tol=1e-9).fit(X, y)
        assert np.abs(lasso_units_gradient(X, y, model.coef_, 0.1)).max() < 1e-6
        assert set(np.flatnonzero(np.abs(model.coef_) > 0.3)) == set(np.flatnonzero(w))
        with pytest.raises(ValueError, match="Lipschitz"):
            ours.SmoothRegression(penalty=L1()).fit(X, y)

    def test_units_and_offsets_do_not_matter(self):
        ours = adapter("sklearn")
        x, y = outlier_line()
        X = np.column_stack((x, np.random.default_rng(1).normal(size=x.size)))
        first = ours.SmoothRegression(Huber(0.5), alpha=0.0).fit(X, y)
        assert abs(first.coef_[0] - 3) < 0.1

        @given(st.floats(-9, 9), st.floats(-9, 9), st.floats(-1e9, 1e9), st.floats(-1e6, 1e6))
        def check(of_x, of_y, offset, level):
            s, t = 10**of_x, 10**of_y
            model = ours.SmoothRegression(Huber(0.5 * t), alpha=0.0).fit(s * (X + offset), t * (y + level))
            np.testing.assert_allclose(model.coef_ * s / t, first.coef_, atol=1e-5 * (1 + abs(offset) / 1e5))
            both = model.predict(s * (X + offset)) / t - level, first.predict(X)
            np.testing.assert_allclose(*both, atol=1e-4 * (1 + abs(offset) / 1e5))

        check()

    @given(st.floats(-4, 4), st.integers(0, 10))
    def test_every_penalised_fit_is_stationary(self, power, seed):
        ours = adapter("sklearn")
        X, y, _ = sparse_problem(seed=seed)
        X = X * 10**power
        model = ours.SmoothRegression(penalty=PHI, alpha=0.1, fit_intercept=False, tol=1e-8).fit(X, y)
        data = X.T @ (y - X @ model.coef_) / len(y)
        # The forces of data and penalty balance, in units of what each row of data could do. The tolerance is one of
        # all forces together; a single one may be some hundred times as unbalanced.
        reach = np.sqrt((X**2).mean(0) * np.mean((y - X @ model.coef_) ** 2)) + 0.1 * np.abs(PHI.grad(model.coef_))
        assert np.max(np.abs(data - 0.1 * PHI.grad(model.coef_)) / reach) < 1e-5

    def test_too_few_iterations_are_admitted(self):
        x, y = outlier_line()
        with pytest.warns(ConvergenceWarning, match="max_iter=1"):
            adapter("sklearn").SmoothRegression(Huber(0.1), max_iter=1).fit(x[:, None], y)

    def test_weights_are_repetitions(self):
        ours, rng = adapter("sklearn"), np.random.default_rng(0)
        x, y = outlier_line()
        times = rng.integers(0, 4, x.size)
        for loss in (Huber(0.5), Tukey(8.0), WEEP(10.0, 0.01, scale=2.0)):
            model = ours.SmoothRegression(loss, alpha=0.01)
            weighted = model.fit(x[:, None], y, sample_weight=times).coef_
            repeated = model.fit(np.repeat(x, times)[:, None], np.repeat(y, times)).coef_
            np.testing.assert_allclose(weighted, repeated, rtol=1e-6)
            for wrong, message in ((0 * times, "(?i)sample.weight"), (-times, "Negative values")):
                with pytest.raises(ValueError, match=message):
                    model.fit(x[:, None], y, sample_weight=wrong)

    def test_parameters_of_loss_and_penalty_have_names(self):
        ours = adapter("sklearn")
        from sklearn.base import clone
        from sklearn.model_selection import GridSearchCV

        x, y = outlier_line()
        search = GridSearchCV(ours.SmoothRegression(Huber(1.0)), {"loss__delta": [0.1, 100.0], "alpha": [0.0]})
        search.fit(x[:, None], y)
        assert search.best_params_["loss__delta"] in (0.1, 100.0)
        assert search.best_estimator_.loss == Huber(search.best_params_["loss__delta"])
        model = clone(ours.SmoothRegression(Huber(1.0), WEEP(3.0, 0.5))).set_params(penalty__a=4.0, loss=Huber(2.0))
        assert (model.loss, model.penalty) == (Huber(2.0), WEEP(4.0, 0.5))
        assert model.set_params(loss=Tukey(), loss__c=3.0).loss == Tukey(3.0)
        for wrong in ("loss__delta", "penalty__x", "alpha__y", "gamma__a"):
            with pytest.raises(ValueError, match=f"{wrong} is no parameter"):
                model.set_params(**{wrong: 1.0})


class TestStatsmodels:
    def test_rlm_with_a_huber_agrees_with_its_own(self):
        ours = adapter("statsmodels")
        import statsmodels.api as sm

        x, y = outlier_line()
        X = sm.add_constant(x)
        theirs = sm.RLM(y, X, M=sm.robust.norms.HuberT(1.345)).fit()
        fit = sm.RLM(y, X, M=ours.Norm(Huber(1.345))).fit()
        np.testing.assert_allclose(fit.params, theirs.params, rtol=1e-9)
        np.testing.assert_allclose(fit.bse, theirs.bse, rtol=1e-9)

    def test_rlm_with_weep_ignores_outliers(self):
        ours = adapter("statsmodels")
        import statsmodels.api as sm

        x, y = outlier_line()
        fit = sm.RLM(y, sm.add_constant(x), M=ours.Norm(WEEP(1.0, 0.0))).fit(maxiter=200)
        np.testing.assert_allclose(fit.params, [1, 3], atol=0.1)
        assert np.all(np.isfinite(fit.bse))

    def test_weights_at_zero(self):
        norm = adapter("statsmodels").Norm(PHI)
        assert norm.weights(np.array([0.0, 1e-9, -1e-9])) == pytest.approx([20.0, 20.0, 20.0])
        assert (norm.redescending, adapter("statsmodels").Norm(WEEP(1, 0)).redescending) == ("not", "hard")

    def test_tukey_is_that_of_statsmodels(self):
        norms = pytest.importorskip("statsmodels.api").robust.norms
        z = np.linspace(-8, 8, 401)
        theirs, ours = norms.TukeyBiweight(4.685), adapter("statsmodels").Norm(Tukey(4.685))
        for name in ("psi", "weights", "psi_deriv"):
            np.testing.assert_allclose(getattr(ours, name)(z), getattr(theirs, name)(z), atol=1e-5)

    def test_what_it_cannot_treat(self):
        for phi, error in ((L1(), ValueError), (MCP(1.0, 2.0), ValueError), ("huber", TypeError)):
            with pytest.raises(error, match="phi="):
                adapter("statsmodels").Norm(phi)


class TestScipy:
    def test_minimize(self):
        X, y, _ = sparse_problem()
        ours = adapter("scipy")

        def fit(w):
            r = X @ w - y
            return r @ r / 120, X.T @ r / 60

        objective = ours.penalised(fit, PHI, 0.1)
        for method in ("L-BFGS-B", "CG", "BFGS"):
            found = minimize(objective, np.zeros(30), jac=True, method=method, tol=1e-8)
            assert np.abs(lasso_units_gradient(X, y, found.x, 0.1)).max() < 1e-4

    def test_minimize_hands_arguments_on(self):
        ours = adapter("scipy")
        objective = ours.penalised(lambda x, a, b: (a * (x @ x) / 2 + b @ x, a * x + b), L2(), 1.0)
        found = minimize(objective, np.zeros(2), (3.0, np.array([4.0, 8.0])), jac=True)
        np.testing.assert_allclose(found.x, [-1.0, -2.0], atol=1e-5)

    def test_what_it_cannot_treat(self):
        ours = adapter("scipy")
        for phi, error in ((L1(), ValueError), ("huber", TypeError)):
            with pytest.raises(error, match="phi="):
                ours.loss(phi)
            with pytest.raises(error, match="phi="):
                ours.penalised(np.sin, phi, 1.0)
        with pytest.raises(ValueError, match=r"lam=-1\.0 must not be negative"):
            ours.penalised(np.sin, PHI, -1.0)

    @pytest.mark.parametrize("phi", [WEEP(10.0, 0.01, scale=2.0), Huber(0.5), Tukey(8.0)], ids=repr)
    def test_least_squares(self, phi):
        x, y = outlier_line()
        loss = adapter("scipy").loss(phi)
        found = least_squares(lambda w: w[0] * x + w[1] - y, [2.0, 2.0], loss=loss, xtol=1e-12, gtol=1e-10)
        r = found.x[0] * x + found.x[1] - y
        assert found.cost == pytest.approx(phi(r).sum())
        assert abs(np.sum(phi.grad(r) * x)) + abs(np.sum(phi.grad(r))) < 1e-3
        assert abs(found.x[0] - 3) < 0.2

    def test_loss_and_its_derivatives(self):
        z = np.concatenate([[0.0], np.linspace(1e-4, 4, 50)])
        rho, first, second = adapter("scipy").loss(PHI)(z)
        np.testing.assert_allclose(rho, 2 * PHI(np.sqrt(z)))
        h = 1e-7
        low, high = (adapter("scipy").loss(PHI)(z[1:] + k * h) for k in (-1, 1))
        np.testing.assert_allclose(first[1:], (high[0] - low[0]) / (2 * h), atol=1e-4)
        smooth = np.abs(high[2] - low[2]) < 1e-3
        assert smooth.mean() > 0.8
        np.testing.assert_allclose(second[1:][smooth], ((high[1] - low[1]) / (2 * h))[smooth], rtol=1e-3, atol=1e-3)
        assert (first[0], second[0]) == (20.0, 0.0)


class TestTorch:
    def test_loss_reduces_as_torch_does(self):
        ours, torch = adapter("torch"), importlib.import_module("torch")
        a, b = torch.linspace(-3, 3, 12).reshape(3, 4), torch.ones(3, 4)
        for reduction in ("mean", "sum", "none"):
            theirs = torch.nn.HuberLoss(reduction=reduction, delta=0.5)
            torch.testing.assert_close(ours.Loss(Huber(0.5), reduction)(a, b), theirs(a, b))
        with pytest.raises(ValueError, match="reduction="):
            ours.Loss(PHI, "max")
        with pytest.raises(ValueError, match=r"one shape, not \(3, 1\) and \(3,\)"):
            ours.Loss(PHI)(torch.ones(3, 1), torch.ones(3))
        with pytest.raises(TypeError, match="phi='huber' must be a penalty"):
            ours.Loss("huber")
        for arguments, error in ((("huber", 1.0), TypeError), ((PHI, -1.0), ValueError)):
            with pytest.raises(error):
                ours.Regulariser(*arguments)

    def test_a_line_through_outliers(self):
        ours, torch = adapter("torch"), importlib.import_module("torch")
        torch.manual_seed(0)
        x, y = (torch.tensor(v)[:, None] for v in outlier_line())
        model = torch.nn.Linear(1, 1, dtype=torch.float64)
        optimiser, loss = torch.optim.Adam(model.parameters(), 0.05), ours.Loss(WEEP(10.0, 0.01, scale=2.0))
        for _ in range(400):
            optimiser.zero_grad()
            loss(model(x), y).backward()
            optimiser.step()
        assert abs(model.weight.item() - 3) + abs(model.bias.item() - 1) < 0.1

    def test_regulariser(self):
        ours, torch = adapter("torch"), importlib.import_module("torch")
        model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Linear(3, 1))
        value = ours.Regulariser(PHI, 0.3)(model.parameters())
        value.backward()
        want = sum(PHI(w.detach().numpy()).sum() for w in model.parameters())
        assert value.item() == pytest.approx(0.3 * want, rel=1e-5)
        for w in model.parameters():
            np.testing.assert_allclose(w.grad.numpy(), 0.3 * PHI.grad(w.detach().numpy()), rtol=1e-5)

    @pytest.mark.parametrize("phi", [PHI, Tukey()], ids=repr)
    def test_gradcheck(self, phi):
        torch = pytest.importorskip("torch")
        x = torch.linspace(-2, 2, 17, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(phi, x)


class TestSkimage:
    def test_signature_is_that_of_chambolle(self):
        ours = adapter("skimage").denoise_tv
        from skimage.restoration import denoise_tv_chambolle

        theirs, own = (inspect.signature(f).parameters for f in (denoise_tv_chambolle, ours))
        assert [n for n in own if n not in ("phi", "isotropic", "weights")] == list(theirs)
        assert all(own[n].kind == theirs[n].kind for n in theirs)

    def test_grey_colour_and_integers(self):
        ours = adapter("skimage").denoise_tv
        rng = np.random.default_rng(0)
        clean = np.kron(rng.integers(0, 3, (4, 4)) / 2, np.ones((8, 8)))
        noisy = clean + 0.1 * rng.normal(size=clean.shape)
        grey = ours(noisy, 0.1)
        assert np.mean((grey - clean) ** 2) < 0.5 * np.mean((noisy - clean) ** 2)
        colour = ours(np.stack([noisy, 1 - noisy], -1), 0.1, channel_axis=-1)
        np.testing.assert_allclose(colour[..., 0], grey)
        eight = np.clip(noisy * 255, 0, 255).astype(np.uint8)
        np.testing.assert_allclose(ours(eight, 0.1), ours(eight / 255, 0.1), atol=1e-12)

    def test_isotropic_colour_and_missing_pixels(self):
        from skimage.restoration import denoise_tv_chambolle

        ours, rng = adapter("skimage").denoise_tv, np.random.default_rng(0)
        clean = np.kron(rng.integers(0, 3, (4, 4, 3)) / 2, np.ones((8, 8, 1)))
        noisy = clean + 0.1 * rng.normal(size=clean.shape)
        other = denoise_tv_chambolle(noisy[..., 0], 0.1, eps=1e-8, max_num_iter=3000)
        same = ours(noisy[..., 0], 0.1, eps=1e-5, max_num_iter=3000, phi=L1(), isotropic=True)
        np.testing.assert_allclose(same, other, atol=5e-3)
        together, apart = (ours(noisy, 0.1, channel_axis=-1, isotropic=flag) for flag in (True, False))
        assert 1e-3 < np.max(abs(together - apart)) < 1
        seen = rng.random(clean.shape) < 0.8
        filled = ours(np.where(seen, noisy, np.nan), 0.1, channel_axis=-1, weights=seen)
        assert np.mean((filled - clean) ** 2) < 0.02


class TestDask:
    @pytest.mark.parametrize(("shape", "chunks", "lam"), [((400,), 100, 0.1), ((90, 80), 45, 0.02)])
    def test_blocks_have_the_accuracy_that_was_asked_for(self, shape, chunks, lam):
        ours, rng = adapter("dask"), np.random.default_rng(0)
        y = np.cumsum(rng.choice([0.0, 0.0, 0.0, 2.0], size=shape), axis=-1) % 3 + 0.1 * rng.normal(size=shape)
        whole, depths = denoise_tv(y, PHI, lam, tol=1e-10).x, []
        lazy = importlib.import_module("dask.array").from_array(y, chunks)
        for accuracy in (1e-1, 1e-3, 1e-5):
            depths.append(ours.overlap(PHI, lam, y.ndim, np.ptp(y), accuracy))
            x = ours.denoise_tv(lazy, PHI, lam, accuracy, tol=1e-10)
            assert (x.shape, x.dtype, x.chunks) == (y.shape, y.dtype, lazy.chunks)
            assert np.max(abs(x.compute(scheduler="synchronous") - whole)) <= accuracy
        assert 0 < depths[0] < depths[1] < depths[2] < chunks
        assert np.max(abs(lazy.map_blocks(lambda part: denoise_tv(part, PHI, lam).x).compute() - whole)) > 1e-3

    def test_entries_of_an_inverse_decay_as_the_bound_says(self):
        """In one dimension, and for Huber's loss with a force of 1 at each cut, the error is twice such an entry."""
        ours, n, D = adapter("dask"), 60, np.diff(np.eye(60), axis=0)
        rng, phi = np.random.default_rng(0), WEEP(5.0, 0.0)
        lam = 0.2
        force = lam * phi.grad(phi.x1)  # its largest slope
        for _ in range(20):
            bend = rng.choice([phi.a, -1.0, 0.0], n - 1)
            inverse = np.linalg.inv(np.eye(n) + lam * D.T @ (bend[:, None] * D))
            for k in range(1, n):
                reach = np.max(abs(np.diag(inverse, k)))
                assert reach == 0 or ours.overlap(phi, lam, 1, 10.0, 2 * force * reach * 0.999) >= k

    def test_what_has_no_decay_is_refused(self):
        ours = adapter("dask")
        for phi, lam in ((L1(), 0.1), (PHI, 0.3), (MCP(1.0, 3.0), 0.1)):
            with pytest.raises(ValueError, match="must be differentiable, and lam="):
                ours.overlap(phi, lam, 1, 1.0, 1e-3)
        assert ours.overlap(PHI, 0.0, 2, 1.0, 1e-3) == ours.overlap(PHI, 0.1, 2, 0.0, 1e-3) == 0
