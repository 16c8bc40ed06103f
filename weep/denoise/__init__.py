r"""Total-variation denoising with any penalty: problem (11) and its solvers."""

import math
import warnings

import numpy as np
from numpy.typing import ArrayLike

from ..checks import ConvergenceWarning, floating, positive, real
from ..operators import resolvent
from ..penalties import L2, Penalty
from .admm import admm, admm_step
from .exact import exact
from .gradient import fista, lbfgs
from .implicit import hypergradient
from .newton import newton
from .problem import Array, Callback, Problem, Result, Trace, is_convex, objective

__all__ = ["Result", "admm_step", "denoise_tv", "hypergradient", "is_convex", "objective"]

METHODS = ("closed_form", "exact", "admm", "lbfgs", "fista", "newton")


def denoise_tv(
    y: ArrayLike,
    phi: Penalty,
    lam: float,
    method: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    callback: Callback | None = None,
    *,
    init: ArrayLike | None = None,
    rho: float | None = None,
) -> Result:
    r"""Denoise a signal, image or volume: a minimum of (11),

    .. math::

        \min_x \tfrac12\|y - x\|_2^2 + \lambda \sum_i \phi((Dx)_i),

    with the forward differences D along every axis (anisotropic total variation).

    Parameters
    ----------
    y : array_like of real numbers
        Noisy data: one axis or more, not empty, all finite. float32 and float64 are kept, integers become float64.
    phi : Penalty
        The penalty. `L2` has a closed form; ADMM takes every penalty of finite ``weak_convexity``.
    lam : float
        Weight λ ≥ 0.
    method : {"auto", "closed_form", "newton", "fista", "lbfgs", "admm", "exact"}, optional
        ``closed_form`` solves (I + λDᵀD) x = y, for `L2`. ``newton`` identifies the pieces of a piecewise quadratic
        penalty by a few gradient steps and is then exact; one axis only. ``fista`` is accelerated gradient with
        restart, ``lbfgs`` SciPy's L-BFGS-B, both for differentiable penalties. ``admm`` alternates exact steps, for
        every penalty of finite ``weak_convexity``. ``exact`` is dynamic programming: a global minimum for
        one axis and a piecewise quadratic penalty, convex or not, in time that was measured to grow with the length.
        ``auto`` takes ``closed_form`` for `L2`, ``newton``
        where it applies, else ``fista`` where the penalty is differentiable, else ``admm``; and ``admm`` where
        ``rho`` is given.
    tol : float, optional
        Stop when the residual is at most ``tol`` times the norm of y − mean(y). The residual is the norm of the
        gradient of (11); in steps of ADMM, the larger of the norms of Dx − z and ρDᵀ(z⁺ − z).
    max_iter : int, optional
        Largest number of iterations.
    callback : callable, optional
        Called as ``callback(n_iter, x)`` after each iteration.
    init : array_like, optional
        Where to start, of the shape of y: y itself by default. It matters where (11) is not convex.
    rho : float, optional
        Step of ADMM, above λ times ``phi.weak_convexity``. The default is that of `admm_step`.

    Returns
    -------
    Result
        With ``x``, ``objective``, ``n_iter``, ``converged``, ``history``, ``method`` and ``certificate``.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` iterations did not reach ``tol``; then ``converged`` is False.

    Raises
    ------
    TypeError
        If ``y`` or a number is not real, or ``phi`` is no penalty.
    ValueError
        If a parameter is outside its domain, or the method cannot treat this penalty.

    Notes
    -----
    Where the objective is not convex (`is_convex`), all methods but ``exact`` find a stationary point, which need not
    be a global minimum, and ``certificate`` says so.

    ``fista`` repeats a part of the last gradient step besides the momentum, as the optimised gradient method does.

    L-BFGS-B compares objectives, and those of neighbours agree to the last digit from a residual of about 1e-8 on:
    ask it for no more. In single precision, residuals end at about 1e-6.

    With numba (the extra ``fast``), ``newton`` and ``fista`` run compiled kernels in one to three dimensions for WEEP
    and `Huber`, from 256 entries on. Results agree up to rounding.

    One iteration of ADMM on the splitting z = Dx, with the scaled dual u:

    .. math::

        x \leftarrow (I + \rho D^\top D)^{-1}\bigl(y + \rho D^\top(z - u)\bigr), \quad
        z \leftarrow \operatorname{prox}_{(\lambda/\rho)\phi}(Dx + u), \quad
        u \leftarrow u + Dx - z.

    Then :math:`\rho u \in \lambda\,\partial\phi(z)`, so that :math:`\rho D^\top(z^+ - z)` is a residual of the
    gradient of (11), up to the difference between z and Dx, which is the other residual.

    References
    ----------
    S. Boyd et al., "Distributed optimization and statistical learning via the alternating direction method of
    multipliers", Found. Trends Mach. Learn. 3(1), 2011.

    D. Kim, J. A. Fessler, "Optimized first-order methods for smooth convex minimization", Math. Program. 159, 2016.

    Examples
    --------
    >>> from weep import WEEP, denoise_tv
    >>> result = denoise_tv([0.1, -0.1, 0.0, 2.1, 1.9, 2.0], WEEP(a=10.0, b=0.0), lam=0.2)
    >>> result.x.round(2)
    array([ 0.02, -0.01, -0.01,  2.02,  1.99,  1.99])
    """
    data = _data(y)
    lam, tol = real("lam", lam), positive("tol", tol)
    if lam < 0:
        raise ValueError(f"lam={lam!r} must not be negative")
    if not isinstance(phi, Penalty):
        raise TypeError(f"phi={phi!r} must be a penalty of weep.penalties, not {type(phi).__name__}")
    if isinstance(max_iter, bool) or not isinstance(max_iter, int):
        raise TypeError(f"max_iter={max_iter!r} must be an integer, not {type(max_iter).__name__}")
    if max_iter < 1:
        raise ValueError(f"max_iter={max_iter!r} must be at least 1")
    if method == "auto":
        method = "admm" if rho is not None else _choose(phi, data.ndim)
    _refuse(method, phi, data.ndim)
    if rho is not None and method != "admm":
        raise ValueError(f"rho={rho!r} is a parameter of ADMM, and method={method!r} has none")
    step = _step(rho, data, phi, lam) if method == "admm" else 0.0
    trivial = lam == 0 or data.size == 1
    convex, problem = is_convex(phi, lam, data.shape), Problem(data, phi, lam)
    start = data if init is None else _start(init, data)
    if trivial or method == "closed_form":
        x = data.copy() if trivial else resolvent(data.shape, lam, data.dtype)(data)
        return Result(x, objective(x, data, phi, lam), 0, True, np.empty((0, 2)), "closed_form", "global")
    if method == "exact":
        x = exact(problem)
        return Result(x, objective(x, data, phi, lam), 0, True, np.empty((0, 2)), method, "global")
    trace = Trace(data, tol, max_iter, callback)
    if method == "admm":
        x = admm(problem, step, start, trace)
    else:
        x = {"newton": newton, "fista": fista, "lbfgs": lbfgs}[method](problem, start, trace)
    value, residual = trace.rows[-1]
    if not trace.converged:
        warnings.warn(
            f"method={method!r} made {len(trace.rows)} iterations and reached a residual of {residual:.1e}, not "
            f"tol={tol:.1e}: allow more with max_iter, or try another method",
            ConvergenceWarning,
            stacklevel=2,
        )
    certificate = ("global" if convex else "stationary") if trace.converged else "none"
    return Result(x, value, len(trace.rows), trace.converged, np.array(trace.rows), method, certificate)


