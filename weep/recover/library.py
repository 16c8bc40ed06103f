"""Measurements of another array library (PyTorch, JAX): what is done in it, and what in NumPy."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_jax_array, is_torch_array
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator

from ..penalties.arrays import foreign


class Library:
    """The library, the type and the device of measurements y; nothing is done where they are NumPy's.

    Solvers work on NumPy arrays in double precision. Operators and functions of another library get arrays of it, of
    the type and on the device of y, and are applied there.
    """

    def __init__(self, y: Any) -> None:
        self.xp: Any = array_namespace(y) if foreign(y) else None
        self.pullback = torch_pullback if is_torch_array(y) else jax_pullback if is_jax_array(y) else None
        if self.xp is None:
            return
        self.device = device(y)
        if self.xp.isdtype(y.dtype, "complex floating"):
            y = self.xp.real(y)
        elif not self.xp.isdtype(y.dtype, "real floating"):
            y = self.xp.asarray(1.0)
        self.real = y.dtype
        self.complex = self.xp.complex128 if self.xp.finfo(y.dtype).bits == 64 else self.xp.complex64

    def numpy(self, v: Any) -> Any:
        """An array of another library as one of NumPy, without its history of derivatives; all else as it is."""
        if not foreign(v):
            return v
        return np.asarray(v.detach().cpu() if hasattr(v, "detach") else v)

    def array(self, v: NDArray[Any]) -> Any:
        """A NumPy array as one of the library."""
        if self.xp is None:
            return v
        kind = self.complex if v.dtype.kind == "c" else self.real
        return self.xp.asarray(v, dtype=kind, device=self.device)

    def operator(self, name: str, source: Any, dims: tuple[int, ...]) -> Any:
        """An operator or a function of the library as an operator on NumPy arrays; matrices as NumPy's.

        Operators of SciPy stay as they are. A function gets arrays of the shape ``dims``.
        """
        if _is_function(source):
            if self.pullback is None:
                raise TypeError(
                    f"{name}={source!r} is a function, and its adjoint is known only where y is an array of PyTorch or "
                    "JAX: give an operator with shape, matvec and rmatvec"
                )
            return Function(name, self, source, dims)
        if self.xp is None or issparse(source) or isinstance(source, LinearOperator) or not hasattr(source, "matvec"):
            return self.numpy(source)
        return Carried(self, source)


def _is_function(source: Any) -> bool:
    return callable(source) and not hasattr(source, "matvec")


def domain(source: Any) -> tuple[int, ...] | None:
    """The shape of what an operator or a matrix is applied to; None for a function and the identity, which say none."""
    if source is None or _is_function(source):
        return None
    if hasattr(source, "dims"):
        return tuple(int(n) for n in np.atleast_1d(source.dims))
    return tuple(int(n) for n in np.shape(source)[1:])


class Carried:
    """An operator of another library, on NumPy arrays."""

    def __init__(self, library: Library, source: Any) -> None:
        self.library, self.source, self.shape = library, source, tuple(source.shape)
        if hasattr(source, "dims"):
            self.dims = source.dims

    def matvec(self, x: NDArray[Any]) -> Any:
        return self.library.numpy(self.source.matvec(self.library.array(x)))

    def rmatvec(self, u: NDArray[Any]) -> Any:
        return self.library.numpy(self.source.rmatvec(self.library.array(u)))


#: Takes a function and a point to the value there, and to the function that pulls a vector of values back.
Pullback = Callable[[Callable[[Any], Any], Any], tuple[Any, Callable[[Any], Any]]]


def torch_pullback(apply: Callable[[Any], Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The value at x, and u ↦ A*u, in PyTorch."""
    import torch

    with torch.enable_grad():
        x = x.requires_grad_(True)
        out = apply(x)
    return out, lambda u: torch.autograd.grad(out, x, u.to(out.dtype), retain_graph=True)[0]


def jax_pullback(apply: Callable[[Any], Any], x: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The value at x, and u ↦ A*u, in JAX, whose derivative is the transpose: it is conjugated twice."""
    import jax

    out, back = jax.vjp(apply, x)
    return out, lambda u: back(u.conj().astype(out.dtype))[0].conj()


class Function:
    """A linear function of another library as an operator on NumPy arrays; its adjoint is the library's derivative.

    Parameters
    ----------
    name : str
        The name of the argument, for messages.
    library : Library
        Its library.
    apply : callable
        Takes an array of the shape of x, and returns one of any shape.
    dims : tuple of int
        The shape of x.

    Raises
    ------
    TypeError
        If the function does not return an array of the library that depends on x.
    ValueError
        If it fails on an array of that shape.
    """

    def __init__(self, name: str, library: Library, apply: Callable[[Any], Any], dims: tuple[int, ...]) -> None:
        self.library, self.apply, self.dims = library, apply, dims
        self.blame = f"{name} is not a linear function"
        assert library.pullback is not None
        try:
            out, self.pull = library.pullback(apply, library.array(np.zeros(dims)))
        except Exception as error:
            raise ValueError(
                f"{name} must take x, and failed on one of the shape {dims}, that of init, of what the other "
                f"operator takes, or of y: {type(error).__name__}: {error}"
            ) from error
        if not foreign(out) or not getattr(out, "requires_grad", True):
            raise TypeError(f"{name} must return an array that depends on x, and returned {out!r}")
        self.dimsd = tuple(int(n) for n in out.shape)
        self.shape = math.prod(self.dimsd), math.prod(dims)

    def matvec(self, x: NDArray[Any]) -> Any:
        return self.library.numpy(self.apply(self.library.array(x.reshape(self.dims)))).ravel()

    def rmatvec(self, u: NDArray[Any]) -> Any:
        return self.library.numpy(self.pull(self.library.array(u.reshape(self.dimsd)))).ravel()
