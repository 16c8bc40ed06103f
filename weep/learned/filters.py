r"""A bank of filters as an operator W, and how large it can be.

A picture goes on symmetrically beyond its border: the last pixel is repeated, then the one before it, and so on.
"""

import math
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from scipy.fft import dctn, idctn
from scipy.sparse.linalg import LinearOperator

from ..checks import finite, floating, integer

__all__ = ["Filters", "mirrored", "norm_squared"]

Array = NDArray[Any]

#: Patches of a band of rows, s² values a pixel, shall fit the second-level cache.
BAND = 1 << 18


def mirrored(filters: ArrayLike) -> Array:
    """Complete a bank by the mirror images of its filters, left and right and upside down, each once.

    A filter counts as its own negative, because penalties are even.

    Parameters
    ----------
    filters : array_like of shape (K, s, s)
        Some filters.

    Returns
    -------
    ndarray of shape (K', s, s)
        These, and the mirror images that are not among them. Filters that are even or odd in both axes have none.

    Raises
    ------
    ValueError
        If the shape is not (K, s, s) with an odd s.
    """
    return completed(filters)[0]


def completed(filters: ArrayLike) -> tuple[Array, NDArray[np.intp]]:
    """What `mirrored` returns, and for each filter there, of which of the first it is the image."""
    first = _bank(filters)
    found, of = list(first), list(range(len(first)))
    for k, w in enumerate(first):
        for image in (w[:, ::-1], w[::-1], w[::-1, ::-1]):
            if not any(_same(image, other) for other in found):
                found.append(image)
                of.append(k)
    return np.array(found), np.array(of)


def norm_squared(filters: ArrayLike, points: int = 256) -> float:
    r"""An upper bound of ‖W‖² for pictures of every size, from the frequency response of the filters.

    Parameters
    ----------
    filters : array_like of shape (K, s, s)
        A bank with all mirror images, as `mirrored` returns it.
    points : int, optional
        N, the points of the grid of frequencies along each axis, more than 2s.

    Returns
    -------
    float
        The largest :math:`\sum_k |\hat w_k(\omega)|^2` on the grid, times :math:`\cos(\pi(s-1)/N)^{-2}`.

    Raises
    ------
    ValueError
        If a mirror image is missing, or the grid too coarse.

    Notes
    -----
    The even extension E x of a picture x to four times its size is periodic, and :math:`\|E x\|^2 = 4\|x\|^2`. A
    periodic convolution multiplies each frequency, so the energy of all filtered E x is at most
    :math:`4\|x\|^2\max_\omega\sum_k|\hat w_k(\omega)|^2`. It lies in four quadrants. A filter sees in one quadrant what
    its mirror image sees in another, hence with all mirror images in the bank each quadrant holds a quarter, and one
    quadrant is W x. Without them the border may break the bound.

    Between the points of the grid: the sum is a trigonometric polynomial of degree s − 1 along each axis, and one of
    degree n is nowhere larger than its largest value on N > 2n equidistant points, divided by cos(πn/N).

    References
    ----------
    H. Ehlich, K. Zeller, "Schwankung von Polynomen zwischen Gitterpunkten", Math. Z. 86, 1964.
    """
    bank = _complete(filters)
    side = bank.shape[-1]
    points = integer("points", points, least=2 * side + 1)
    response = np.abs(np.fft.rfft2(bank, (points, points))) ** 2
    return float(response.sum(0).max()) / math.cos(math.pi * (side - 1) / points) ** 2


