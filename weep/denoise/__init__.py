r"""Total-variation denoising with any penalty: problem (11) and its solvers."""

import numpy as np
from numpy.typing import ArrayLike

from ..checks import finite, floating, integer, nonnegative, positive
from ..penalties import Penalty
from ..penalties.base import penalty
from .admm import ADMM
from .closed_form import CLOSED_FORM
from .exact import EXACT
from .fista import FISTA
from .implicit import hypergradient
from .lbfgs import LBFGS
from .newton import NEWTON
from .problem import Array, Problem, admm_step, is_convex, objective
from .solver import Callback, Result, Solver, Trace
from .units import Units

__all__ = ["METHODS", "Result", "admm_step", "denoise_tv", "hypergradient", "is_convex", "objective"]

#: The solvers. ``auto`` is the first that takes the problem.
METHODS = [CLOSED_FORM, NEWTON, FISTA, ADMM, LBFGS, EXACT]

#: The default tolerances: what a run in the type of the data reaches with room to spare.
TOLERANCES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-6}


def denoise_tv(
    y: ArrayLike,
    phi: Penalty,
    lam: float,
    method: str = "auto",
    tol: float | None = None,
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
    method : {"auto", "closed_form", "newton", "fista", "admm", "lbfgs", "exact"}, optional
        ``closed_form`` solves (I + λDᵀD) x = y, for `L2`. ``newton`` identifies the pieces of a differentiable
        piecewise quadratic penalty by a few gradient steps and is then exact; one axis only. ``fista`` is accelerated
        gradient with restart, for differentiable penalties. ``admm`` alternates exact steps, for every penalty of
        finite ``weak_convexity``. ``lbfgs`` is SciPy's L-BFGS-B, for differentiable penalties. ``exact`` is dynamic
        programming: a global minimum for one axis and a piecewise quadratic penalty, convex or not, in time that was
        measured to grow faster than the length, so for some hundred entries. ``auto`` takes the first of these that
        can treat the problem, and ``admm`` where ``rho`` is given.
    tol : float, optional
        Stop when the residual is at most ``tol`` times the norm of y − mean(y). The residual is the norm of the
        gradient of (11); in steps of ADMM, the larger of the norms of Dx − z and ρDᵀ(z⁺ − z). The default is 1e-6, or
        1e-5 where y is in single precision.
    max_iter : int, optional
        Largest number of iterations.
    callback : callable, optional
        Called as ``callback(n_iter, x)`` after each iteration. If it raises ``StopIteration``, that iterate is the
        result, without a warning, and ``converged`` says whether it had reached ``tol``. It is not called by
        ``closed_form`` and ``exact``, which have no iterations.
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
        If the run ended before it reached ``tol``: by ``max_iter``, at the level of rounding, or, with ``lbfgs``, where
        no lower objective is found. Then ``converged`` is False, and the message says which and what helps.

    Raises
    ------
    TypeError
        If ``y`` or a number is not real, or ``phi`` is no penalty.
    ValueError
        If a parameter is outside its domain, or the method cannot treat this penalty.

    See Also
    --------
    weep.recover : The same for any linear measurements and any L.
    weep.denoise.is_convex : Whether a weight leaves one minimum.
    weep.learned.denoise : Learned filters in the place of differences.

    Notes
    -----
    Where the objective is not convex (`is_convex`), all methods but ``exact`` find a stationary point, which need not
    be a global minimum, and ``certificate`` says so. Rounding leaves one gap in ``exact``: within a relative 1e-7 of
    those λ at which curvatures of the penalty and of the data cancel, but not at them, it may miss the minimum.

    ``fista`` repeats a part of the last gradient step besides the momentum, as the optimised gradient method does.

    The result does not depend on the units of y and φ, nor on an offset of y: the solvers see y less its mean, and data
    that are very large or very small in a unit of their own.

    L-BFGS-B compares objectives, and those of neighbours agree to the last digit from a residual of about 1e-8 on:
    ask it for no more. In single precision, the residuals of the other methods end at up to 1e-8 times the Lipschitz
    constant of the gradient of (11), 1 + λ‖D‖² ``phi.lipschitz``.

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
    lam, max_iter = nonnegative("lam", lam), integer("max_iter", max_iter, 1)
    tol = TOLERANCES[data.dtype] if tol is None else positive("tol", tol)
    rho = None if rho is None else positive("rho", rho)
    phi = penalty("phi", phi)
    units, centred = Units.of(data)
    problem = Problem(centred, units.penalty(phi), lam, rho)
    start = centred if init is None else units.into(_start(init, data))
    solver, trace = _choose(method, problem, phi), Trace(problem, units, tol, max_iter, callback)
    if problem.trivial:
        trace.settle(centred)
        return trace.result(data.copy(), CLOSED_FORM.name)
    x = solver.run(problem, start, trace)
    trace.warn(solver.name, stacklevel=2)
    return trace.result(units.back(x), solver.name)


def _data(y: ArrayLike) -> Array:
    data = floating("y", y)
    data = data.astype(np.float32 if data.dtype.itemsize <= 4 else np.float64, copy=False)
    if data.ndim == 0 or data.size == 0:
        raise ValueError(f"y must have at least one axis and one entry, not the shape {data.shape}")
    return data


def _start(init: ArrayLike, data: Array) -> Array:
    start = finite("init", floating("init", init).astype(data.dtype, copy=False))
    if start.shape != data.shape:
        raise ValueError(f"init must have the shape {data.shape} of y, not {start.shape}")
    return start


def _choose(method: str, problem: Problem, phi: Penalty) -> Solver:
    """The solver of that name, or the first that takes the problem; ADMM if its step is given."""
    if method == "auto":
        candidates = METHODS if problem.rho is None else [ADMM]
    else:
        candidates = [solver for solver in METHODS if solver.name == method]
        if not candidates:
            raise ValueError(f"method={method!r} must be one of 'auto', {', '.join(repr(s.name) for s in METHODS)}")
        if problem.rho is not None and candidates != [ADMM]:
            raise ValueError(f"rho={problem.rho!r} is a parameter of ADMM, and method={method!r} has none")
    for solver in candidates:
        if solver.takes(problem):
            return solver
    needs = "; ".join(f"method={solver.name!r} needs {solver.needs}" for solver in candidates)
    raise ValueError(f"{needs}: not {phi!r} and {problem.y.ndim} axes")
