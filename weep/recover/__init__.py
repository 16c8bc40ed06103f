r"""Problem (1) in full: any linear A and L, any penalty, and what is known of the point that was found."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..checks import ConvergenceWarning, finite, floating, integer, nonnegative, positive
from ..penalties import L2, Penalty
from .certificate import certificate
from .kinked import admm, primal_dual, proximal_gradient
from .library import Library, domain
from .maps import Map, linear
from .path import family
from .problem import Array, Callback, Problem, Result, Trace, norm
from .shaped import Shaped, shaped
from .smooth import Solver, accelerated, lbfgs, memory_gradient
from .spectral import Frequencies

__all__ = ["METHODS", "Method", "Result", "recover"]


@dataclass(frozen=True)
class Method:
    """A solver of (1), and what it needs.

    Attributes
    ----------
    solve : callable
        (problem, start, trace) ↦ x, all flat. It records every iterate in the trace, and ends when that says so.
    needs : callable
        (φ, whether L is the identity) ↦ what is missing, in words; empty if nothing is.
    """

    solve: Solver
    needs: Callable[[Penalty | Shaped, bool], str]


def _smooth(phi: Penalty | Shaped, identity: bool) -> str:
    return "a differentiable penalty" if math.isinf(phi.lipschitz) else ""


def _plane(phi: Penalty | Shaped, identity: bool) -> str:
    return _smooth(phi, identity) or ("a penalty on single numbers" if isinstance(phi, Shaped) else "")


def _identity(phi: Penalty | Shaped, identity: bool) -> str:
    return "" if identity else "L=None"


def _prox(phi: Penalty | Shaped, identity: bool) -> str:
    return "a penalty of finite weak_convexity" if math.isinf(phi.weak_convexity) else ""


#: The solvers, in the order in which ``method="auto"`` asks them.
METHODS = {
    "memory_gradient": Method(memory_gradient, _plane),
    "accelerated": Method(accelerated, _smooth),
    "lbfgs": Method(lbfgs, _smooth),
    "proximal_gradient": Method(proximal_gradient, _identity),
    "admm": Method(admm, _prox),
    "primal_dual": Method(primal_dual, _prox),
}


def recover(
    y: ArrayLike,
    A: Any,
    phi: Any,
    lam: float,
    L: Any = None,
    *,
    method: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 5000,
    init: ArrayLike | None = None,
    path: int | None = None,
    weights: ArrayLike | None = None,
    callback: Callback | None = None,
) -> Result:
    r"""Recover a signal from linear measurements: a minimum of (1),

    .. math::

        \min_x \tfrac12\sum_i w_i\,|(Ax - y)_i|^2 + \lambda \sum_j \phi((Lx)_j).

    Parameters
    ----------
    y : array_like, or array of PyTorch or JAX
        Measurements, real or complex, as many as A has values. Any shape: they are raveled.
    A : None, array_like, sparse array, operator, or function of PyTorch or JAX
        What was measured: None is the identity. An operator has ``shape``, ``matvec`` and ``rmatvec``, as those of
        SciPy and PyLops. A may be complex: x is real all the same. See the notes for functions.
    phi : Penalty, Grouped or Spectral
        The penalty. `Grouped` and `Spectral` see Lx in the shape ``L.dimsd`` where an operator has it (as PyLops names
        the shape of values), x in its own shape where L is None, and else one axis.
    lam : float
        Weight λ ≥ 0.
    L : None, array_like, sparse array, operator, or function of PyTorch or JAX, optional
        What is sparse of x, real: `weep.operators.Differences` for total variation, None for x itself,
        `weep.operators.Groups` for groups that overlap.
    method : {"auto", "memory_gradient", "accelerated", "lbfgs", "proximal_gradient", "admm", "primal_dual"}, optional
        The first three are for differentiable penalties. ``memory_gradient`` goes to the best point in the plane of the
        gradient and the last move (3MG), for penalties on single numbers; ``accelerated`` is the optimised gradient
        method with restart, ``lbfgs`` is SciPy's L-BFGS-B. The others use the prox: ``proximal_gradient`` is FISTA with
        restart, for ``L=None``; ``admm`` and Condat and Vu's ``primal_dual`` take every L and each penalty of finite
        ``weak_convexity``. ``admm`` solves a system in each iteration, once factorised where A is an array of at most
        1500 columns, else by conjugate gradients. ``primal_dual`` solves none: with an operator it applies A about as
        often in all, and with an array, or a penalty far from convex, ten to sixty times as often.
        ``auto`` takes the first that this list has for the problem.
    tol : float, optional
        Stop when the residual is at most ``tol`` times the norm of A'y. The residual is the norm of the gradient, with
        the slope of φ at a kink that makes it least known to the method. For ``admm`` and ``primal_dual``, that slope
        is one at z, and the norm of Lx − z, in units of ‖L‖‖x‖, must be as small.
    max_iter : int, optional
        Largest number of iterations, for each problem of a path.
    init : array_like, optional
        Where to start. The default is zero, or y where A is None. It matters where (1) is not convex.
    path : int, optional
        Solve this many problems, each from the solution of the last: from a convex or nearly convex penalty to φ. See
        the notes.
    weights : array_like, optional
        Weights w ≥ 0 of the squared residuals, of the shape of y. Where one is 0, y may be NaN.
    callback : callable, optional
        Called as ``callback(n_iter, x)`` after each iteration. If it raises ``StopIteration``, that iterate is the
        result, without a warning.

    Returns
    -------
    Result
        With ``x``, ``objective``, ``n_iter``, ``converged``, ``history``, ``method``, ``n_applications`` and
        ``certificate``. ``x`` has the shape ``A.dims`` or ``L.dims`` where an operator has it, or that of y where A is
        None, else one axis.

    Warns
    -----
    ConvergenceWarning
        If ``max_iter`` iterations did not reach ``tol``; then ``converged`` is False.

    Raises
    ------
    TypeError
        If an argument is of the wrong type: ``phi`` no penalty, L complex, y complex where A is real, an operator that
        does not return numbers.
    ValueError
        If shapes do not match, a value is not finite or outside its domain, the adjoint of an operator is wrong
        (it is tried once, on random vectors), the method cannot treat the problem, or no path leads to the penalty.

    See Also
    --------
    weep.denoise_tv : Faster, where A is the identity and L takes differences of a grid.
    weep.operators.Differences : L of total variation.
    weep.regress : The penalty as the loss of the residuals.

    Notes
    -----
    Everything is computed in double precision, whatever the input has: tolerances of 1e-8 need it. Operators that
    compute in single precision are taken, and let the residual fall to about 1e-6.

    If y is an array of PyTorch or JAX, so is ``x``, of the same type and on the same device. A and L may be matrices of
    that library, operators, which get its arrays, or linear functions. The adjoint of a function is the derivative that
    the library has for it. It gets an array of the shape of ``init``, else of what the other operator is applied to,
    else of y, and x has that shape. The solver itself works in NumPy, on the processor, and x does not
    carry derivatives: for those by λ and φ, in one dimension with A = I, see `weep.denoise.hypergradient`.

    Where L is a difference operator or None, differentiable penalties are preconditioned. If A is an array of at most
    1500 rows, ``memory_gradient`` solves a system with :math:`A^\top A + \lambda\,\phi''(0)\,L^\top L`, up to a
    thousandth of its mean on the diagonal, by a factorisation of the size of y. Else, and in the other methods, that
    matrix is replaced by one near it that is diagonal in the cosine transform. Both save steps. Neither always saves a
    nearly unbiased penalty from a bad stationary point when the run starts at zero: a path does.

    A path leads to `WEEP` from the Huber loss of the same curvature, by its outer slope b; to `MCP`, `CEL0`, `SCAD`,
    `Tukey`, `LogSum` and `PiE` by the parameter that makes them convex when it is large, which is 100 times as large
    at first, at the same slope (or curvature, for `Tukey`) at zero; to `Lp` from p = 1. Convex penalties need none.

    The path of `WEEP` was chosen by this measurement: WEEP(a=100, b=0, scale=0.05), λ = 0.05, 96 Gaussian
    measurements of 256 entries, noise of 0.01, six draws; a draw counts as recovered above 30 dB. Eight steps with
    ``L=Differences(256)`` are recovered in 3 of 6 from zero, in 6 by b, in 6 by the width (``scale`` from 16 times
    as much) and in 3 by the curvature a (from 1). 24 spikes with ``L=None``: 0, 6, 6 and 0. Paths of two, five
    and nine problems recover the same draws: two problems suffice there.

    References
    ----------
    E. Chouzenoux, J. Idier, S. Moussaoui, "A majorize-minimize strategy for subspace optimization applied to image
    restoration", IEEE Trans. Image Process. 20(6), 2011.

    L. Condat, "A primal-dual splitting method for convex optimization involving Lipschitzian, proximable and linear
    composite terms", J. Optim. Theory Appl. 158, 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from weep import WEEP, recover
    >>> from weep.operators import Differences
    >>> x = np.repeat([0.0, 1.0, 3.0], 20)
    >>> A = np.random.default_rng(0).normal(size=(30, 60)) / 30**0.5
    >>> result = recover(A @ x, A, WEEP(a=100.0, b=0.0, scale=0.2), lam=0.01, L=Differences(60), path=5)
    >>> bool(np.max(np.abs(result.x - x)) < 1e-2)
    True
    """
    lam, tol, max_iter = nonnegative("lam", lam), positive("tol", tol), integer("max_iter", max_iter, 1)
    library = Library(y)
    data = np.asarray(library.numpy(y))
    first, of_y = library.numpy(init), data.shape
    given = None if first is None else np.shape(first)
    a = linear("A", library.operator("A", A, given or domain(L) or of_y), data.size)
    ell = linear("L", library.operator("L", L, given or (of_y if A is None else a.dims) or a.shape[1:]), a.shape[1])
    shape = _shape(a, ell, of_y)
    phi = shaped(phi, ell, shape)
    problem = _problem(data, a, ell, phi, lam, library.numpy(weights), shape)
    name = _choose(method, phi, L is None)
    problems = [(phi, 1.0)] if path is None else family(phi, integer("path", path, 1))
    if lam == 0:  # then φ is of no account, and one without kinks is the easiest
        name, problems = name if method != "auto" else "memory_gradient", [(L2(), 1.0)]
    x = _start(first, problem, shape)
    trace = Trace(norm(problem.A.adjoint(problem.y)), tol, max_iter, shape, callback)
    problem.A.count = 1
    for member, factor in problems:
        problem = Problem(problem.A, ell, problem.y, member, factor * lam, problem.frequencies)
        last = member is problems[-1][0]
        trace.begin(tol if last else max(tol, ROUGH))
        x = METHODS[name].solve(problem, x, trace)
        if trace.cancelled:
            break
    value, residual = trace.rows[-1]
    if not trace.converged and not trace.cancelled:
        warnings.warn(
            f"method={name!r} made {len(trace.rows)} iterations and reached a residual of {residual:.1e}, not "
            f"tol={tol:.1e}: allow more with max_iter, or try another method",
            ConvergenceWarning,
            stacklevel=2,
        )
    applied, done = problem.A.count, trace.converged and last

    def certify() -> str:
        return certificate(problem, x, tol) if done else "none"

    rows = np.array(trace.rows)
    return Result(library.array(x.reshape(shape)), value, len(rows), done, rows, name, applied, certify)


#: Tolerance of the problems of a path before the last.
ROUGH = 1e-3


def _shape(a: Map, ell: Map, of_y: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of x."""
    n = a.shape[1]
    if n == 0:
        raise ValueError("x must have one entry or more, and A has none for it")
    if ell.shape[1] != n:
        raise ValueError(f"L must have {n} columns, as many as A, not {ell.shape[1]}")
    known = [dims for dims in (of_y if a.source is None else a.dims, ell.dims) if dims is not None]
    for dims in known:
        if math.prod(dims) != n:
            raise ValueError(f"the dims {dims} of an operator must have {n} entries, as many as it has columns")
    grids = {dims for dims in known if len(dims) > 1}
    if len(grids) > 1:
        first, other = sorted(grids)
        raise ValueError(f"A (or y, where A is None) and L must be for x of one shape, not {first} and {other}")
    return grids.pop() if grids else (n,)