class Filters(LinearOperator):  # type: ignore[misc]  # SciPy has no types
    r"""W: a picture, continued symmetrically, correlated with each filter of a bank. Every result has its size.

    Parameters
    ----------
    filters : array_like of shape (K, s, s)
        A bank with all mirror images (`mirrored`), s odd.
    shape : (int, int)
        Height and width of the pictures.
    dtype : dtype, optional
        float64 or float32.

    Attributes
    ----------
    filters : ndarray
        As given.
    dims, dimsd : tuple of int
        The shapes of a picture and of W x: ``shape`` and ``(K, *shape)``.
    norm_squared : float
        Upper bound of ‖W‖², the same for every shape.

    Raises
    ------
    ValueError
        If a mirror image is missing.

    Notes
    -----
    With all mirror images, WᵀW is diagonal in the basis of the discrete cosine transform: `spectrum` and `resolvent`.

    Examples
    --------
    >>> import numpy as np
    >>> from weep.learned import Filters, mirrored
    >>> W = Filters(mirrored([[[0, 0, 0], [0, -1, 1], [0, 0, 0]]]), (4, 5))
    >>> (W @ np.ones(20)).any()
    np.False_
    """

    def __init__(self, filters: ArrayLike, shape: tuple[int, int], dtype: Any = np.float64) -> None:
        height, width = (integer("shape", n, least=1) for n in shape)
        self.filters = _complete(filters).astype(dtype)
        self.dims, self.dimsd = (height, width), (len(self.filters), height, width)
        self._matrix = self.filters.reshape(len(self.filters), -1)
        self._side = self.filters.shape[-1]
        q = self._side // 2
        self._index = [np.pad(np.arange(n), q, "symmetric") for n in self.dims]
        super().__init__(np.dtype(dtype), (len(self.filters) * height * width, height * width))

    @cached_property
    def norm_squared(self) -> float:
        """Upper bound of ‖W‖²."""
        return norm_squared(self.filters.astype(np.float64))

    @cached_property
    def spectrum(self) -> NDArray[np.float64]:
        """Eigenvalues of WᵀW, in the order of the DCT-II of a picture."""
        frequency = [np.exp(-1j * np.pi * np.outer(np.arange(n) / n, np.arange(self._side))) for n in self.dims]
        response = np.einsum(
            "ui,kij,vj->kuv", frequency[0], self.filters.astype(np.float64), frequency[1], optimize=True
        )
        return np.sum(np.abs(response) ** 2, 0)

    def resolvent(self, weight: float, y: Array) -> Array:
        """The solution of (I + weight·WᵀW) x = y for a picture y, by two cosine transforms."""
        spectrum = 1 + weight * self.spectrum
        return np.asarray(idctn(dctn(y, norm="ortho") / spectrum, norm="ortho")).astype(y.dtype)

    @cached_property
    def symmetry(self) -> tuple[Array, ...]:
        """The bank by symmetry, for compiled code: what `weep.learned.fused.band` needs to know of it.

        Returns
        -------
        planes : ndarray of shape (s², 2)
            The parts of a patch: which sum or difference along each axis.
        weights, spans : ndarray
            All P, then all Q, in these parts, and where the first and last part lies that is not zero.
        back, back_spans : ndarray
            The same of the transposed matrix.
        single : ndarray of bool
            Which filters are their own mirror image, so that there is no Q.
        first : ndarray of int
            Where in the bank the filter P + Q lies.
        """
        bank, side = self.filters, self._side
        q, left, parts, single, first = side // 2, list(range(len(bank))), [], [], []
        while left:
            first.append(left.pop(0))
            w = bank[first[-1]]
            images = [image for image in (w[:, ::-1], w[::-1]) if not _same(image, w)]
            if images:
                left.remove(next(k for k in left if _same(images[0], bank[k])))
            image = images[0] if images else w
            parts.append((w + image, w - image))
            single.append(not images)
        fold = np.zeros((side, side))  # the pixel in the middle, then half the sums of opposite ones, and differences
        for t in range(q + 1):
            fold[t, q - t] = fold[t, q + t] = 0.5 if t else 1.0
            if t:
                fold[q + t, q + t], fold[q + t, q - t] = 0.5, -0.5
        even, odd = range(q + 1), range(q + 1, side)
        planes = np.array(
            [(i, j) for v, h in ((even, even), (odd, even), (odd, odd), (even, odd)) for i in v for j in h]
        )
        folded = fold @ np.concatenate(list(zip(*parts, strict=True))).astype(np.float64) @ fold.T / 2
        weights = folded[:, planes[:, 0], planes[:, 1]]
        weights[np.abs(weights) <= 8 * np.finfo(self.dtype).eps * np.max(np.abs(weights))] = 0
        both = [np.ascontiguousarray(matrix.astype(self.dtype)) for matrix in (weights, weights.T)]
        return planes, both[0], _spans(both[0]), both[1], _spans(both[1]), np.array(single), np.array(first)

    def bands(self) -> list[slice]:
        """Rows that are treated together."""
        rows = max(1, BAND // (self.dims[1] * self._side**2))
        return [slice(start, min(start + rows, self.dims[0])) for start in range(0, self.dims[0], rows)]

    def extend(self, x: Array) -> Array:
        """A picture with its border."""
        return np.ascontiguousarray(x[np.ix_(*self._index)])

    def fold(self, extended: Array) -> Array:
        """The adjoint of `extend`: what lies on the border is added to where it comes from."""
        for index in self._index:
            inner = len(index) - self._side + 1
            q, out = self._side // 2, extended[self._side // 2 : self._side // 2 + inner].copy()
            for i in (*range(q), *range(q + inner, len(index))):
                out[index[i]] += extended[i]
            extended = out.T
        return extended

    def analyse(self, extended: Array, band: slice) -> Array:
        """W x in a band of rows, of shape (K, pixels), from the extended picture."""
        rows = extended[band.start : band.stop + self._side - 1]
        patches = sliding_window_view(rows, (self._side, self._side)).transpose(2, 3, 0, 1)
        return self._matrix @ np.ascontiguousarray(patches).reshape(self._side**2, -1)

    def synthesise(self, u: Array, band: slice) -> Array:
        """Wᵀ u for u in a band of rows, on the rows of the extended picture that it reaches."""
        height, width = band.stop - band.start, self.dims[1]
        patches = (self._matrix.T @ u).reshape(self._side, self._side, height, width)
        out = np.zeros((height + self._side - 1, width + self._side - 1), u.dtype)
        for i in range(self._side):
            for j in range(self._side):
                out[i : i + height, j : j + width] += patches[i, j]
        return out

    def _matvec(self, x: Array) -> Array:
        extended = self.extend(x.reshape(self.dims))
        return np.concatenate([self.analyse(extended, band) for band in self.bands()], 1).ravel()

    def _rmatvec(self, u: Array) -> Array:
        parts = u.reshape(self.dimsd)
        out = np.zeros([len(index) for index in self._index], u.dtype)
        for band in self.bands():
            part = self.synthesise(parts[:, band].reshape(len(parts), -1), band)
            out[band.start : band.start + len(part)] += part
        return self.fold(out).ravel()


def _bank(filters: ArrayLike) -> Array:
    bank = finite("filters", floating("filters", filters))
    if bank.ndim != 3 or bank.shape[1] != bank.shape[2] or bank.shape[1] % 2 == 0 or not len(bank):
        raise ValueError(f"filters must have the shape (K, s, s) with an odd s, not {bank.shape}")
    return bank


def _spans(matrix: Array) -> Array:
    """Where the first entry of each row that is not zero lies, and one past the last."""
    found = [np.flatnonzero(row) for row in matrix]
    return np.array([(at[0], at[-1] + 1) if len(at) else (0, 0) for at in found])


def _same(w: Array, other: Array) -> bool:
    """Whether filters agree up to rounding and the sign."""
    tiny = 8 * np.finfo(w.dtype).eps * max(1e-300, float(np.max(np.abs(w))))
    return float(min(np.max(np.abs(w - other)), np.max(np.abs(w + other)))) <= tiny


def _complete(filters: ArrayLike) -> Array:
    """The bank, or an error that names the filter whose mirror image is missing."""
    bank = _bank(filters)
    for k, w in enumerate(bank):
        for image in (w[:, ::-1], w[::-1]):
            if not any(_same(image, other) for other in bank):
                raise ValueError(f"filters[{k}] has a mirror image that is not in filters: see mirrored(filters)")
        if any(_same(w, other) for other in bank[:k]):
            raise ValueError(f"filters[{k}] is in filters twice, up to its sign: its mirror images may be there once")
    return bank
