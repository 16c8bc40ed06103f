"""Linear models of scikit-learn with a robust loss, or with a sparse penalty."""

from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..checks import extra

with extra("robust", "this adapter"):
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.linear_model import LinearRegression
    from sklearn.utils.validation import check_is_fitted, validate_data

from ..penalties import L2, WEEP, Penalty

__all__ = ["SmoothRegression"]


class SmoothRegression(RegressorMixin, BaseEstimator):
    r"""Linear regression with any smooth loss and any smooth penalty, in the units of scikit-learn's ``Lasso``:

    .. math::

        \min_{w, w_0} \frac1n \sum_{i=1}^n \rho(y_i - x_i^\top w - w_0) + \alpha \sum_j \phi(w_j),

    by L-BFGS from least squares (from zero, if there are fewer samples than features).

    Parameters
    ----------
    loss : Penalty, optional
        The loss ρ. Least squares, `L2`, unless given; its scale is that of y, nothing is estimated.
    penalty : Penalty, optional
        The penalty φ. WEEP(a=10, b=0.1) unless given. It makes coefficients small, and none zero.
    alpha : float, optional
        Weight α ≥ 0 of the penalty.
    fit_intercept : bool, optional
        Whether there is an intercept w_0, which is not penalised.
    max_iter : int, optional
        Largest number of iterations.
    tol : float, optional
        Stop when no entry of the gradient is larger.

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_features,), float
        The model.
    n_iter_ : int
        Iterations made.
    """

    def __init__(
        self,
        loss: Penalty | None = None,
        penalty: Penalty | None = None,
        alpha: float = 0.1,
        *,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-6,
    ) -> None:
        self.loss, self.penalty, self.alpha = loss, penalty, alpha
        self.fit_intercept, self.max_iter, self.tol = fit_intercept, max_iter, tol

    def fit(self, X: Any, y: Any) -> "SmoothRegression":
        """Fit the model to X of shape (n_samples, n_features) and y of shape (n_samples,)."""
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        loss = L2() if self.loss is None else self.loss
        penalty = WEEP(10.0, 0.1) if self.penalty is None else self.penalty
        if not np.isfinite(max(loss.lipschitz, penalty.lipschitz)):
            raise ValueError(f"loss={loss!r} and penalty={penalty!r} must both have a Lipschitz gradient")
        n, p = X.shape
        start = np.zeros(p + 1)
        if n > p:
            ols = LinearRegression(fit_intercept=self.fit_intercept).fit(X, y)
            start[:p], start[p] = ols.coef_, ols.intercept_

        def objective(v: Any) -> tuple[float, Any]:
            w, residual = v[:p], y - X @ v[:p] - v[p]
            slope = loss.grad(residual) / n
            gradient = np.append(self.alpha * penalty.grad(w) - X.T @ slope, -self.fit_intercept * slope.sum())
            return float(np.mean(loss(residual)) + self.alpha * np.sum(penalty(w))), gradient

        options = {"maxiter": self.max_iter, "gtol": self.tol, "ftol": 1e-15}
        found = minimize(objective, start, jac=True, method="L-BFGS-B", options=options)
        self.coef_, self.intercept_, self.n_iter_ = found.x[:p], float(found.x[p]), max(1, int(found.nit))
        return self

    def predict(self, X: Any) -> Any:
        """Predictions for X of shape (n_samples, n_features)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_ + self.intercept_
