"""Signals, pictures, noise, and lines with outliers. Everything random takes a seed."""

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import extra, floating, real

__all__ = [
    "BUILT_IN",
    "PAPER",
    "SIGNALS",
    "Signal",
    "add_gaussian_noise",
    "colour_image",
    "contaminated_lines",
    "image",
    "learned_profile",
    "paper_images_available",
    "signal",
]

#: The two pictures of the paper, as JuliaImages/TestImages.jl publishes them: file name and SHA-256.
PAPER = {
    "mandril": ("mandril_gray.tif", "236c10194ee2ebca5f48b6558067d1ed99507c0bf54bb17759ee99b15848c4b8"),
    "barbara": ("barbara_gray_512.bmp", "36da2c8ae2a5832da8bf18dec4772b65a0062419bc20b96575fbcb0047cd1182"),
}
ADDRESS = "https://raw.githubusercontent.com/JuliaImages/TestImages.jl/e6010ed73b376ffb2c0c7d2e67a6842092054424/images/"
TIMEOUT = 20  # seconds without an answer

#: Pictures of scikit-image that come with it: grey or made grey, 512 × 512.
BUILT_IN = ("astronaut", "brick", "camera", "grass", "gravel")


def image(name: str, size: int = 256) -> NDArray[np.float64]:
    """A square grey test picture.

    The pictures of the paper, "mandril" and "barbara", are downloaded once, checked by their SHA-256, and kept in the
    cache folder of the system or in the one that the environment variable ``WEEP_DATA_DIR`` names. A file that is
    there already is only read.

    Parameters
    ----------
    name : str
        One of "mandril", "barbara", and the built-in "astronaut", "brick", "camera", "grass", "gravel".
    size : int, optional
        Side in pixels, a divisor of 512. The picture is averaged over blocks.

    Returns
    -------
    ndarray of shape (size, size)
        float64 in [0, 1].

    Raises
    ------
    TypeError
        If ``size`` is no integer.
    ValueError
        If there is no such picture or size.
    OSError
        If a picture of the paper is not there and cannot be had, or has the wrong hash. No half-written file is left.
    """
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"size={size!r} must be an integer, not {type(size).__name__}")
    if size < 1 or 512 % size:
        raise ValueError(f"size={size!r} must divide 512")
    if name not in PAPER and name not in BUILT_IN:
        raise ValueError(f"name={name!r} must be one of {sorted([*PAPER, *BUILT_IN])}")
    skimage = _skimage()
    pixels = skimage.io.imread(_fetch(name)) if name in PAPER else getattr(skimage.data, name)()
    if name in PAPER and pixels.ndim == 3:
        pixels = pixels[..., 0]  # three equal channels
    grey = skimage.color.rgb2gray(pixels) if pixels.ndim == 3 else pixels / 255
    return np.asarray(skimage.measure.block_reduce(grey, 512 // size, np.mean), dtype=np.float64)


def colour_image(name: str, size: int = 64) -> NDArray[np.float64]:
    """A colour picture that comes with scikit-image, such as "astronaut", "chelsea", "coffee" or "rocket".

    Parameters
    ----------
    name : str
        Its name in ``skimage.data``.
    size : int, optional
        Side in pixels. Blocks of pixels are averaged, and what is left over at the right and at the bottom is cut off.

    Returns
    -------
    ndarray of shape (size, size, 3)
        float64 in [0, 1].
    """
    skimage = _skimage()
    pixels = getattr(skimage.data, name)() / 255
    side = min(pixels.shape[:2]) // size
    blocks = pixels[: side * size, : side * size].reshape(size, side, size, side, 3)
    return np.asarray(blocks.mean(axis=(1, 3)))


def learned_profile() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The slope of the penalty that a network learned from pictures, free to be any odd spline, as published.

    Returns
    -------
    t, slope : ndarrays of shape (n,)
        Arguments from 0 on, and the derivative of the penalty there.

    References
    ----------
    A. Goujon, S. Neumayer, M. Unser, "Learning weakly convex regularizers for convergent image-reconstruction
    algorithms", SIAM J. Imaging Sci. 17(1), 2024 (arXiv:2308.10542).
    """
    t, slope = np.loadtxt(Path(__file__).with_name("learned-profile.csv"), delimiter=",", skiprows=3).T
    return t, slope


def paper_images_available() -> bool:
    """Whether the two pictures of the paper can be had here: from the cache folder, or by download."""
    try:
        for name in PAPER:
            _fetch(name)
    except OSError:
        return False
    return True


#: Test signals: the levels between the jumps, where the jumps are, where the texture is (parts of the length), and the
#: slope of a ramp that repeats from jump to jump.
SIGNALS: dict[str, tuple[tuple[float, ...], tuple[float, ...], tuple[float, float], float]] = {
    "mixed": ((0.0, 3.0, 1.0, 4.0, 2.0, 0.0, 2.5), (0.09, 0.2, 0.3, 0.42, 0.86, 0.94), (0.45, 0.83), 0.0),
    "steps": ((0.0, 2.0, 0.5, 4.0, 3.0, 1.0, 2.0, 0.0), (0.1, 0.25, 0.33, 0.5, 0.62, 0.75, 0.9), (0.0, 0.0), 0.0),
    "textured": ((0.5, 3.5, 1.5), (0.35, 0.7), (0.0, 1.0), 0.0),
    "ramps": ((0.0, 2.5, 0.5, 0.0), (0.25, 0.5, 0.75), (0.0, 0.0), 6.0),
}


@dataclass(frozen=True)
class Signal:
    """A test signal, and where its features are.

    Attributes
    ----------
    x : ndarray of shape (n,)
        The clean signal.
    edges : ndarray of bool, shape (n,)
        The four samples on either side of each jump.
    texture : ndarray of bool, shape (n,)
        Where the texture is, apart from these samples.
    jumps : ndarray of int
        Index of the last sample before each jump.
    """

    x: NDArray[np.float64]
    edges: NDArray[np.bool_]
    texture: NDArray[np.bool_]
    jumps: NDArray[np.intp]


def signal(name: str, size: int = 512) -> Signal:
    r"""A test signal with sharp edges and, in parts, a fine texture of low amplitude.

    Between its jumps, a signal is constant or rises. The texture is a sum of two sines of 11 and 17 samples with
    the amplitudes 0.16 and 0.12. Values lie between about 0 and 4.

    Parameters
    ----------
    name : str
        "mixed": jumps in one half, texture in the other. "steps": jumps alone. "textured": texture everywhere, and two
        jumps. "ramps": jumps between slopes.
    size : int, optional
        Number of samples, at least 128.

    Returns
    -------
    Signal
        The values, and masks of the edges and of the texture.

    Raises
    ------
    TypeError
        If ``size`` is no integer.
    ValueError
        If there is no such signal, or ``size`` is below 128.
    """
    if isinstance(size, bool) or not isinstance(size, int):
        raise TypeError(f"size={size!r} must be an integer, not {type(size).__name__}")
    if size < 128:
        raise ValueError(f"size={size!r} must be at least 128")
    if name not in SIGNALS:
        raise ValueError(f"name={name!r} must be one of {sorted(SIGNALS)}")
    levels, places, (start, end), slope = SIGNALS[name]
    i = np.arange(size)
    first = np.rint(np.array(places) * size).astype(int)  # the first sample after each jump
    piece = np.searchsorted(first, i, side="right")
    ramp = slope * (i - np.concatenate(([0], first))[piece]) / size
    edges = np.any(np.abs(i[:, None] - first + 0.5) < 4, axis=1)
    region = (start * size <= i) & (i < end * size)
    texture = 0.16 * np.sin(2 * np.pi * i / 11) + 0.12 * np.sin(2 * np.pi * i / 17)
    return Signal(np.array(levels)[piece] + ramp + region * texture, edges, region & ~edges, first - 1)


def add_gaussian_noise(x: ArrayLike, sigma: float, seed: int) -> Any:
    """Add independent Gaussian noise.

    Parameters
    ----------
    x : array_like of real numbers
        Any shape. Floating dtypes are kept, integers become float64.
    sigma : float
        Standard deviation, at least 0, in units of x.
    seed : int
        Of NumPy's default generator.

    Returns
    -------
    ndarray
        x + σ·n, not clipped.

    Raises
    ------
    TypeError
        If ``x`` or ``sigma`` is not real.
    ValueError
        If ``sigma`` is negative or not finite.
    """
    clean = floating("x", x)
    if real("sigma", sigma) < 0:
        raise ValueError(f"sigma={sigma!r} must not be negative")
    noise = np.random.default_rng(seed).standard_normal(clean.shape)
    return (clean + sigma * noise).astype(clean.dtype)


def contaminated_lines(
    batch: int,
    n: int,
    *,
    coef: tuple[float, float] = (5.0, 3.0),
    span: tuple[float, float] = (0.5, 10.0),
    noise: float = 3.0,
    outliers: float = 0.6,
    law: str = "normal",
    level: float = 70.0,
    slope: float = 0.0,
    spread: float = 10.0,
    seed: int = 0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Points on a line, with Gaussian noise, of which a share is replaced by outliers.

    The defaults are the protocol that the chapter on regression infers for the paper.

    Parameters
    ----------
    batch, n : int
        Number of data sets, and of points in each.
    coef : (float, float), optional
        Slope and intercept of the line.
    span : (float, float), optional
        x is uniform between these.
    noise : float, optional
        Standard deviation of the noise on the line, in units of y.
    outliers : float, optional
        Share of outliers in [0, 1]: ``round(outliers * n)`` points of each set, at random places.
    law : {"normal", "uniform", "laplace"}, optional
        Law of y at the outliers.
    level, slope, spread : float, optional
        Its mean is level + slope·x, and its standard deviation is spread, in units of y.
    seed : int, optional
        Of NumPy's default generator.

    Returns
    -------
    x, y : ndarray of shape (batch, n)
        The points.
    inlier : ndarray of bool of shape (batch, n)
        Which of them belong to the line.

    Raises
    ------
    ValueError
        If the share or the law is not one of these, or a spread is negative.
    """
    if not 0 <= real("outliers", outliers) <= 1:
        raise ValueError(f"outliers={outliers!r} must lie in [0, 1]")
    for name, value in (("noise", noise), ("spread", spread)):
        if real(name, value) < 0:
            raise ValueError(f"{name}={value!r} must not be negative")
    rng = np.random.default_rng(seed)
    laws = {
        "normal": lambda size: rng.normal(level, spread, size),
        "uniform": lambda size: rng.uniform(level - 3**0.5 * spread, level + 3**0.5 * spread, size),
        "laplace": lambda size: rng.laplace(level, spread / 2**0.5, size),
    }
    if law not in laws:
        raise ValueError(f"law={law!r} must be one of {list(laws)}")
    x = rng.uniform(*span, (batch, n))
    y = coef[0] * x + coef[1] + noise * rng.standard_normal((batch, n))
    inlier = rng.permuted(np.tile(np.arange(n) >= round(outliers * n), (batch, 1)), axis=1)
    return x, np.where(inlier, y, slope * x + laws[law]((batch, n))), inlier


def _pooch() -> Any:
    with extra("images", "pictures"):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "IProgress not found")  # of no use here: no progress bar is shown
            import pooch
    return pooch


def _skimage() -> Any:
    _pooch()  # before scikit-image imports it, and lets it warn
    with extra("images", "pictures"):
        import skimage.color
        import skimage.data
        import skimage.io
        import skimage.measure
    return skimage


def _fetch(name: str) -> str:
    """Path of a picture of the paper, downloaded if it is not there."""
    pooch = _pooch()
    file, sha256 = PAPER[name]
    folder = os.environ.get("WEEP_DATA_DIR") or pooch.os_cache("weep")
    path = os.path.join(folder, file)
    where = f"{file} of {ADDRESS} (folder {folder}, which WEEP_DATA_DIR sets)"
    if os.path.exists(path):
        if pooch.file_hash(path) == sha256:
            return path
        raise OSError(f"wrong SHA-256 of {where}: the file is not the picture {name!r}; remove it to download it anew")
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # a message about the download would become part of a notebook's output
    try:
        # pooch writes to a temporary file, and moves it to its place once the hash is right.
        downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
        return str(pooch.retrieve(ADDRESS + file, "sha256:" + sha256, file, folder, downloader=downloader))
    except ValueError as error:
        raise OSError(f"wrong SHA-256 after the download of {where}: nothing was kept") from error
    except PermissionError as error:
        raise PermissionError(f"cannot write {where}: name a folder that you can write to") from error
    except OSError as error:
        raise OSError(f"cannot download {where}: {error}") from error
    finally:
        logger.setLevel(level)
