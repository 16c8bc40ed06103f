r"""Total-variation denoising with any penalty: problem (11) and its solvers."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import ConvergenceWarning, finite, floating, integer, positive
from ..penalties import Penalty
from ..penalties.base import penalty
from .admm import ADMM
from .closed_form import CLOSED_FORM
from .dual import DUAL
from .exact import EXACT
from .fista import FISTA
from .implicit import hypergradient
from .lbfgs import LBFGS
from .many import Run, many, together
from .newton import NEWTON
from .problem import Array, admm_step, is_convex
from .solver import Callback, Result
from .structure import Layout, Stack, objective

__all__ = ["METHODS", "Result", "admm_step", "denoise_tv", "hypergradient", "is_convex", "objective"]

#: The solvers. ``auto`` is the first that takes the problem.
METHODS = [CLOSED_FORM, NEWTON, FISTA, EXACT, DUAL, ADMM, LBFGS]

#: The default tolerances: what a run in the type of the data reaches with room to spare.
TOLERANCES = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-6}


def denoise_tv(
    y: ArrayLike,
    phi: Penalty,
    lam: Any,
    method: str = "auto",
    tol: float | None = None,
    max_iter: int = 1000,
    callback: Callback | None = None,
    *,
    init: ArrayLike | None = None,
    rho: float | None = None,
    isotropic: bool = False,
    channel_axis: int | None = None,
    axis: int | tuple[int, ...] | None = None,
    weights: ArrayLike | None = None,
) -> Result:
    r"""Denoise a signal, image or volume, or many at once: a minimum of (11),

    .. math::

        \min_x \tfrac12 \sum_i w_i (y_i - x_i)^2 + \sum_j \lambda_j\, \phi((Dx)_j),

    with the forward differences D along every axis (anisotropic total variation) or some, or with the lengths of the
    gradients in the place of differences (isotropic).

    Parameters
    ----------
    y : array_like of real numbers
        Noisy data: one axis or more, not empty, all finite. float32 and float64 are kept, integers become float64.
    phi : Penalty
        The penalty. `L2` has a closed form; ADMM takes every penalty of finite ``weak_convexity``.
    lam : float or array_like
        Weight λ ≥ 0, or one for each difference: an array that broadcasts to the shape of the differences along each
        axis, that of y less one entry on this axis. With more than one axis also a list, of a number or an array for
        each axis. Of lengths (``isotropic``), an array that broadcasts to the shape of y, with one entry on the axis
        of channels.
    method : {"auto", "closed_form", "newton", "fista", "exact", "dual", "admm", "lbfgs"}, optional
        ``closed_form`` solves (I + λDᵀD) x = y, for `L2`. ``newton`` identifies the pieces of a differentiable
        piecewise quadratic penalty by a few gradient steps and is then exact; one axis only. ``fista`` is accelerated
        gradient with restart, for differentiable penalties. ``exact`` is dynamic programming: a global minimum for
        one axis and a piecewise quadratic penalty, convex or not, in time that was measured to grow faster than the
        length, so for some hundred entries; but for multiples of `L1` in time that is proportional to it. ``dual`` is
        accelerated projected gradient on the dual, for multiples of `L1` without weights: the fastest way to a few
        digits with more than one axis. An iteration adds 2 to 20 steps of it. ``admm`` alternates exact steps, for
        every penalty of finite ``weak_convexity``. ``lbfgs`` is SciPy's L-BFGS-B, for differentiable penalties.
        ``auto`` takes the first of these that can treat the problem, but ``exact`` for multiples of `L1` and for
        penalties of infinite ``weak_convexity`` alone, ``dual`` from a ``tol`` of 0.01 on, and ``admm`` where ``rho``
        is given. ``closed_form`` takes weights and many λ along one axis.
    tol : float, optional
        Stop when the residual is at most ``tol`` times the norm of w (y − mean(y)), for each signal; ``closed_form``
        and ``exact`` have none, and are exact up to rounding. The residual is the norm of the gradient of (11); in
        steps of ADMM, the larger of the norms of Dx − z and ρDᵀ(z⁺ − z); in those of ``dual``, the root of twice the
        duality gap. For a convex φ and without weights, the first and the last are never less than the distance of x
        from the solution. The default is 1e-6, or 1e-5 where y is in single precision. What ``denoise_tv_chambolle`` of
        scikit-image reaches at its defaults on photographs is a ``tol`` of 0.01 to 0.3 here.
    max_iter : int, optional
        Largest number of iterations.
    callback : callable, optional
        Called as ``callback(n_iter, x)`` after each iteration, of one signal alone. If it raises ``StopIteration``,
        that iterate is the result, without a warning, and ``converged`` says whether it had reached ``tol``. It is not
        called by ``closed_form`` and ``exact``, which have no iterations.
    init : array_like, optional
        Where to start, of the shape of y: y itself by default. It matters where (11) is not convex; ``dual``,
        ``closed_form`` and ``exact`` have no use for it.
    rho : float, optional
        Step of ADMM, above λ times ``phi.weak_convexity``. The default is that of `admm_step`.
    isotropic : bool, optional
        Whether φ is applied to the length of the forward differences at each entry, those beyond the border being zero.
    channel_axis : int, optional
        The axis of channels, which has no differences. With ``isotropic`` the channels of an entry have one length
        (vectorial total variation); without, each channel is a signal of its own.
    axis : int or tuple of int, optional
        Differences along these axes alone. All other axes hold independent signals, each of which is solved to ``tol``.
    weights : array_like, optional
        Weights w ≥ 0 of the shape of y. Where one is 0, the value is missing: y may be NaN there, and x is filled in.

    Returns
    -------
    Result
        With ``x``, ``objective``, ``n_iter``, ``converged``, ``history``, ``method`` and ``certificate``.

    Warns
    -----
    ConvergenceWarning
        If the run, or that of any signal, ended before it reached ``tol``: by ``max_iter``, at the level of rounding,
        or, with ``lbfgs``, where no lower objective is found. Then ``converged`` is False, and the message says which
        and what helps.

    Raises
    ------
    TypeError
        If ``y`` or a number is not real, or ``phi`` is no penalty.
    ValueError
        If a parameter is outside its domain, or the method cannot treat this penalty or an option; or if a signal, or a
        channel, has no weight above 0, or a missing value is cut off from the others by λ = 0.

    See Also
    --------
    weep.recover : The same for any linear measurements and any L.
    weep.denoise.is_convex : Whether a weight leaves one minimum.
    weep.learned.denoise : Learned filters in the place of differences.

    Notes
    -----
    Where the objective is not convex (`is_convex`), all methods but ``exact`` find a stationary point, which need not
    be a global minimum, and ``certificate`` says so.

    With weights or many λ, the certificate is ``global`` if λ̄ ‖D‖² v ≤ min(w) for the largest λ, λ̄, and the modulus v
    of weak convexity of φ, or if at each entry 2v times the sum of the λ of its differences is at most its weight. The
    first is that of `is_convex`; the second follows from :math:`(r - s)^2 \le 2r^2 + 2s^2`. So a missing value is
    certified with a convex φ alone. Lengths have the same constants, as φ(‖·‖) has those of φ.

    ``fista`` repeats a part of the last gradient step besides the momentum, as the optimised gradient method does.

    The result does not depend on the units of y and φ, nor on an offset of y: the solvers see y less its mean, and data
    that are very large or very small in a unit of their own.

    L-BFGS-B compares objectives, and those of neighbours agree to the last digit from a residual of about 1e-8 on:
    ask it for no more. In single precision, the residuals of the other methods end at up to 1e-8 times the Lipschitz
    constant of the gradient of (11), 1 + λ‖D‖² ``phi.lipschitz``.

    With numba (the extra ``fast``), ``newton`` and ``fista`` run compiled kernels in one to three dimensions for WEEP
    and `Huber`, ``dual`` in one and two, and ``exact`` for multiples of `L1`, from 256 entries on. Results agree up to
    rounding. Many signals of one axis, and large images and volumes, are shared among as many threads as numba has
    (``numba.set_num_threads``), and the number of threads changes no bit of the result.

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

    A. Beck, M. Teboulle, "Fast gradient-based algorithms for constrained total variation image denoising and deblurring
    problems", IEEE Trans. Image Process. 18(11), 2009: the method ``dual``, but for its steps.

    A. Chambolle, C. Dossal, "On the convergence of the iterates of the fast iterative shrinkage/thresholding
    algorithm", J. Optim. Theory Appl. 166, 2015: its momentum.

    N. A. Johnson, "A dynamic programming algorithm for the fused lasso and L0-segmentation", J. Comput. Graph. Stat.
    22(2), 2013: the method ``exact`` for multiples of `L1`.

    D. Kim, J. A. Fessler, "Optimized first-order methods for smooth convex minimization", Math. Program. 159, 2016.

    Examples
    --------
    >>> from weep import WEEP, denoise_tv
    >>> result = denoise_tv([0.1, -0.1, 0.0, 2.1, 1.9, 2.0], WEEP(a=10.0, b=0.0), lam=0.2)
    >>> result.x.round(2)
    array([ 0.02, -0.01, -0.01,  2.02,  1.99,  1.99])

    The second value is missing:

    >>> y, seen = [0.0, float("nan"), 0.0, 2.0, 2.0], [1, 0, 1, 1, 1]
    >>> denoise_tv(y, WEEP(a=10.0, b=0.0), lam=0.2, weights=seen).x.round(2)
    array([0., 0., 0., 2., 2.])
    """
    data = floating("y", y)
    data = data.astype(np.float32 if data.dtype.itemsize <= 4 else np.float64, copy=False)
    layout = Layout.of(data.shape, axis, channel_axis, isotropic)
    stack = Stack.of(layout, data, lam, weights)
    max_iter, phi = integer("max_iter", max_iter, 1), penalty("phi", phi)
    tol = TOLERANCES[data.dtype] if tol is None else positive("tol", tol)
    rho = None if rho is None else positive("rho", rho)
    starts = None if init is None else layout.split(_start(init, data))
    count = len(stack.y)
    if count > 1 and callback is not None:
        raise ValueError(f"callback must be None for {count} independent signals, which do not make steps together")
    run = Run(METHODS, method, phi, tol, max_iter, callback, rho)
    if count == 1:
        result, complaint = run.one(stack, 0, None if starts is None else starts[0])
        if complaint is not None:
            warnings.warn(complaint, ConvergenceWarning, stacklevel=2)
        return result if layout.order is None else replace(result, x=layout.join(result.x))
    found, complaints = many(run, stack, starts)
    if complaints:
        where, words = min(complaints.items())
        place = tuple(map(int, np.unravel_index(where, [layout.shape[k] for k in layout.apart])))
        words = f"{len(complaints)} of {count} signals have not converged, the first at {place}: {words}"
        warnings.warn(words, ConvergenceWarning, stacklevel=2)
    return together(found, stack)


def _start(init: ArrayLike, data: Array) -> Array:
    start = finite("init", floating("init", init).astype(data.dtype, copy=False))
    if start.shape != data.shape:
        raise ValueError(f"init must have the shape {data.shape} of y, not {start.shape}")
    return start
