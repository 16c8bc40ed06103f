"""Data of the experiments with problem (1): signals, pictures, and operators. All that is random takes a seed."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse
from scipy.sparse.linalg import LinearOperator

from ..checks import integer, positive, real

__all__ = ["blur", "fourier", "gaussian", "phantom", "pulse", "radial_mask", "radon", "spikes", "steps"]

Array = NDArray[np.float64]

#: Ellipses of the head phantom of Shepp and Logan with Toft's contrasts: value, half-axes, centre, angle in degrees.
ELLIPSES = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0.0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0.0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18.0),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18.0),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0.0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0.0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0.0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0.0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0.0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0.0),
)


def spikes(n: int, count: int, seed: int, low: float = 1.0, high: float = 2.0) -> Array:
    """A sparse signal: some entries of random places and signs, all others zero.

    Parameters
    ----------
    n : int
        Number of samples.
    count : int
        Number of entries that are not zero.
    seed : int
        Of NumPy's default generator.
    low, high : float, optional
        Their sizes are uniform between these.

    Returns
    -------
    ndarray of shape (n,)
        The signal.

    Raises
    ------
    ValueError
        If ``count`` is negative or above n, or the sizes are not 0 < low <= high.
    """
    if not 0 <= integer("count", count) <= integer("n", n, 1):
        raise ValueError(f"count={count!r} must lie in [0, n] = [0, {n}]")
    if not positive("low", low) <= real("high", high):
        raise ValueError(f"high={high!r} must be at least low={low!r}")
    rng = np.random.default_rng(seed)
    x = np.zeros(n)
    x[rng.choice(n, count, replace=False)] = rng.uniform(low, high, count) * rng.choice((-1.0, 1.0), count)
    return x


def steps(n: int, jumps: int, seed: int, texture: float = 0.0) -> Array:
    """A piecewise constant signal with jumps at random places, perhaps with a fine texture in its middle half.

    Levels are uniform in [0, 1], and drawn again until each jump is at least 0.1.

    Parameters
    ----------
    n : int
        Number of samples.
    jumps : int
        How many.
    seed : int
        Of NumPy's default generator.
    texture : float, optional
        Amplitude of two sines, of 11 and 17 samples, in the middle half.

    Returns
    -------
    ndarray of shape (n,)
        The signal.

    Raises
    ------
    ValueError
        If ``jumps`` is negative or n has too few samples for them.
    """
    if not 0 <= integer("jumps", jumps) < integer("n", n, 1):
        raise ValueError(f"jumps={jumps!r} must lie in [0, n) = [0, {n})")
    rng = np.random.default_rng(seed)
    first = np.zeros(n, int)
    first[rng.choice(np.arange(1, n), jumps, replace=False)] = 1
    level = [rng.uniform()]
    while len(level) <= jumps:
        new = rng.uniform()
        if abs(new - level[-1]) >= 0.1:
            level.append(new)
    i = np.arange(n)
    wave = 0.6 * np.sin(2 * np.pi * i / 11) + 0.4 * np.sin(2 * np.pi * i / 17)
    middle = (n <= 4 * i) & (4 * i < 3 * n)
    return np.array(level)[np.cumsum(first)] + real("texture", texture) * wave * middle


def gaussian(m: int, n: int, seed: int) -> Array:
    """A sensing matrix of independent Gaussian entries of variance 1/m, so that its columns have a length near 1.

    Parameters
    ----------
    m, n : int
        Measurements and samples.
    seed : int
        Of NumPy's default generator.

    Returns
    -------
    ndarray of shape (m, n)
        The matrix.
    """
    shape = integer("m", m, 1), integer("n", n, 1)
    return np.random.default_rng(seed).standard_normal(shape) / m**0.5


def phantom(size: int) -> Array:
    """The head phantom of Shepp and Logan with Toft's contrasts: ellipses of constant value, and no texture.

    Parameters
    ----------
    size : int
        Side in pixels.

    Returns
    -------
    ndarray of shape (size, size)
        Values in [0, 1], each taken at the centre of its pixel.

    References
    ----------
    L. A. Shepp and B. F. Logan, "The Fourier reconstruction of a head section", IEEE Trans. Nucl. Sci. 21, 1974.
    """
    centre = (2 * np.arange(integer("size", size, 1)) + 1) / size - 1
    x, y = centre[None, :], -centre[:, None]
    picture = np.zeros((size, size))
    for value, across, up, x0, y0, degrees in ELLIPSES:
        c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
        along, beside = (x - x0) * c + (y - y0) * s, (y - y0) * c - (x - x0) * s
        picture += value * ((along / across) ** 2 + (beside / up) ** 2 <= 1)
    return picture.clip(0, 1)  # sums of the contrasts miss 0 by a rounding error


def pulse(n: int, width: float) -> sparse.csr_array:
    r"""Convolution with a Ricker wavelet, as thin reflectors answer in seismics.

    Parameters
    ----------
    n : int
        Number of samples.
    width : float
        Standard deviation s of the Gaussian, in samples.

    Returns
    -------
    sparse array of shape (n, n)
        Entries :math:`(1 - t^2)\,e^{-t^2/2}` with t the distance over s, up to 5 s. It is symmetric.
    """
    reach = min(integer("n", n, 1) - 1, int(np.ceil(5 * positive("width", width))))
    offsets = np.arange(-reach, reach + 1)
    t = offsets / width
    values = (1 - t**2) * np.exp(-(t**2) / 2)
    return sparse.diags_array(values, offsets=offsets, shape=(n, n)).tocsr()


def blur(shape: tuple[int, int], width: float) -> LinearOperator:
    """Gaussian blur of a picture that is mirrored at its borders.

    Parameters
    ----------
    shape : (int, int)
        Of the picture.
    width : float
        Standard deviation of the Gaussian, in pixels.

    Returns
    -------
    LinearOperator of shape (pixels, pixels)
        On raveled pictures; its own adjoint. The discrete cosine transform diagonalises it.
    """
    rows, columns = (integer("shape", side, 1) for side in shape)
    along, across = (np.exp(-((positive("width", width) * np.pi * np.arange(k) / k) ** 2) / 2) for k in (rows, columns))

    def apply(x: NDArray[Any]) -> NDArray[Any]:
        waves = fft.dctn(np.reshape(x, (rows, columns)), norm="ortho")
        return fft.idctn(along[:, None] * across * waves, norm="ortho").ravel()

    return LinearOperator((rows * columns,) * 2, matvec=apply, rmatvec=apply, dtype=np.float64)


def radial_mask(size: int, lines: int) -> NDArray[np.bool_]:
    """Frequencies on lines through the origin, evenly turned: a classic trajectory of a tomograph.

    Parameters
    ----------
    size : int
        Side in pixels.
    lines : int
        How many.

    Returns
    -------
    ndarray of bool, shape (size, size)
        In the order of ``numpy.fft``: the origin comes first.
    """
    mask = np.zeros((integer("size", size, 1),) * 2, bool)
    steps = np.arange(-(size // 2), (size + 1) // 2)
    for angle in np.pi * np.arange(integer("lines", lines, 1)) / lines:
        longer = steps / max(abs(np.cos(angle)), abs(np.sin(angle)))
        places = np.rint(np.outer((np.sin(angle), np.cos(angle)), longer)).astype(int)
        mask[tuple(places % size)] = True
    return mask


def fourier(mask: NDArray[np.bool_]) -> LinearOperator:
    """Some coefficients of the orthonormal discrete Fourier transform of a picture: Cartesian magnetic resonance.

    Parameters
    ----------
    mask : ndarray of bool
        Of the shape of the picture; which coefficients are measured, in the order of ``numpy.fft``.

    Returns
    -------
    LinearOperator of shape (measurements, pixels)
        Complex, on raveled pictures. Its rows are orthonormal.
    """
    kept = np.asarray(mask)
    if kept.dtype != np.bool_:
        raise TypeError(f"mask must hold booleans, not {kept.dtype}")

    def apply(x: NDArray[Any]) -> NDArray[Any]:
        return fft.fftn(np.reshape(x, kept.shape), norm="ortho")[kept]

    def adjoint(y: NDArray[Any]) -> NDArray[Any]:
        full = np.zeros(kept.shape, complex)
        full[kept] = np.ravel(y)
        return fft.ifftn(full, norm="ortho").ravel()

    return LinearOperator((int(kept.sum()), kept.size), matvec=apply, rmatvec=adjoint, dtype=np.complex128)


def radon(size: int, angles: int) -> sparse.csr_array:
    """Parallel-beam tomography: sums of a square picture along lines, in evenly turned directions.

    Each pixel is a point at its centre, and shares its value between the two nearest of ``size`` detectors, which are
    one pixel apart. What falls beside them is lost: a disc that fits the square is seen whole.

    Parameters
    ----------
    size : int
        Side in pixels.
    angles : int
        How many directions, from 0 on, over half a turn.

    Returns
    -------
    sparse array of shape (angles * size, size * size)
        Angle after angle, on raveled pictures.
    """
    centre = np.arange(integer("size", size, 1)) - (size - 1) / 2
    pixels = np.arange(size * size)
    rows, columns, values = [], [], []
    for k, angle in enumerate(np.pi * np.arange(integer("angles", angles, 1)) / angles):
        place = np.add.outer(np.sin(angle) * centre, np.cos(angle) * centre).ravel() + (size - 1) / 2
        first = np.floor(place).astype(int)
        for detector, weight in ((first, first + 1 - place), (first + 1, place - first)):
            seen = (detector >= 0) & (detector < size) & (weight > 0)
            rows.append(k * size + detector[seen])
            columns.append(pixels[seen])
            values.append(weight[seen])
    entries = np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))
    return sparse.coo_array(entries, shape=(angles * size, size * size)).tocsr()
