"""The solvers of (1) against others: processor seconds to a relative objective gap of 1e-6, one thread, interleaved.

Run it by ``python -m weep.companion.benchmark_recover``. PyProximal is left out where it is not installed.
"""

import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse.linalg import aslinearoperator

from ..checks import ConvergenceWarning, extra
from ..operators import Differences
from ..penalties import Huber, Penalty
from ..recover import recover
from . import problems
from .benchmark import medians

__all__ = ["Measured", "Setting", "compare", "deblurring", "dense", "run", "tomography"]

GAP = 1e-6

#: A rival may take this many times the processor time of `recover` before it is left.
PATIENCE = 10

Array = NDArray[Any]
Callback = Callable[[Array], None] | None
#: Makes so many iterations, and calls back after each.
Solver = Callable[[int, Callback], Any]


class Setting(NamedTuple):
    """A convex problem, so that all solvers have one goal."""

    name: str
    A: Any
    y: Array
    D: Differences
    phi: Penalty
    lam: float


class Measured(NamedTuple):
    """What a solver needed; seconds are infinite where it was left before its goal.

    ``applications`` are those of A and its adjoint, 0 where a factorisation takes their place. ``ratio`` is the seconds
    over those of ``recover`` at its defaults in the same rounds, and ``target`` what that should be at least.
    """

    problem: str
    solver: str
    applications: int
    seconds: float
    ratio: float
    target: float


