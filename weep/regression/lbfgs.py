"""SciPy's L-BFGS-B, problem after problem."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from .problem import Array, Problem, Solver

#: Up to this condition number of X, L-BFGS copes with w itself.
WELL = 100.0


def lbfgs(problem: Problem, start: Array) -> tuple[Array, NDArray[Any]]:
    """Follow each problem in the coordinates w, as far as that leads; from there on in those of orthonormal rows."""
    coef, n_iter = start.copy(), np.zeros(len(start), dtype=int)
    for coordinates in (_plain, _orthonormal):
        r = problem.residuals(coef)
        going = (problem.excess(r, problem.influences(r), coef) > 1) & (n_iter < problem.max_iter)
        for k in np.flatnonzero(going):
            one = problem.part(np.array([k]))
            if (run := coordinates(one, coef[k])) is not None:
                coef[k], count = run.descend(problem.max_iter - n_iter[k])
                n_iter[k] += count
    return coef, n_iter


@dataclass(frozen=True)
class _Run:
    """One problem in coordinates v: residuals target − design·v, coefficients origin + back·v, objective per unit."""

    one: Problem
    design: Array
    target: Array
    start: Array
    origin: Array
    back: Array
    unit: float

    def descend(self, max_iter: int) -> tuple[Array, int]:
        """Go on until the gradient is within the tolerance, or no step descends."""
        last: dict[str, Array] = {}  # residuals and influences of the last evaluation

        def value_and_gradient(v: Array) -> tuple[float, Array]:
            last["r"] = r = (self.target - self.design @ v)[None]
            last["psi"] = psi = self.one.influences(r)
            return float(self.one.value(r)[0]) / self.unit, -(psi[0] @ self.design) / self.unit

        def stop(v: Array) -> None:
            if self.one.excess(last["r"], last["psi"], (self.origin + self.back @ v)[None])[0] <= 1:
                raise StopIteration

        options = {"maxiter": max_iter, "maxfun": 20 * max_iter, "ftol": 0, "gtol": 0}
        found = minimize(value_and_gradient, self.start, jac=True, method="L-BFGS-B", callback=stop, options=options)
        return self.origin + self.back @ found.x, found.nit


def _plain(one: Problem, w: Array) -> _Run | None:
    """The coordinates w, if X is well conditioned: T has the condition number of X."""
    values = np.linalg.svd(one.T[0], compute_uv=False)
    if values[-1] * WELL < values[0]:
        return None
    return _Run(one, one.X[0], one.y[0], w, np.zeros_like(w), np.eye(len(w)), 1.0)


def _orthonormal(one: Problem, w: Array) -> _Run | None:
    """From w in coordinates t, in units of residuals and curvature, which give the first step a fair length."""
    r = one.residuals(w[None])
    size = float(one.size(one.weighted(r))[0])
    unit = one.rho.lipschitz * size**2
    return _Run(one, one.U[0].T * size, r[0], np.zeros_like(w), w, one.T[0].T * size, unit)


LBFGS = Solver("lbfgs", 1e-5, lbfgs)
