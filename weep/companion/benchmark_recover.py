"""The solvers of (1) against SciPy's L-BFGS-B: processor seconds to a relative objective gap of 1e-6, interleaved.

Run it by ``python -m weep.companion.benchmark_recover``.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ..checks import extra
from ..operators import Differences
from ..penalties import Huber
from ..recover import recover
from .benchmark import Row, medians

__all__ = ["dense", "run"]

PHI, LAM, GAP = Huber(0.05), 0.1, 1e-6


def dense(n: int, repeats: int) -> list[Row]:
    """Steps of n entries from n/4 Gaussian measurements, convex, so that all methods have one goal."""
    rng = np.random.default_rng(0)
    x = np.cumsum(rng.normal(size=n) * (rng.random(n) < 10 / n))
    A = rng.normal(size=(n // 4, n)) / (n // 4) ** 0.5
    y, D = A @ x + 0.05 * rng.normal(size=n // 4), Differences(n)
    goal = recover(y, A, PHI, LAM, D, tol=1e-9).objective * (1 + GAP)

    def objective(x: Any) -> tuple[float, Any]:
        r, d = A @ x - y, D @ x
        return float(r @ r / 2 + LAM * np.sum(PHI(d))), A.T @ r + LAM * (D.T @ PHI.grad(d))

    def scipy(count: int) -> Any:
        options = {"maxiter": count, "maxfun": 20 * count, "ftol": 0.0, "gtol": 0.0}
        return minimize(objective, np.zeros(n), jac=True, method="L-BFGS-B", options=options)

    values: list[float] = []
    options = {"maxiter": 5000, "maxfun": 10**5, "ftol": 0.0, "gtol": 0.0}
    minimize(
        objective,
        np.zeros(n),
        jac=True,
        method="L-BFGS-B",
        options=options,
        callback=lambda intermediate_result: values.append(float(intermediate_result.fun)),
    )

    def first(history: Any) -> int:
        return int(np.flatnonzero(np.asarray(history) <= goal)[0]) + 1  # an error if there is none

    def ours(method: str) -> Callable[[], Any]:
        count = first(recover(y, A, PHI, LAM, D, method=method, tol=1e-9).history[:, 0])
        return lambda: recover(y, A, PHI, LAM, D, method=method, tol=1e-12, max_iter=count)

    least = first(values)
    names = ("memory_gradient", "accelerated", "lbfgs")
    jobs: dict[str, Callable[[], Any]] = {name: ours(name) for name in names} | {"scipy": lambda: scipy(least)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the iterations are cut on purpose
        applied = {name: jobs[name]().n_applications for name in names}
        spent = medians(jobs, repeats)
    evaluations = 2 * scipy(least).nfev
    return [
        Row(f"n = {n}, {name}, {applied[name]} : {evaluations} applications", spent["scipy"] / spent[name], 1)
        for name in names
    ]


def run(quick: bool = True) -> list[Row]:
    """Run all comparisons: one small problem, or three up to n = 4000."""
    with extra("bench", "the benchmark"):
        from threadpoolctl import threadpool_limits
    with threadpool_limits(1):
        return [row for n in ((1000,) if quick else (1000, 2000, 4000)) for row in dense(n, 3 if quick else 5)]


if __name__ == "__main__":
    for row in run(quick=False):
        print(f"{row.job:58} {row.ratio:6.2f}  target {row.target:4.2f}", flush=True)
