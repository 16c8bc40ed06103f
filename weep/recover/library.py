"""Measurements of another array library (PyTorch, JAX): what is done in it, and what in NumPy."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator

from ..penalties.arrays import foreign


class Library:
    """The library, the type and the device of measurements y; nothing is done where they are NumPy's.

    Solvers work on NumPy arrays in double precision. Operators of another library get arrays of it, of the type and on
    the device of y, and are applied there.
    """

    def __init__(self, y: Any) -> None:
        self.xp: Any = array_namespace(y) if foreign(y) else None
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

    def operator(self, source: Any) -> Any:
        """An operator of the library as one of NumPy arrays; matrices as NumPy's; those of SciPy as they are."""
        if self.xp is None or issparse(source) or isinstance(source, LinearOperator) or not hasattr(source, "matvec"):
            return self.numpy(source)
        return Carried(self, source)


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
