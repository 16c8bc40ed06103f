"""What several chapters measure alike: quality, intervals, efficiency, and a reference solution of L1-TV."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

from .. import operators
from ..checks import ConvergenceWarning, floating, positive, real
from ..penalties import WEEP

__all__ = ["efficiency", "interval", "l1_tv_by_dual", "psnr", "quiet", "signed", "spread", "weep"]


def psnr(x: ArrayLike, clean: ArrayLike, peak: float | None = None) -> float:
    r"""Peak signal-to-noise ratio in dB, :math:`10\log_{10}(\text{peak}^2 / \text{MSE})`.

    Parameters
    ----------
    x, clean : array_like of the same shape
        The signal, and what it should be.
    peak : float, optional
        The largest value that counts; by default the range of ``clean``. Pictures in [0, 1] have the peak 1.

    Returns
    -------
    float
        Infinite if both are equal.

    Raises
    ------
    ValueError
        If the shapes differ, ``clean`` is empty, or the peak is not positive, as that of a constant signal.
    """
    found, truth = floating("x", x), floating("clean", clean)
    if found.shape != truth.shape or truth.size == 0:
        raise ValueError(f"x has the shape {found.shape}, and must have that of clean, {truth.shape}, and not be empty")
    top = positive("peak", float(np.ptp(truth)) if peak is None else peak)
    error = np.mean((found - truth) ** 2)
    return float(10 * np.log10(top**2 / error)) if error else np.inf


def interval(values: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Student's confidence interval of a mean; of a lead, if the values are paired differences.

    Parameters
    ----------
    values : array_like of shape (n,)
        One for each draw, seed or data set; n ≥ 2.
    level : float, optional
        The share of intervals that cover the mean, in (0, 1), for independent normal values.

    Returns
    -------
    mean, half : float
        The interval is mean ± half.

    Raises
    ------
    ValueError
        If there are fewer than two values, they are no vector, or the level is not in (0, 1).
    """
    x = floating("values", values)
    if x.ndim != 1 or x.size < 2:
        raise ValueError(f"values has the shape {x.shape}, and must be a vector of at least two")
    if not 0 < real("level", level) < 1:
        raise ValueError(f"level={level!r} must lie in (0, 1)")
    half = stats.t.ppf((1 + level) / 2, x.size - 1) * x.std(ddof=1) / np.sqrt(x.size)
    return float(x.mean()), float(half)


def spread(values: ArrayLike, digits: int = 2) -> str:
    """Mean ± standard deviation, as text."""
    x = floating("values", values)
    return f"{x.mean():.{digits}f} ± {x.std(ddof=1):.{digits}f}"


def signed(value: float, digits: int = 2) -> str:
    """A number with its sign, as text, where what rounds to zero is +0."""
    return f"{round(float(value), digits) + 0.0:+.{digits}f}"


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, a run that ends before it reached its tolerance does not warn: for searches, and where that is shown."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield


def weep(a: float, share: float = 0.0, scale: float = 1.0) -> WEEP:
    r"""WEEP whose slope for large values is a share of the largest: :math:`b = \text{share}\cdot\sqrt{2a}`, in [0, 1].

    Parameters
    ----------
    a, scale : float
        As in `weep.WEEP`.
    share : float, optional
        0: no bias. 1: the Huber penalty.

    Returns
    -------
    WEEP
        ``WEEP(a, share * sqrt(2 * a), scale)``.

    Raises
    ------
    ValueError
        If the share is not in [0, 1], or as `weep.WEEP` does.
    """
    if not 0 <= real("share", share) <= 1:
        raise ValueError(f"share={share!r} must lie in [0, 1]")
    return WEEP(a, share * np.sqrt(2 * positive("a", a)), scale)


def efficiency(rho: Any, sigma: float = 1.0) -> float:
    r"""Asymptotic efficiency of an M-estimator at normal residuals, against least squares.

    It is :math:`\sigma^2(\mathbb E\psi')^2 / \mathbb E\psi^2` with :math:`\psi = \rho'`, and
    :math:`\mathbb E\psi' = \mathbb E\,r\psi(r)/\sigma^2`.

    Parameters
    ----------
    rho : penalty
        The loss, with a method ``grad``, even and differentiable.
    sigma : float, optional
        Standard deviation of the residuals.

    Returns
    -------
    float
        In [0, 1], by the trapezoidal rule on [0, 12 σ], to about six digits where ``rho.grad`` has no feature narrower
        than a thousandth of σ.

    References
    ----------
    P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Statist. 35, 1964.
    """
    t = np.linspace(0, 12, 400_001)
    weight = 2 * stats.norm.pdf(t)
    psi = np.asarray(rho.grad(positive("sigma", sigma) * t))
    slope = np.trapezoid(weight * t * psi, t)
    return float(slope**2 / np.trapezoid(weight * psi**2, t))


def l1_tv_by_dual(y: NDArray[np.float64], lam: float) -> NDArray[np.float64]:
    r"""Denoise a signal by L1-TV through its dual, a smooth problem with bounds, by L-BFGS-B.

    :math:`\min_{|p_i|\le\lambda} \frac12\|y - D^\top p\|^2`, and :math:`x = y - D^\top p`. A reference that shares no
    code with the package's solvers, and uses no prox.

    Parameters
    ----------
    y : ndarray of shape (n,)
        The signal.
    lam : float
        The weight λ.

    Returns
    -------
    ndarray of shape (n,)
        The minimiser, to about six digits.
    """

    def dual(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        x = y - operators.adjoint([p])
        return float(x @ x) / 2, -np.diff(x)

    box = [(-lam, lam)] * (y.size - 1)
    options = {"maxiter": 5000, "maxfun": 10_000, "ftol": 1e-15, "gtol": 1e-9}
    found = optimize.minimize(dual, np.zeros(y.size - 1), jac=True, method="L-BFGS-B", bounds=box, options=options)
    return np.asarray(y - operators.adjoint([found.x]))