def _data(y: ArrayLike) -> Array:
    data = floating("y", y)
    data = data.astype(np.float32 if data.dtype.itemsize <= 4 else np.float64, copy=False)
    if data.ndim == 0 or data.size == 0:
        raise ValueError(f"y must have at least one axis and one entry, not the shape {data.shape}")
    if not np.all(np.isfinite(data)):
        raise ValueError("y must be finite, and holds NaN or infinity")
    return data


def _start(init: ArrayLike, data: Array) -> Array:
    start = floating("init", init).astype(data.dtype, copy=False)
    if start.shape != data.shape:
        raise ValueError(f"init must have the shape {data.shape} of y, not {start.shape}")
    if not np.all(np.isfinite(start)):
        raise ValueError("init must be finite, and holds NaN or infinity")
    return start


def _choose(phi: Penalty, ndim: int) -> str:
    if isinstance(phi, L2):
        return "closed_form"
    if math.isinf(phi.lipschitz):
        return "admm"
    return "newton" if ndim == 1 and phi.pieces else "fista"


def _refuse(method: str, phi: Penalty, ndim: int) -> None:
    """Raise ValueError if the method cannot treat the problem."""
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of 'auto', {', '.join(map(repr, METHODS))}")
    if method == "closed_form" and not isinstance(phi, L2):
        raise ValueError(f"method='closed_form' is for the penalty L2(), not for {phi!r}")
    if method == "admm" and math.isinf(phi.weak_convexity):
        raise ValueError(f"method={method!r} needs a penalty of finite weak_convexity, and {phi!r} has none")
    if method in ("lbfgs", "fista", "newton") and math.isinf(phi.lipschitz):
        raise ValueError(f"method={method!r} needs a differentiable penalty, and {phi!r} has a kink: use 'admm'")
    if method in ("newton", "exact") and (ndim > 1 or not phi.pieces):
        raise ValueError(
            f"method={method!r} is for one axis and piecewise quadratic penalties, not for {ndim} and {phi!r}"
        )


def _step(rho: float | None, data: Array, phi: Penalty, lam: float) -> float:
    least = lam * phi.weak_convexity
    if rho is None:
        return admm_step(data, phi, lam) if lam > 0 and data.size > 1 else 1.0
    rho = positive("rho", rho)
    if rho <= least:
        raise ValueError(
            f"rho={rho!r} must be greater than lam * weak_convexity = {least!r}: the z-step has two minima"
        )
    return rho
