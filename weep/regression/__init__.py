r"""M-estimation: problem (12), for one regression or for thousands at once."""

import numpy as np
from numpy.typing import ArrayLike

from ..checks import integer, positive
from ..penalties import Penalty
from .lbfgs import LBFGS
from .newton import COMPILED, NEWTON
from .problem import Problem, Result, data, smooth
from .starts import INITS, multistart, start

__all__ = ["INITS", "METHODS", "Result", "regress"]

#: The solvers by name.
METHODS = {solver.name: solver for solver in (LBFGS, NEWTON, COMPILED)}


def regress(
    X: ArrayLike,
    y: ArrayLike,
    rho: Penalty,
    init: ArrayLike | None = None,
    method: str = "newton",
    *,
    sample_weight: ArrayLike | None = None,
    tol: float | None = None,
    max_iter: int = 1000,
    starts: int = 100,
    seed: int = 0,
) -> Result:
    r"""Fit a linear model by a robust loss: a minimum of (12),

    .. math::

        \min_w \sum_{i=1}^n s_i\, \rho\bigl(y_i - (Xw)_i\bigr), \qquad s_i = 1 \text{ unless weights are given.}

    Parameters
    ----------
    X : array_like of real numbers, of shape (n, p) or (batch, n, p)
        The design, or one for each problem. There is no hidden intercept: give X a column of ones.
    y : array_like of real numbers, of shape (n,) or (batch, n)
        The responses.
    rho : Penalty
        The loss, with a derivative that is Lipschitz: `L2`, `Huber`, `Tukey`, `WEEP`. Its scale is that of the
        residuals: nothing is estimated.
    init : {"ols", "multistart", "zeros", "random"} or array_like of shape (p,) or (batch, p), optional
        Where to start; a loss that is not convex makes the result depend on it. ``ols`` is least squares, the default
        for a convex loss. ``multistart``, the default for any other, fits p random rows exactly, ``starts`` times
        (lines through pairs of points, if p = 2), keeps the 5 candidates of least objective, these and least squares
        considered, follows each to its minimum and returns the best. ``random`` is a standard normal vector. From
        ``zeros``, a redescending loss may see no residual at all.
    method : {"newton", "lbfgs", "compiled"}, optional
        ``newton`` takes all problems at once: iteratively reweighted least squares that turn into Newton steps.
        ``compiled`` is the same in numba, for the four losses. ``lbfgs`` is SciPy's L-BFGS-B, problem after problem.
    sample_weight : array_like of real numbers, of shape (n,) or (batch, n), optional
        The weights s ≥ 0 of the losses. A row of weight 0 counts for nothing.
    tol : float, optional
        A method stops when the projection of the influences ρ'(y − Xw) on the columns of X is at most ``tol`` times
        their norm, or no more than the rounding of the residuals makes of it: 1e-5 for ``lbfgs`` and 1e-12 for the
        others by default.
    max_iter : int, optional
        Largest number of iterations of one problem.
    starts : int, optional
        Random candidates of a multistart.
    seed : int, optional
        Of NumPy's default generator, for ``random`` and ``multistart``. All problems of a batch share the rows drawn.

    Returns
    -------
    Result
        With ``coef``, ``objective``, ``n_iter`` and ``converged``.

    Warns
    -----
    ConvergenceWarning
        If the gradient of a problem did not reach ``tol``, or if the loss is flat at all its residuals: then no
        residual has an influence, and the gradient is zero without any meaning.

    Raises
    ------
    TypeError
        If an argument is of the wrong type, a sparse or a masked array.
    ValueError
        If data are not finite or their squares could not be, if shapes do not match, if ρ' is not Lipschitz or not one
        that the method takes, or if a name is not known.
    ImportError
        If ``method`` is ``compiled``, and numba is not there (the extra ``fast``) or is switched off.

    Notes
    -----
    ``newton`` and ``compiled`` work in the coordinates of an orthonormal basis of the columns of X, so that neither
    the units of X nor an offset beside an intercept matter. ``lbfgs`` follows w itself if the condition number of X
    is at most 100, like every plain call of L-BFGS, and goes over to the basis where that stops short of ``tol`` or
    the condition number is larger. So its minimum is the same in all units if the loss is convex; of other losses, the
    units of X may decide which minimum it finds.

    If the columns of X are linearly dependent (n < p, or a constant x beside the intercept), the minimisers form an
    affine space. The answer has then no component in the null space of X, but for that of ``init`` if it is an
    array: from every other start it is the minimiser of least norm among those with its fitted values.

    With the influences :math:`\psi = \rho'(y - Xw)`, a step solves :math:`M\Delta = X^\top\psi`, where
    :math:`M = X^\top\mathrm{diag}\bigl(\rho'' + \mu(\psi/r - \rho'')\bigr)X`. At μ = 1 it is a reweighted step, which
    never raises the objective if ψ(r)/r falls with \\|r\\|: this holds for the four losses. At μ = 0 it is Newton's,
    exact on pieces where ρ is quadratic. It starts at 1, falls tenfold after a step that lowered the objective by half
    of what M predicts or more, and rises where a step failed or M is not positive definite.

    References
    ----------
    P. J. Huber, "Robust regression: asymptotics, conjectures and Monte Carlo", Ann. Stat. 1(5), 1973.

    See Also
    --------
    weep.interop.sklearn.SmoothRegression : The same as an estimator of scikit-learn.
    weep.Tukey : A loss that is flat for large residuals.

    Examples
    --------
    >>> from weep import Huber, regress
    >>> X = [[0.0, 1.0], [1.0, 1.0], [2.0, 1.0], [3.0, 1.0], [4.0, 1.0]]
    >>> regress(X, [1.0, 3.0, 5.0, 7.0, 90.0], Huber(0.001)).coef.round(2)
    array([2., 1.])
    """
    design, target, weights = data(X, y, sample_weight)
    rho, max_iter, starts = smooth("rho", rho), integer("max_iter", max_iter, 1), integer("starts", starts, 1)
    if (solver := METHODS.get(method)) is None:
        raise ValueError(f"method={method!r} must be one of {list(METHODS)}")
    if not solver.takes(rho):
        raise ValueError(f"method={method!r} takes {solver.needs}, not rho={rho!r}")
    unit = 1.0 if weights is None else weights.max()
    weights = None if weights is None else weights / unit
    problem = Problem.of(design, target, weights, rho, solver.tol if tol is None else positive("tol", tol), max_iter)
    if init is None:
        init = "multistart" if rho.weak_convexity else "ols"
    if isinstance(init, str) and init == "multistart":
        coef, n_iter = multistart(problem, solver, starts, seed)
    else:
        coef, n_iter = solver.run(problem, start(problem, init, seed))
    objective, converged = problem.judge(solver, coef, n_iter, 3)
    objective = unit * objective
    if np.ndim(X) == 3:
        return Result(coef, objective, n_iter, converged)
    return Result(coef[0], float(objective[0]), int(n_iter[0]), bool(converged[0]))
