"""`denoise_tv` with its options against other codes and its plain steps: processor seconds, interleaved, medians.

What threads gain is measured on the wall. Run it on a machine that has nothing else to do, by
``python -m weep.companion.benchmark_structure``. Rivals that are not installed are left out, and named.
"""

import math
import time
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import compiled
from ..checks import extra
from ..denoise import denoise_tv, objective
from ..penalties import L1
from .benchmark import LAM, PHI, Row, many, medians, steps

__all__ = ["alone", "chambolle", "chambolles", "gradients", "run", "signals", "threaded"]


def solve(y: NDArray[Any], phi: Any, lam: float, **options: Any) -> Any:
    """`denoise_tv` without a warning if the iterations are cut on purpose."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return denoise_tv(y, phi, lam, **options)


def signals(count: int, size: int, repeats: int) -> list[Row]:
    """Many signals in one call, each to a relative gradient of 1e-8, against a loop over an exact code for L1-TV."""
    try:
        from TVDCondat2013 import tvd_2013
    except ImportError:
        print("TVDCondat2013 is not installed: no exact L1-TV")
        return []
    y = np.stack([steps((size,), seed) for seed in range(count)])
    jobs = {
        "exact": lambda: [tvd_2013(signal, 0.3) for signal in y],
        "together": lambda: denoise_tv(y, PHI, LAM, axis=1, tol=1e-8),
        "l1": lambda: denoise_tv(y, L1(), 0.3, axis=1),
    }
    spent = medians(jobs, repeats)
    job = f"{count} signals of {size}"
    return [
        Row(f"{job}, against exact L1-TV", spent["exact"] / spent["together"], 1 / 4),
        Row(f"{job}, exact L1-TV against exact L1-TV", spent["exact"] / spent["l1"], 1),
    ]


def gradients(size: int, repeats: int) -> list[Row]:
    """A step on lengths of gradients, of a grey picture and one in colour, against one on differences."""
    y = np.stack([steps((size, size), seed) for seed in range(3)])
    cut: dict[str, Any] = {"method": "fista", "tol": 1e-12, "max_iter": 20}
    jobs = {
        "grey": lambda: solve(y[0], PHI, LAM, **cut),
        "lengths": lambda: solve(y[0], PHI, LAM, isotropic=True, **cut),
        "channels": lambda: solve(y, PHI, LAM, channel_axis=0, **cut),
        "colour": lambda: solve(y, PHI, LAM, isotropic=True, channel_axis=0, **cut),
    }
    spent = medians(jobs, repeats)
    return [
        Row(f"2-D, {size}², isotropic, against anisotropic", spent["grey"] / spent["lengths"], 1 / 2),
        Row(f"2-D, {size}², colour, against its channels", spent["channels"] / spent["colour"], 1 / 2),
    ]


def pictures() -> dict[str, tuple[NDArray[Any], list[float]]]:
    """Noisy pictures, each with the weights of total variation that it is denoised with."""
    from skimage import color, data

    rng = np.random.default_rng(0)
    clean = {
        "camera": data.camera() / 255,
        "astronaut": color.rgb2gray(data.astronaut()),
        "astronaut, three channels": data.astronaut() / 255,
    }
    noisy = {name: picture + 0.1 * rng.normal(size=picture.shape) for name, picture in clean.items()}
    weights = {name: [0.1] if picture.ndim > 2 else [0.05, 0.1, 0.2] for name, picture in noisy.items()}
    return {"plateaus": (steps((512, 512)), [0.05, 0.1, 0.2])} | {n: (noisy[n], weights[n]) for n in noisy}


def chambolle(y: NDArray[Any], lam: float, repeats: int) -> tuple[float, float]:
    """How many times faster isotropic L1-TV is than scikit-image's solver at its defaults, to where that one stops.

    Ours gets the largest of a row of tolerances that reaches its objective. The axes beyond the second are channels,
    each denoised by itself, as that solver does.

    Returns
    -------
    ratio, gap : float
        Of times on the wall, ours with all threads; and the objective where that solver stops over the least one,
        less 1.
    """
    from skimage.restoration import denoise_tv_chambolle

    how: dict[str, Any] = {"isotropic": True} | ({"axis": (0, 1)} if y.ndim > 2 else {})

    def cost(x: NDArray[Any]) -> float:
        return objective(x, y, L1(), lam, **how)

    def theirs() -> NDArray[Any]:
        return np.asarray(denoise_tv_chambolle(y, lam, channel_axis=-1 if y.ndim > 2 else None))

    def ours(tol: float) -> Any:
        return solve(y, L1(), lam, method="dual", tol=tol, **how).x

    goal = cost(theirs())
    tol = next(tol for tol in 0.5 * 0.93 ** np.arange(120) if cost(ours(tol)) <= goal)
    spent = medians({"theirs": theirs, "ours": lambda: ours(tol)}, repeats, time.perf_counter)
    return spent["theirs"] / spent["ours"], goal / cost(ours(2e-4)) - 1


def chambolles(repeats: int) -> Iterator[Row]:
    """That comparison on four pictures."""
    try:
        import skimage.restoration  # noqa: F401
    except ImportError:
        print("scikit-image is not installed: no comparison with its solver of isotropic L1-TV")
        return
    for name, (y, weights) in pictures().items():
        for lam in weights:
            ratio, gap = chambolle(y, lam, repeats)
            yield Row(f"isotropic L1, {name}, weight {lam}, gap {gap:.0e}, against Chambolle's", ratio, 15)


def alone(repeats: int) -> Row:
    """One signal of 512 to a relative gradient of 1e-8, against 60 microseconds."""
    y = steps((512,))
    spent = medians({"ours": many(lambda: denoise_tv(y, PHI, LAM, tol=1e-8), 200)}, repeats)
    return Row("one signal of 512, against 60 microseconds", 200 * 60e-6 / spent["ours"], 1)


def threaded(shape: tuple[int, ...], repeats: int) -> Row:
    """A sweep with all threads against one with one: seconds on the wall, the least of several, interleaved."""
    y, used = steps(shape), compiled.threads
    least: dict[int, float] = {}
    for _ in range(repeats + 1):
        for count in (1, used()):
            compiled.threads = lambda count=count: count  # type: ignore[misc]
            try:
                start = time.perf_counter()
                solve(y, PHI, LAM, method="fista", tol=1e-12, max_iter=20)
                least[count] = min(least.get(count, math.inf), time.perf_counter() - start)
            finally:
                compiled.threads = used
    job = f"{len(shape)}-D, {shape[0]} along each axis, {used()} threads against one"
    return Row(job, least[1] / least[used()], 1.7)


def run(quick: bool = True) -> Iterator[Row]:
    """Run all comparisons, in small or in full, and give each row when it is there."""
    with extra("bench", "the benchmark"):
        from threadpoolctl import threadpool_limits
    with threadpool_limits(1):
        yield alone(3 if quick else 15)
        yield from signals(1000 if quick else 10000, 512, 3 if quick else 7)
        yield from gradients(256 if quick else 512, 5)
        yield from chambolles(1 if quick else 7)
        for shape in ((512, 512), (1024, 1024), (128, 128, 128)):
            yield threaded(shape, 1 if quick else 7)


if __name__ == "__main__":
    for row in run(quick=False):
        mark = "met" if row.ratio >= row.target else "missed"
        print(f"{row.job:80} {row.ratio:6.2f}  target {row.target:5.2f}  {mark}", flush=True)
