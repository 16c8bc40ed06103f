"""Implicit differentiation: how a solution of (11) moves with λ and with the parameters of the penalty."""

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import get_lapack_funcs

from ..checks import floating, real
from ..penalties import Penalty
from ..penalties.pieces import curvature


def hypergradient(x: ArrayLike, phi: Penalty, lam: float, loss_grad: ArrayLike) -> dict[str, float]:
    r"""Derivatives of a loss ℓ(x*) of a solution of (11) in one dimension, by λ and by the parameters of φ.

    At a solution, :math:`x^\star - y + \lambda D^\top \phi_\theta'(Dx^\star) = 0`. The derivative of this equation by a
    parameter θ, with W = φ''(Dx*), is a linear system for :math:`dx^\star/d\theta`. Its matrix is symmetric, so one
    tridiagonal system serves all parameters:

    .. math::

        (I + \lambda D^\top W D)\, q = \nabla\ell(x^\star), \qquad
        \frac{d\ell}{d\theta} = -\Bigl\langle Dq,\ \frac{\partial(\lambda\phi_\theta')}{\partial\theta}(Dx^\star)
        \Bigr\rangle.

    Parameters
    ----------
    x : array_like of shape (n,)
        A solution, such as ``denoise_tv(y, phi, lam, tol=1e-10).x``. The error of the result is in proportion to the
        gradient of (11) that is left there. For a penalty with a kink at zero take ``method="exact"``, which makes
        neighbours equal to the last digit.
    phi : Penalty
        A piecewise quadratic penalty.
    lam : float
        Weight λ ≥ 0.
    loss_grad : array_like of shape (n,)
        The gradient of the loss at ``x``.

    Returns
    -------
    dict
        ``"lam"`` and each parameter that ``phi.parameter_grads`` names → derivative of the loss by it.

    Raises
    ------
    TypeError
        If numbers are not real, or ``phi`` is not piecewise quadratic.
    ValueError
        If ``x`` is not one-dimensional, or ``loss_grad`` has another shape; or if the matrix is not positive
        definite, so that ``x`` is no strict minimum.

    Notes
    -----
    The derivative exists where no \|Dx*\| is at the end of a piece of φ. At such a point the result is the derivative
    to one side. A kink of φ at zero holds together neighbours of x* that are equal: for small changes of θ they stay
    one unknown. It lets go of them where the gradient of the rest reaches the slope of the kink, which is an exception
    like the end of a piece. Where (11) is not convex, the result is that of a local minimum as it moves along: it knows
    of no jump to another one.

    References
    ----------
    Y. Zhang et al., "An introduction to bi-level optimization", arXiv:2308.00788, 2023. Q. Bertrand et al., "Implicit
    differentiation of Lasso-type models for hyperparameter optimization", ICML 2020: the same with a kink.

    Examples
    --------
    >>> from weep import WEEP, denoise_tv
    >>> phi, lam, clean = WEEP(a=2.0, b=1.0), 0.2, [0, 0, 0, 2, 2, 2]
    >>> x = denoise_tv([0.1, -0.1, 0.0, 2.1, 1.9, 2.0], phi, lam, tol=1e-10).x
    >>> {name: round(value, 3) for name, value in hypergradient(x, phi, lam, x - clean).items()}
    {'lam': 0.166, 'a': -0.003, 'b': 0.04, 'scale': 0.04}
    """
    x, pull = (np.asarray(floating(name, v), np.float64) for name, v in (("x", x), ("loss_grad", loss_grad)))
    lam = real("lam", lam)
    if x.ndim != 1 or pull.shape != x.shape:
        raise ValueError(f"x and loss_grad must have one axis and one shape, not {x.shape} and {pull.shape}")
    if lam < 0:
        raise ValueError(f"lam={lam!r} must not be negative")
    dx = np.diff(x)
    bends = curvature(phi, dx)
    free = (dx != 0) | (phi.pieces[0].slope == 0)
    dx, block = dx[free], np.append(0, np.cumsum(free))
    right, diagonal = np.bincount(block, pull), np.bincount(block).astype(np.float64)
    weights = lam * bends[free]
    diagonal[:-1] += weights
    diagonal[1:] += weights
    (ptsv,) = get_lapack_funcs(("ptsv",), (x,))
    *_, q, info = ptsv(diagonal, -weights, right) if dx.size else (right, 0)  # LAPACK's wrapper wants a difference
    if info != 0:
        raise ValueError("x must be a strict minimum: the second derivative of (11) is not positive definite there")
    rise = np.diff(q)
    by_theta = {name: -lam * float(rise @ values) for name, values in phi.parameter_grads(dx).items()}
    return {"lam": -float(rise @ phi.grad(dx))} | by_theta
