"""The solvers of (11) against others: seconds of processor time, one thread each, interleaved, medians.

Run it by ``python -m weep.companion.benchmark``. Rivals that are not installed are left out, and named.
"""

import math
import time
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dctn, idctn
from scipy.optimize import minimize

from .. import compiled
from ..checks import ConvergenceWarning, extra
from ..denoise import Result, denoise_tv, objective
from ..operators import adjoint, differences, spectrum
from ..penalties import L1, WEEP, Huber, Tukey
from ..regression import regress
from .protocol import fastest, trial

__all__ = ["Row", "medians", "regressions", "run"]

PHI, LAM = WEEP(a=10.0, b=0.1), 0.1


class Row(NamedTuple):
    """A job, how many times faster it is than its reference (NaN: not measured), and how many times it should be."""

    job: str
    ratio: float
    target: float


def medians(
    jobs: Mapping[str, Callable[[], Any]], repeats: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Median seconds of each job, over interleaved rounds after one to warm up.

    Parameters
    ----------
    jobs : mapping of str to callable
        What to time.
    repeats : int
        Rounds.
    clock : callable, optional
        The default counts seconds of processors, and ``time.perf_counter`` those on the wall.

    Returns
    -------
    dict
        Name → seconds.
    """
    spent: dict[str, list[float]] = {name: [] for name in jobs}
    for round_ in range(repeats + 1):
        for name, job in jobs.items():
            start = clock()
            job()
            if round_ > 0:
                spent[name].append(clock() - start)
    return {name: float(np.median(values)) for name, values in spent.items()}


def plain(job: Callable[[], Any]) -> Callable[[], Any]:
    """The same job without compiled kernels."""

    def call() -> Any:
        used, compiled.USE = compiled.USE, False
        try:
            return job()
        finally:
            compiled.USE = used

    return call


def many(job: Callable[[], Any], times: int) -> Callable[[], Any]:
    """The job several times in a row, where one is too short for the clock."""
    return lambda: [job() for _ in range(times)]


def steps(shape: tuple[int, ...], seed: int = 0) -> NDArray[Any]:
    """Plateaus of 32 entries along each axis at levels 0 to 3, and noise of standard deviation 0.2."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 4, [-(-n // 32) for n in shape])
    fine = np.kron(coarse, np.ones([32] * len(shape)))[tuple(map(slice, shape))]
    return fine + 0.2 * rng.normal(size=shape)


def solve(y: NDArray[Any], method: str = "auto", tol: float = 1e-8, max_iter: int = 1000) -> Any:
    """`denoise_tv` on the benchmark's problem, without a warning if the iterations are cut on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return denoise_tv(y, PHI, LAM, method, tol=tol, max_iter=max_iter)


def reach(y: NDArray[Any], method: str, goal: float) -> Callable[[], Any]:
    """A job that makes just the iterations after which the objective is first at most ``goal``."""
    history = solve(y, method, 1e-12, 150).history[:, 0]
    count = int(np.flatnonzero(history <= goal)[0]) + 1  # an error if there is none
    return lambda: solve(y, method, 1e-12, count)


def dct_admm(y: NDArray[Any], goal: float) -> int:
    """The plainest ADMM: formula (10) by np.where, whole-array expressions, the best step; returns its iterations."""
    rho, x = 2.2 * LAM, y
    t, z, u = LAM / rho, differences(y), [np.zeros_like(d) for d in differences(y)]
    divisor = 1 + rho * spectrum(y.shape)
    z1, z2 = (1 + t * PHI.a) * PHI.x1, (1 - t) * PHI.x2 + t * PHI.m
    for n in range(1, 200):
        right = y + rho * adjoint([zk - uk for zk, uk in zip(z, u, strict=True)])
        x = idctn(dctn(right, norm="ortho") / divisor, norm="ortho")
        v = [d + uk for d, uk in zip(differences(x), u, strict=True)]
        middle = [(w - t * PHI.m * np.sign(w)) / (1 - t) for w in v]
        outer = [np.where(abs(w) <= z2, q, w - t * PHI.b * np.sign(w)) for w, q in zip(v, middle, strict=True)]
        z = [np.where(abs(w) <= z1, w / (1 + t * PHI.a), q) for w, q in zip(v, outer, strict=True)]
        u = [w - q for w, q in zip(v, z, strict=True)]
        if n % 2 == 0 and objective(x, y, PHI, LAM) <= goal:
            return n
    return n


def elementwise(size: int, repeats: int) -> list[Row]:
    """Prox and gradient against a copy: the ratio is the copy's time over theirs."""
    x, out, copy = np.random.default_rng(0).normal(size=size), np.zeros(size), np.zeros(size)
    grad, prox = (lambda: PHI.grad(x, out=out)), (lambda: PHI.prox(x, 0.5, out=out))
    jobs = {"copy": lambda: np.copyto(copy, x), "grad": grad, "prox": prox}
    jobs |= {"grad, NumPy": plain(grad), "prox, NumPy": plain(prox)}
    times = max(1, 10**6 // size)
    spent = medians({name: many(job, times) for name, job in jobs.items()}, repeats)
    rows = []
    for name in list(jobs)[1:]:
        target = 1 / 5 if "NumPy" in name else 1 / 1.5
        rows.append(Row(f"{name}, n = {size:.0e}, against a copy", spent["copy"] / spent[name], target))
    return rows


def one_dimension(size: int, repeats: int, rivals: bool) -> list[Row]:
    """Relative gradient 1e-8 against L-BFGS-B, PyProximal's ADMM, and exact L1-TV."""
    y = steps((size,))
    goal = solve(y, tol=1e-12).objective * (1 + 1e-12)
    times = max(1, 20000 // size)

    def to_the_end(method: str = "auto") -> Result:
        return denoise_tv(y, PHI, LAM, method, tol=1e-8)

    jobs = {"fused": many(to_the_end, times), "numpy": many(plain(to_the_end), times)}
    jobs["lbfgs"] = many(lambda: to_the_end("lbfgs"), times)
    try:
        from TVDCondat2013 import tvd_2013

        jobs["exact L1"] = many(lambda: tvd_2013(y, 0.3), times)
    except ImportError:
        print("TVDCondat2013 is not installed: no exact L1-TV")
    if rivals:
        try:
            jobs["pyproximal"] = many(pyproximal_admm(y, goal), times)
        except ImportError:
            print("PyProximal is not installed: no comparison with its ADMM")
    spent = medians(jobs, repeats)
    name = f"1-D, n = {size:.0e}" if size > 1000 else f"1-D, n = {size}"
    rows = [Row(f"{name}, against L-BFGS-B", spent["lbfgs"] / spent["fused"], 30)]
    rows.append(Row(f"{name}, NumPy, against L-BFGS-B", spent["lbfgs"] / spent["numpy"], 8))
    if "pyproximal" in spent:
        rows.append(Row(f"{name}, against PyProximal's ADMM", spent["pyproximal"] / spent["fused"], 200))
    if "exact L1" in spent:
        rows.append(Row(f"{name}, against exact L1-TV", spent["exact L1"] / spent["fused"], 1 / 10))
    return rows


def pyproximal_admm(y: NDArray[Any], goal: float) -> Callable[[], Any]:
    """PyProximal's ADMM with our prox, for as many iterations as a relative objective gap of 1e-8 takes."""
    import pylops
    from pyproximal.optimization.primal import ADMML2

    from ..interop.pyproximal import Separable

    identity, difference = pylops.Identity(y.size), pylops.FirstDerivative(y.size, kind="forward", edge=False)
    penalty, rho = Separable(PHI, LAM), 2.2 * LAM

    def run(count: int) -> Any:
        return ADMML2(penalty, identity, y, difference, y.copy(), 1 / rho, count, iter_lim=10)[0]

    count = next(
        n for n in (10, 20, 30, 40, 60, 80, 120, 160) if n == 160 or objective(run(n), y, PHI, LAM) <= goal * (1 + 1e-8)
    )
    return lambda: run(count)


def chambolle_count(y: NDArray[Any], weight: float, gap: float) -> int:
    """Iterations that Chambolle's method needs to a relative gap of its own objective, isotropic L1-TV."""
    from skimage.restoration import denoise_tv_chambolle

    def end(count: int) -> float:
        x = denoise_tv_chambolle(y, weight, eps=0, max_num_iter=count)
        down, across = (np.diff(x, axis=axis, append=x.take([-1], axis)) for axis in (0, 1))
        return float(np.sum((x - y) ** 2) / 2 + weight * np.sum(np.hypot(down, across)))

    least = end(3000)
    return next(n for n in range(10, 1000, 10) if end(n) <= least * (1 + gap))


def bregman_count(y: NDArray[Any], weight: float, gap: float) -> int:
    """Iterations that the split Bregman method needs to a relative gap of its objective, anisotropic L1-TV."""
    from skimage.restoration import denoise_tv_bregman

    least = denoise_tv(y, L1(), weight, tol=1e-5).objective
    runs = ((n, denoise_tv_bregman(y, 1 / weight, n, 0, isotropic=False)) for n in range(2, 100, 2))
    return next(n for n, x in runs if objective(x, y, L1(), weight) <= least * (1 + gap))


def two_dimensions(size: int, repeats: int) -> list[Row]:
    """Relative objective gap 1e-6, and others against the solvers of scikit-image, which solve L1-TV.

    How many iterations these need for a gap is found on a corner of 128². Split Bregman's ends above the minimum (it
    treats the border in another way): a gap of 3 % is what it can be asked for.
    """
    y = steps((size, size))
    best = solve(y, tol=1e-7).objective
    close = best * (1 + 1e-6)
    jobs = {"fused": reach(y, "fista", close), "lbfgs": reach(y, "lbfgs", close), "dct": lambda: dct_admm(y, close)}
    jobs |= {f"gap {gap}": reach(y, "fista", best * (1 + gap)) for gap in (1e-4, 3e-2)}
    jobs["numpy"] = plain(jobs["fused"])
    try:
        from skimage.restoration import denoise_tv_bregman, denoise_tv_chambolle

        corner = y[:128, :128]
        chambolle, bregman = chambolle_count(corner, 0.1, 1e-4), bregman_count(corner, 0.1, 3e-2)
        jobs["chambolle"] = lambda: denoise_tv_chambolle(y, 0.1)
        jobs["exact chambolle"] = lambda: denoise_tv_chambolle(y, 0.1, eps=0, max_num_iter=chambolle)
        jobs["bregman"] = lambda: denoise_tv_bregman(y, 10, bregman, 0, isotropic=False)
    except ImportError:
        print("scikit-image is not installed: no comparison with its two solvers of L1-TV")
    spent = medians(jobs, repeats)
    name = f"2-D, {size}²"
    rows = [Row(f"{name}, against L-BFGS-B", spent["lbfgs"] / spent["fused"], 40)]
    rows.append(Row(f"{name}, NumPy, against L-BFGS-B", spent["lbfgs"] / spent["numpy"], 6))
    rows.append(Row(f"{name}, against plain ADMM with a DCT", spent["dct"] / spent["fused"], 50))
    if "chambolle" in spent:
        rows.append(Row(f"{name}, gap 1e-4, against Chambolle's default", spent["chambolle"] / spent["gap 0.0001"], 15))
        rows.append(Row(f"{name}, gap 1e-4, against Chambolle's", spent["exact chambolle"] / spent["gap 0.0001"], 1))
        rows.append(Row(f"{name}, gap 3e-2, against split Bregman's", spent["bregman"] / spent["gap 0.03"], 1))
    return rows


def regressions(problems: int, repeats: int) -> list[Row]:
    """A thousand lines through 80 points, 60 % of them outliers, from zero, against SciPy's L-BFGS-B one by one.

    Relative gradient 1e-12, which L-BFGS-B stops short of: it is asked for 1e-10, absolute, of the first ``problems``.
    Where numba is not used, its rows are not measured.
    """
    x, y, _ = trial()[0]
    X = np.stack((x, np.ones_like(x)), axis=-1)
    rows = []
    for name, rho in (("Huber", Huber(1.345)), ("Tukey", Tukey(4.685)), ("WEEP", WEEP(100.0, 0.01))):

        def value_and_gradient(w: NDArray[Any], k: int, rho: Any = rho) -> tuple[float, NDArray[Any]]:
            r = y[k] - X[k] @ w
            return rho(r).sum(), -(rho.grad(r) @ X[k])

        def loop(f: Any = value_and_gradient) -> None:
            for k in range(problems):
                minimize(f, np.zeros(2), (k,), jac=True, method="L-BFGS-B", options={"ftol": 0, "gtol": 1e-10})

        jobs = {"loop": loop, "NumPy": plain(partial(regress, X, y, rho, "zeros", "newton"))}
        if fastest() == "compiled":
            jobs["numba"] = partial(regress, X, y, rho, "zeros", "compiled")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # from zero, Tukey's loss may see no residual
            spent = medians(jobs, repeats)
        whole = spent["loop"] * len(X) / problems
        rows.append(Row(f"1000 regressions, {name}, against L-BFGS-B", whole / spent.get("numba", math.nan), 200))
        rows.append(Row(f"1000 regressions, {name}, NumPy, against L-BFGS-B", whole / spent["NumPy"], 15))
    return rows


def growth(small: int, large: int, repeats: int) -> Row:
    """Time of a step and pixel in a small picture over that in a large one: it should stay above a half."""
    pictures = {n: steps((n, n)) for n in (small, large)}
    spent = medians({str(n): lambda y=y: solve(y, "fista", 1e-12, 8) for n, y in pictures.items()}, repeats)  # type: ignore[misc]
    return Row(
        f"2-D, a pixel of {small}² against one of {large}²",
        spent[str(small)] / spent[str(large)] * (large / small) ** 2,
        0.5,
    )


def run(quick: bool = True) -> list[Row]:
    """Run all comparisons.

    Parameters
    ----------
    quick : bool, optional
        Smaller sizes and fewer rounds: below a minute. The full run takes several.

    Returns
    -------
    list of Row
        In the order of the jobs.
    """
    with extra("bench", "the benchmark"):
        from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        rows = elementwise(10**5, 15) + elementwise(10**6 if quick else 10**7, 7)
        rows += one_dimension(512, 7, True) + one_dimension(10**5 if quick else 10**6, 1 if quick else 3, False)
        rows += two_dimensions(512 if quick else 1024, 1 if quick else 3)
        rows += regressions(100, 5 if quick else 15)
        rows.append(growth(256, 1024 if quick else 4096, 3))
    return rows


if __name__ == "__main__":
    for row in run(quick=False):
        mark = "met" if row.ratio >= row.target or math.isclose(row.ratio, row.target) else "missed"
        mark = "not measured" if math.isnan(row.ratio) else mark
        print(f"{row.job:48} {row.ratio:8.2f}  target {row.target:6.2f}  {mark}", flush=True)