def _problem(
    data: Array,
    a: Map,
    ell: Map,
    phi: Penalty | Shaped,
    lam: float,
    weights: ArrayLike | None,
    shape: tuple[int, ...],
) -> Problem:
    if ell.is_complex or (ell.matrix is not None and np.iscomplexobj(ell.source)):
        raise TypeError("L must be real: the penalty takes real numbers")
    is_complex = a.is_complex or (a.matrix is not None and a.matrix.shape[0] != np.shape(a.source)[0])
    if data.dtype.kind == "c":
        if not is_complex:
            raise TypeError("y must be real where A is")
        data = data.astype(np.complex128)
    else:
        data = floating("y", data).astype(np.float64)
    count = a.shape[0] // 2 if is_complex else a.shape[0]
    if data.size != count:
        raise ValueError(f"y must have {count} entries, as many as A has values, not {data.size}")
    if weights is not None:
        w = finite("weights", floating("weights", weights)).astype(np.float64)
        if w.shape != data.shape or np.any(w < 0):
            raise ValueError(f"weights must be at least 0 and of the shape {data.shape} of y, not {w.shape}")
        data = np.where(w > 0, data, 0)
        w = np.sqrt(np.repeat(w.ravel(), 2 if is_complex else 1))
    finite("y", data)
    flat = np.ascontiguousarray(data).astype(np.complex128 if is_complex else np.float64).ravel().view(np.float64)
    if weights is not None:
        inner = a
        a = Map(inner, inner.shape, lambda x: w * inner(x), lambda u: inner.adjoint(w * u))
        a.matrix = None if inner.matrix is None else w[:, None] * inner.matrix
        flat = w * flat
    return Problem(a, ell, flat, phi, lam, Frequencies(a, ell, shape))


def _choose(method: str, phi: Penalty | Shaped, identity: bool) -> str:
    """The name of the method, or an error if there is none."""
    if method == "auto":
        found = next((name for name, record in METHODS.items() if not record.needs(phi, identity)), None)
        if found is None:
            raise ValueError(f"phi={phi!r} has no finite weak_convexity: it is for L=None alone")
        return found
    if method not in METHODS:
        raise ValueError(f"method={method!r} must be one of 'auto', {', '.join(map(repr, METHODS))}")
    missing = METHODS[method].needs(phi, identity)
    if missing:
        raise ValueError(f"method={method!r} needs {missing}, for {phi!r} take another")
    return method


def _start(init: ArrayLike | None, problem: Problem, shape: tuple[int, ...]) -> Array:
    if init is None:
        return problem.y.copy() if problem.A.source is None else np.zeros(math.prod(shape))
    start = finite("init", floating("init", init)).astype(np.float64)
    if start.shape != shape:
        raise ValueError(f"init must have the shape {shape} of x, not {start.shape}")
    return start.ravel()
