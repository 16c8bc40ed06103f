"""`denoise_tv` with its options against other codes and its plain steps: processor seconds, interleaved, medians.

Run it by ``python -m weep.companion.benchmark_structure``. Rivals that are not installed are left out, and named.
"""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import extra
from ..denoise import denoise_tv, objective
from ..penalties import L1, Huber
from .benchmark import LAM, PHI, Row, medians, steps

__all__ = ["chambolle", "gradients", "run", "signals"]


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
    }
    spent = medians(jobs, repeats)
    return [Row(f"{count} signals of {size}, against exact L1-TV", spent["exact"] / spent["together"], 1 / 4)]


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


def chambolle(size: int, repeats: int) -> list[Row]:
    """Isotropic L1-TV to the objective at which scikit-image's solver stops at its defaults, by a narrow Huber loss.

    That solver stops after a few steps. The width of the Huber loss is the one of five that needs the fewest steps.
    """
    try:
        from skimage.restoration import denoise_tv_chambolle
    except ImportError:
        print("scikit-image is not installed: no comparison with its solver of isotropic L1-TV")
        return []
    y, lam = steps((size, size)), 0.1

    def cost(x: NDArray[Any]) -> float:
        return objective(x, y, L1(), lam, isotropic=True)

    goal = cost(denoise_tv_chambolle(y, lam))
    least = cost(solve(y, Huber(1e-3), lam / 1e-3, isotropic=True, tol=1e-7, max_iter=3000).x)

    def ours(width: float, count: int) -> Any:
        return solve(y, Huber(width), lam / width, isotropic=True, tol=1e-12, max_iter=count).x

    count, width = next((n, w) for n in range(1, 200) for w in (0.2, 0.1, 0.05, 0.02, 0.01) if cost(ours(w, n)) <= goal)
    jobs = {"chambolle": lambda: denoise_tv_chambolle(y, lam), "ours": lambda: ours(width, count)}
    spent = medians(jobs, repeats)
    job = f"2-D, {size}², isotropic L1, gap {goal / least - 1:.0e}, against Chambolle's default"
    return [Row(job, spent["chambolle"] / spent["ours"], 15)]


def run(quick: bool = True) -> list[Row]:
    """Run all comparisons, in small or in full."""
    with extra("bench", "the benchmark"):
        from threadpoolctl import threadpool_limits
    with threadpool_limits(1):
        rows = signals(1000 if quick else 10000, 512, 3 if quick else 7)
        return rows + gradients(256 if quick else 512, 5) + chambolle(512, 1 if quick else 5)


if __name__ == "__main__":
    for row in run(quick=False):
        mark = "met" if row.ratio >= row.target else "missed"
        print(f"{row.job:66} {row.ratio:6.2f}  target {row.target:5.2f}  {mark}", flush=True)
