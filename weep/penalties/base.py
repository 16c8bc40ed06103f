"""What every penalty shares: its interface, its checks, and evaluation in blocks that fit the cache."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import floating, positive
from . import arrays

Kernel = Callable[[NDArray[Any]], NDArray[Any]]

# 12288 float64 values are 96 KiB: with a few temporaries of that size a kernel stays in the second-level cache, and
# below 128 KiB the allocator reuses the same memory for each block. Measured times grow five-fold well above that, by a
# third or more for blocks of 4096, and by five to fifteen times for whole-array expressions.
BLOCK = 12288

#: Smaller arrays are as fast in NumPy, and do not wait for a compiler.
WORTH_COMPILING = 4096


def evaluate(kernel: Kernel, x: NDArray[Any], out: NDArray[Any] | None = None) -> Any:
    """Apply an elementwise kernel block by block; shape and dtype stay, and 0-d input gives a scalar.

    float16 is computed in float32: it has no room for squares, nor for parameters above 65504.
    """
    flat, whole = x.reshape(-1), destination(x, out)
    out = whole.reshape(-1)
    half = x.dtype.char == "e"
    # Huge values may overflow in a branch that the minimum or maximum then drops.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, flat.size, BLOCK):
            block = slice(start, start + BLOCK)
            out[block] = kernel(flat[block].astype(np.float32) if half else flat[block])
    return whole if whole.ndim else whole[()]


def destination(x: NDArray[Any], out: NDArray[Any] | None) -> NDArray[Any]:
    """The array to write to: ``out`` if it fits x, else a new one."""
    if out is None:
        return np.empty(x.shape, x.dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array, not {type(out).__name__}")
    if out.shape != x.shape or out.dtype != x.dtype or not out.flags.c_contiguous:
        raise ValueError(
            f"out must be a contiguous array of shape {x.shape} and type {x.dtype}, not of {out.shape} and {out.dtype}"
        )
    if not out.flags.writeable:
        raise ValueError("out must be writeable, and is read-only")
    return out


def _overlap(x: NDArray[Any], out: object) -> bool:
    """Whether writing to out would change entries of x that are still to be read: not if both are the same view."""
    if not isinstance(out, np.ndarray) or not np.may_share_memory(x, out):
        return False
    return x.ctypes.data != out.ctypes.data or x.strides != out.strides


class Piece(NamedTuple):
    """φ(x) = value + slope (x − start) + curvature (x − start)²/2, for x from ``start`` to ``end``."""

    start: float
    end: float
    value: float
    slope: float
    curvature: float


class Penalty(ABC):
    r"""A penalty :math:`\phi` on the real line, applied elementwise.

    A subclass is a frozen dataclass of its parameters. It gives the two best constants, and three kernels that take
    and return one-dimensional floating arrays. Kernels may not change their input.

    NaN in gives NaN out. Infinite values give the limit of the formula.

    A penalty that is piecewise quadratic, kinks included, also takes arrays of PyTorch, JAX and every other library of
    the array API, and returns the same kind. Value, gradient and prox can then be differentiated, compiled and
    vectorised there.
    """

    @property
    @abstractmethod
    def lipschitz(self) -> float:
        """Smallest L with \\|φ'(x) − φ'(y)\\| ≤ L \\|x − y\\|: ``inf`` where the derivative jumps."""

    @property
    @abstractmethod
    def weak_convexity(self) -> float:
        """Smallest ρ ≥ 0 for which φ(x) + ρ x²/2 is convex: ``0.0`` for a convex penalty, ``inf`` if there is none."""

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The pieces of a piecewise quadratic φ for x ≥ 0, from zero outwards; empty for any other."""
        return ()

    @property
    def hubers(self) -> tuple[float, float, float] | None:
        """(a, x1, x2) if φ' = a·clip(x, ±x1) − clip(x, ±x2) + clip(x, ±x1), a difference of Huber losses; else None."""
        return None

    def __call__(self, x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
        """Value φ(x), elementwise.

        Parameters
        ----------
        x : array_like of real numbers, or an array of another library
            Any shape. Floating dtypes are kept, integers become float64 (elsewhere, that library's default).
        out : ndarray, optional
            For NumPy: a contiguous array of the shape and dtype of the result to write to, which may be the argument.

        Returns
        -------
        array or scalar
            Same kind, shape and dtype.

        Raises
        ------
        TypeError
            If ``x`` does not hold real numbers, or ``out`` is no array.
        ValueError
            If ``out`` does not fit.
        """
        if arrays.foreign(x):
            return arrays.elementwise(self._foreign_value, "x", x, out)
        return self._apply("value", self._value, floating("x", x), out)

    def grad(self, x: ArrayLike, out: NDArray[Any] | None = None) -> Any:
        """Derivative φ'(x), elementwise; at a kink, the element of the subdifferential that the class names.

        Parameters
        ----------
        x : array_like of real numbers, or an array of another library
            Any shape. Floating dtypes are kept, integers become float64 (elsewhere, that library's default).
        out : ndarray, optional
            For NumPy: a contiguous array of the shape and dtype of the result to write to, which may be the argument.

        Returns
        -------
        array or scalar
            Same kind, shape and dtype.

        Raises
        ------
        TypeError
            If ``x`` does not hold real numbers, or ``out`` is no array.
        ValueError
            If ``out`` does not fit.
        """
        if arrays.foreign(x):
            return arrays.elementwise(self._foreign_grad, "x", x, out)
        return self._apply("grad", self._grad, floating("x", x), out)

    def prox(self, z: ArrayLike, step: float, out: NDArray[Any] | None = None) -> Any:
        """Proximal operator: a global minimiser of ``step·φ(x) + (x − z)²/2`` over x, elementwise.

        Where two points tie (which happens only if ``step·weak_convexity ≥ 1``), the one nearer to zero is returned.

        Parameters
        ----------
        z : array_like of real numbers, or an array of another library
            Any shape. Floating dtypes are kept, integers become float64 (elsewhere, that library's default).
        step : float
            The weight of the penalty, λ in (10). Any finite number above zero. With an array ``z`` of another library
            also a scalar array of that library, to be differentiated: below 1/weak_convexity, which is not checked, and
            must not be 0.
        out : ndarray, optional
            For NumPy: a contiguous array of the shape and dtype of the result to write to, which may be the argument.

        Returns
        -------
        array or scalar
            Same kind, shape and dtype as ``z``.

        Raises
        ------
        TypeError
            If ``z`` or ``step`` are not real, or ``out`` is no array.
        ValueError
            If ``step`` is not finite and above zero, or ``out`` does not fit.
        """
        if arrays.foreign(z):
            step = step if arrays.foreign(step) else positive("step", step)
            return arrays.elementwise(lambda z: self._foreign_prox(z, step), "z", z, out)
        step = positive("step", step)
        return self._apply("prox", lambda block: self._prox(block, step), floating("z", z), out, step)

    def parameter_grads(self, x: ArrayLike) -> dict[str, Any]:
        """Derivatives of φ'(x) by the parameters of the penalty, elementwise, where the class has them.

        Parameters
        ----------
        x : array_like of real numbers
            Any shape. Floating dtypes are kept, integers become float64.

        Returns
        -------
        dict of str to ndarray or scalar
            Name of the parameter → derivative, of the shape of ``x``. Empty for a class that has none.
        """
        return {}

    def _apply(self, name: str, kernel: Kernel, x: NDArray[Any], out: NDArray[Any] | None, *step: float) -> Any:
        if out is not None and _overlap(x, out):
            x = x.copy()
        if x.size >= WORTH_COMPILING and x.dtype.char in "fd" and (found := self._compiled(name, *step)):
            fused, scalars = found
            whole = destination(x, out)
            fused(np.ascontiguousarray(x).reshape(-1), whole.reshape(-1), *map(x.dtype.type, scalars))
            return whole
        return evaluate(kernel, x, out)

    def _compiled(self, name: str, *step: float) -> tuple[Callable[..., Any], tuple[float, ...]] | None:
        """A compiled kernel for the name ``value``, ``grad`` or ``prox``, and its scalars; None if there is none."""
        return None

    # What arrays of another library need, in operations of that library.
    def _foreign_value(self, x: Any) -> Any:
        raise self._numpy_alone()

    def _foreign_grad(self, x: Any) -> Any:
        raise self._numpy_alone()

    def _foreign_prox(self, z: Any, step: Any) -> Any:
        raise self._numpy_alone()

    def _numpy_alone(self) -> TypeError:
        return TypeError(f"{self!r} is not piecewise quadratic, so for NumPy arrays only: convert with numpy.asarray")

    @abstractmethod
    def _value(self, x: NDArray[Any]) -> NDArray[Any]: ...

    @abstractmethod
    def _grad(self, x: NDArray[Any]) -> NDArray[Any]: ...

    @abstractmethod
    def _prox(self, z: NDArray[Any], step: float) -> NDArray[Any]: ...


class Wrapper:
    """What is made of another penalty ``phi`` and keeps both of its constants."""

    phi: Any

    @property
    def lipschitz(self) -> float:
        """Best Lipschitz constant of the gradient: that of the penalty inside."""
        return float(self.phi.lipschitz)

    @property
    def weak_convexity(self) -> float:
        """Best modulus of weak convexity: that of the penalty inside."""
        return float(self.phi.weak_convexity)


def penalty(name: str, phi: object) -> Penalty:
    """Return a scalar penalty, or raise an error that names the argument and what it is instead."""
    if isinstance(phi, Penalty):
        return phi
    if isinstance(getattr(phi, "phi", None), Penalty):  # one of `structured`, which imports this file
        raise TypeError(
            f"{name}={phi!r} is a penalty on groups or matrices, and must be one on single numbers here: recover takes "
            "it, and denoise_tv groups the differences of a pixel if it gets the scalar penalty and isotropic=True"
        )
    kind = phi.__name__ if isinstance(phi, type) else type(phi).__name__
    made = f": give it its parameters, as in {kind}(...)" if isinstance(phi, type) and issubclass(phi, Penalty) else ""
    raise TypeError(
        f"{name}={phi!r} must be a penalty on single numbers, such as WEEP(a=10, b=0.1) or L1(), and {kind} is none"
        + made
    )
