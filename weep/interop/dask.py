"""Total-variation denoising of arrays of Dask, block by block: volumes that do not fit in memory."""

import math
from typing import Any

from ..checks import extra, integer, nonnegative, positive

with extra("dask", "this adapter"):
    import dask.array as da

from .. import denoise
from ..penalties import Penalty
from ..penalties.base import penalty

__all__ = ["denoise_tv", "overlap"]


def overlap(phi: Penalty, lam: float, ndim: int, span: float, accuracy: float) -> int:
    r"""How far blocks must overlap, so that each entry of `denoise_tv` on blocks is that on the whole up to an error.

    Parameters
    ----------
    phi : Penalty
        A differentiable penalty.
    lam : float
        Weight λ ≥ 0, below 1/(4 ndim w) for the modulus w of weak convexity of φ.
    ndim : int
        Number of axes.
    span : float
        The largest entry of the data less the smallest, or more.
    accuracy : float
        Largest error of an entry, in the units of the data.

    Returns
    -------
    int
        Entries on each side.

    Raises
    ------
    TypeError, ValueError
        If a parameter is outside its domain.

    Notes
    -----
    On a block, the solution of the whole is that of the block for other data: those at its border are moved by the
    forces of the differences that the cut takes away, each at most :math:`F = \lambda \max_{|t| \le s} |\phi'(t)|` for
    the span s. The Hessian of (11), averaged between the two, joins neighbours alone. In d dimensions its eigenvalues
    lie between :math:`\mu = 1 - 4d\lambda w` and :math:`M = 1 + 4d\lambda L`. So entries of its inverse are at most
    :math:`C q^k` at a distance of k, with :math:`\kappa = M/\mu`, :math:`q = (\sqrt\kappa - 1)/(\sqrt\kappa + 1)` and
    :math:`C = \max(1/\mu, (1 + \sqrt\kappa)^2/(2M))`. The sum over the 2d sides of a block is at most
    :math:`2d\, C F q^k \bigl(\frac{1 + q}{1 - q}\bigr)^{d - 1}`.

    References
    ----------
    S. Demko, W. F. Moss, P. W. Smith, "Decay rates for inverses of band matrices", Math. Comp. 43, 1984.
    """
    phi, lam, ndim = penalty("phi", phi), nonnegative("lam", lam), integer("ndim", ndim, 1)
    span, accuracy = nonnegative("span", span), positive("accuracy", accuracy)
    least, most = 1 - 4 * ndim * lam * phi.weak_convexity, 1 + 4 * ndim * lam * phi.lipschitz
    if not (least > 0 and math.isfinite(most)):
        raise ValueError(f"phi={phi!r} must be differentiable, and lam={lam!r} below 1/(4 ndim weak_convexity)")
    ends = [min(piece.start, span) for piece in phi.pieces] + [span]
    slope = max(abs(float(phi.grad(end))) for end in ends) if phi.pieces else phi.lipschitz * span
    root = math.sqrt(most / least)
    decay = (root - 1) / (root + 1)
    entry = max(1 / least, (1 + root) ** 2 / (2 * most))
    total = 2 * ndim * entry * lam * slope * ((1 + decay) / (1 - decay)) ** (ndim - 1)
    return 0 if total <= accuracy else math.ceil(math.log(accuracy / total) / math.log(decay))


def denoise_tv(y: Any, phi: Penalty, lam: float, accuracy: float, span: float | None = None, **options: Any) -> Any:
    """Denoise an array of Dask as `weep.denoise_tv` denoises an array, up to an error, block by block and lazily.

    Parameters
    ----------
    y : dask.array.Array
        Data of a floating type.
    phi, lam
        A differentiable penalty, and λ as for `overlap`.
    accuracy : float
        Largest error of an entry that the cuts may make; what ``tol`` leaves comes on top.
    span : float, optional
        The largest entry less the smallest, or more. It is computed unless given.
    **options
        ``method``, ``tol`` and ``max_iter`` of `weep.denoise_tv`.

    Returns
    -------
    dask.array.Array
        Of the shape, type and blocks of y.
    """
    span = float((y.max() - y.min()).compute()) if span is None else span
    depth = overlap(phi, lam, y.ndim, span, accuracy)

    def block(part: Any) -> Any:
        return denoise.denoise_tv(part, phi, lam, **options).x

    return da.map_overlap(block, y, depth=depth, boundary="none", dtype=y.dtype, meta=y._meta)