def dense(n: int, delta: float = 0.05) -> Setting:
    """Ten jumps in n samples, from n/4 Gaussian measurements."""
    A, noise = problems.gaussian(n // 4, n, 1), np.random.default_rng(2).standard_normal(n // 4)
    y = A @ problems.steps(n, 10, 0) + 0.02 * noise
    return Setting(f"dense, n = {n}", A, y, Differences(n), Huber(delta), 0.1)


def deblurring(side: int) -> Setting:
    """A blurred phantom, by transforms."""
    A, noise = problems.blur((side, side), 1.5), np.random.default_rng(2).standard_normal(side * side)
    y = A @ problems.phantom(side).ravel() + 0.01 * noise
    return Setting(f"deblurring, {side}²", A, y, Differences((side, side)), Huber(0.01), 0.03)


def tomography(side: int) -> Setting:
    """A phantom from a third as many directions as it has rows; the matrix is sparse."""
    A = problems.radon(side, side // 3) / side
    y = A @ problems.phantom(side).ravel() + 0.005 * np.random.default_rng(2).standard_normal(A.shape[0])
    return Setting(f"tomography, {side}²", A, y, Differences((side, side)), Huber(0.01), 0.03)


class Counted:
    """An operator that counts how often it and its adjoint are applied."""

    def __init__(self, A: Any) -> None:
        self.count, inner = 0, aslinearoperator(A)
        self.shape = inner.shape
        # A sparse transpose of sparse rows is multiplied more slowly than its own rows.
        rows = A.T.tocsr() if hasattr(A, "tocsr") else A.T if isinstance(A, np.ndarray) else None
        self.forward = inner.matvec if rows is None else A.__matmul__
        self.back = inner.rmatvec if rows is None else rows.__matmul__

    def matvec(self, x: Array) -> Array:
        self.count += 1
        return self.forward(x)

    def rmatvec(self, u: Array) -> Array:
        self.count += 1
        return self.back(u)


def objective(s: Setting, A: Counted, x: Array) -> tuple[float, Array]:
    """Value and gradient of (1)."""
    r, d = A.matvec(x) - s.y, s.D.matvec(x)
    value = float(r @ r) / 2 + s.lam * float(np.sum(s.phi(d)))
    return value, A.rmatvec(r) + s.lam * s.D.rmatvec(s.phi.grad(d))


def ours(s: Setting, method: str, count: int, callback: Callback) -> Any:
    """`recover` with so many iterations."""
    tell = None if callback is None else lambda _, x: callback(x.ravel())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the iterations are cut on purpose
        return recover(s.y, s.A, s.phi, s.lam, s.D, method=method, tol=1e-14, max_iter=count, callback=tell)


def scipy(s: Setting, A: Counted, count: int, callback: Callback) -> Any:
    """SciPy's L-BFGS-B at its default memory, without a tolerance of its own."""
    options = {"maxiter": count, "maxfun": 20 * count, "ftol": 0.0, "gtol": 0.0}
    start, function = np.zeros(A.shape[1]), partial(objective, s, A)
    return minimize(function, start, jac=True, method="L-BFGS-B", options=options, callback=callback).x


def pyproximal(s: Setting, A: Counted) -> dict[str, list[Solver]]:
    """Three splittings, each with three steps; inner systems take ten iterations, or a factorisation of a dense A'A."""
    import pylops
    from pyproximal import L2
    from pyproximal.optimization.primal import ADMML2, LinearizedADMM
    from pyproximal.optimization.primaldual import PrimalDual

    from ..interop.pyproximal import Separable

    D = pylops.FunctionOperator(s.D.matvec, s.D.rmatvec, *s.D.shape)
    operator = pylops.FunctionOperator(A.matvec, A.rmatvec, *A.shape)
    bound, zero = 4.0 * len(s.D.dims), np.zeros(A.shape[1])
    matrix = pylops.MatrixMult(s.A) if isinstance(s.A, np.ndarray) else None
    penalty = Separable(s.phi, s.lam)

    def data() -> Any:
        return L2(operator, s.y, niter=10) if matrix is None else L2(matrix, s.y, densesolver="factorize")

    def admm(rho: float, count: int, callback: Callback) -> Any:
        return ADMML2(penalty, operator, s.y, D, zero, 1 / rho, count, callback=callback, iter_lim=10)[0]

    def linearised(rho: float, count: int, callback: Callback) -> Any:
        tau, mu = 1 / rho, 0.99 / (rho * bound)
        return LinearizedADMM(data(), penalty, D, zero, tau, mu, count, callback=callback)[0]

    def primal_dual(sigma: float, count: int, callback: Callback) -> Any:
        return PrimalDual(data(), penalty, D, zero, 0.99 / (sigma * bound), sigma, niter=count, callback=callback)

    named: Mapping[str, Callable[..., Any]] = {
        "ADMM": admm,
        "linearised ADMM": linearised,
        "primal-dual": primal_dual,
    }
    return {
        f"PyProximal, {name}": [partial(run, factor * s.lam) for factor in (0.1, 0.5, 2.0)]
        for name, run in named.items()
    }


class Enough(Exception):
    """A solver is at its goal, or out of patience."""


def reach(s: Setting, solver: Solver, goal: float, patience: float) -> tuple[int, float]:
    """Iterations until the objective is at most ``goal``, and their processor seconds; infinite without it."""
    check, count, checking, found = Counted(s.A), 0, 0.0, False
    start = time.process_time()

    def callback(x: Array) -> None:
        nonlocal count, checking, found
        before = time.process_time()
        count, found = count + 1, objective(s, check, x)[0] <= goal
        checking += time.process_time() - before
        if found or time.process_time() - start - checking > patience:
            raise Enough

    try:
        solver(10**5, callback)
    except Enough:
        pass
    return count, time.process_time() - start - checking if found else float("inf")


def compare(s: Setting, repeats: int, rivals: bool = True) -> Iterator[Measured]:
    """Measure the methods of `recover` for a smooth penalty, SciPy, and PyProximal with the best of its steps.

    Each row is yielded when it is known. Its solver and `recover` at its defaults take turns.
    """
    goal = recover(s.y, s.A, s.phi, s.lam, s.D, tol=1e-9).objective * (1 + GAP)
    A = Counted(s.A)
    solvers: dict[str, list[Solver]] = {
        name: [partial(ours, s, name)] for name in ("auto", "memory_gradient", "accelerated", "lbfgs")
    }
    solvers["SciPy, L-BFGS-B"] = [partial(scipy, s, A)]
    if rivals:
        solvers |= pyproximal(s, A)
    patience, jobs = float("inf"), {}
    for name, steps in solvers.items():
        reached = [reach(s, solver, goal, patience) for solver in steps]
        best = min(range(len(steps)), key=lambda i: reached[i][1])
        count, seconds = reached[best]
        target = 1.0 if name.startswith("SciPy") else 5.0 if name.startswith("PyProximal") else 0.0
        if name == "auto":
            patience, jobs = PATIENCE * seconds, {name: partial(steps[best], count, None)}
        if seconds == float("inf"):
            yield Measured(s.name, name, 0, seconds, seconds, target)
            continue
        A.count, job = 0, partial(steps[best], count, None)
        applications = getattr(job(), "n_applications", A.count)
        spent = medians(jobs | {name: job}, repeats)
        yield Measured(s.name, name, applications, spent[name], spent[name] / spent["auto"], target)


def run(quick: bool = True) -> Iterator[Measured]:
    """Compare on one small problem, or on five: dense with up to 5000 samples, deblurring, tomography."""
    with extra("bench", "the benchmark"):
        from threadpoolctl import threadpool_limits
    settings: list[Callable[[], Setting]] = [partial(dense, 1000)]
    if not quick:
        settings += [partial(dense, 2000), partial(dense, 5000), partial(deblurring, 256), partial(tomography, 128)]
    with threadpool_limits(1):
        for make in settings:
            yield from compare(make(), 3 if quick else 5, rivals=find_spec("pyproximal") is not None)


if __name__ == "__main__":
    print(f"{'problem':20} {'solver':28} {'applications of A':>18} {'seconds':>9} {'times auto':>11} {'target':>7}")
    for row in run(quick=False):
        left = row.ratio == float("inf")
        seconds, ratio = ("–", f"over {PATIENCE}") if left else (f"{row.seconds:.3f}", f"{row.ratio:.2f}")
        target = f"{row.target:.0f}" if row.target else ""
        print(
            f"{row.problem:20} {row.solver:28} {row.applications or '–':>18} {seconds:>9} {ratio:>11} {target:>7}",
            flush=True,
        )
