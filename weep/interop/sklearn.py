"""Linear models of scikit-learn with a robust loss, or with a sparse penalty."""

import dataclasses
from typing import Any

import numpy as np

from ..checks import extra, integer, nonnegative, positive

with extra("robust", "this adapter"):
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from ..penalties import L2, WEEP, Penalty
from ..regression import METHODS
from ..regression.problem import Problem, smooth

__all__ = ["SmoothRegression"]


class SmoothRegression(RegressorMixin, BaseEstimator):
    r"""Linear regression with any smooth loss and any smooth penalty, in the units of scikit-learn's ``Lasso``:

    .. math::

        \min_{w, w_0} \frac{1}{\sum_i s_i} \sum_{i=1}^n s_i\, \rho(y_i - x_i^\top w - w_0) + \alpha \sum_j \phi(w_j),

    by ``method="newton"`` of `weep.regress` from least squares (from zero, if there are fewer samples than features).

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
        Tolerance of the gradient, relative to the forces that balance in it, as for `weep.regress`: so it does not
        depend on units.

    Attributes
    ----------
    coef_, intercept_ : ndarray of shape (n_features,), float
        The model.
    n_iter_ : int
        Iterations made.

    Notes
    -----
    A penalty is a loss of the residual 0 − w_j: the model is a robust regression with p more rows, and is solved as
    one, in coordinates that neither units nor offsets disturb. If α = 0, the fit is the same in all units of X and y
    (with a loss that scales with y). If not, φ sets a unit for w, as in every model with a penalty.

    Parameters of loss and penalty have names too, for a search: ``loss__delta``, ``penalty__a``.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import Huber
    >>> from weep.interop.sklearn import SmoothRegression
    >>> X, y = np.arange(6.0)[:, None], np.array([0.0, 2.0, 4.0, 6.0, 8.0, 60.0])
    >>> SmoothRegression(loss=Huber(0.1), alpha=0.0).fit(X, y).coef_.round(1)
    array([2.])
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, those of loss and penalty included unless ``deep`` is False."""
        params = super().get_params(deep=False)
        for name in ("loss", "penalty") if deep else ():
            if isinstance(value := params[name], Penalty):
                params |= {f"{name}__{field.name}": getattr(value, field.name) for field in dataclasses.fields(value)}  # type: ignore[arg-type]
        return params

    def set_params(self, **params: Any) -> "SmoothRegression":
        """Set parameters by name; those of loss and penalty give a new loss or penalty."""
        super().set_params(**{name: value for name, value in params.items() if "__" not in name})
        for name, value in params.items():
            if "__" in name:
                if name not in (known := self.get_params()):
                    raise ValueError(f"{name} is no parameter of {self!r}, which has {sorted(known)}")
                outer, inner = name.split("__", 1)
                setattr(self, outer, dataclasses.replace(getattr(self, outer), **{inner: value}))
        return self

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "SmoothRegression":
        """Fit the model.

        Parameters
        ----------
        X : array_like of shape (n_samples, n_features)
            The design.
        y : array_like of shape (n_samples,)
            The responses.
        sample_weight : array_like of shape (n_samples,), optional
            The weights s ≥ 0 of the losses.

        Returns
        -------
        SmoothRegression
            Itself.

        Warns
        -----
        ConvergenceWarning
            If the gradient did not reach ``tol``.
        """
        X, y = validate_data(self, X, y, y_numeric=True, dtype=np.float64)
        loss = smooth("loss", L2() if self.loss is None else self.loss)
        penalty = smooth("penalty", WEEP(10.0, 0.1) if self.penalty is None else self.penalty)
        alpha, tol, max_iter = nonnegative("alpha", self.alpha), positive("tol", self.tol), self.max_iter
        weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weights.any():
            raise ValueError("sample_weight must have an entry above zero")
        weights = weights / weights.sum()
        n, p = X.shape
        # An offset of X belongs to the intercept. What remains is of the size of what X says.
        centre = weights @ X if self.fit_intercept else np.zeros(p)
        design = np.column_stack((X - centre, np.full(n, float(self.fit_intercept))))
        rows = np.vstack((design, np.eye(p, p + 1)))[None]
        data = np.append(y, np.zeros(p))[None], np.append(weights, np.full(p, alpha))[None]
        problem = Problem.of(rows, *data, _Rows(loss, penalty, n), tol, integer("max_iter", max_iter, 1))
        start = np.zeros((1, p + 1))
        if n > p:
            ols = Problem.of(design[None], y[None], weights[None], loss, tol, 1)
            start = ols.coef(ols.gradient(ols.weighted(ols.y)))
        coef, n_iter = METHODS["newton"].run(problem, start)
        problem.judge(METHODS["newton"], coef, n_iter, 3)
        self.coef_, self.n_iter_ = coef[0, :p], max(1, int(n_iter[0]))
        self.intercept_ = float(coef[0, p] - centre @ self.coef_) if self.fit_intercept else 0.0
        return self

    def predict(self, X: Any) -> Any:
        """Predictions for X of shape (n_samples, n_features)."""
        check_is_fitted(self)
        return validate_data(self, X, dtype=np.float64, reset=False) @ self.coef_ + self.intercept_


@dataclasses.dataclass(frozen=True)
class _Rows:
    """The loss of the first n residuals, and the penalty of the others."""

    loss: Penalty
    penalty: Penalty
    n: int

    @property
    def lipschitz(self) -> float:
        return max(self.loss.lipschitz, self.penalty.lipschitz)

    def __call__(self, x: Any) -> Any:
        return np.concatenate((self.loss(x[..., : self.n]), self.penalty(x[..., self.n :])), axis=-1)

    def grad(self, x: Any) -> Any:
        return np.concatenate((self.loss.grad(x[..., : self.n]), self.penalty.grad(x[..., self.n :])), axis=-1)
