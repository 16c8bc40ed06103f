"""What is trained: the filters of a bank and its potential, as modules of PyTorch."""

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..checks import extra
from .bank import REFERENCE, Bank

with extra("torch", "training a bank"):
    import torch

__all__ = ["SIGMAS", "Bends", "Model", "Slope", "WEEPs"]

#: The noise of the training.
SIGMAS = (8 / 255, 60 / 255)

#: How much weaker, and at how much smaller a scale, the larger filters begin.
WEAK, SMALLER = 0.4, 0.35


class Slope(Protocol):
    """φ' of the potential at a noise level, of tensors."""

    @property
    def steepest(self) -> float:
        """The largest curvature."""

    def __call__(self, u: Any) -> Any:
        """φ'(u), to be differentiated by u and by the parameters."""

    def replace(self, u: Any) -> Any:
        """φ'(u) without derivatives, fast. It may use the memory of u."""

    def curvature(self, u: Any) -> Any:
        """φ''(u)."""


class Bends(NamedTuple):
    """The slope of a WEEP: a up to x1, then −1 up to x2, then none. x1 and x2 are numbers, or of shape (K, 1, 1)."""

    a: Any
    x1: Any
    x2: Any

    @property
    def steepest(self) -> float:
        return float(self.a)

    @property
    def lipschitz(self) -> float:
        """For `weep.learned.minimise`, as `hubers` is."""
        return self.steepest

    @property
    def hubers(self) -> tuple[Any, ...]:
        return tuple(np.asarray(value.detach()).reshape(-1, 1) for value in self)

    def __call__(self, u: Any) -> Any:
        inner = torch.minimum(torch.maximum(u, -self.x1), self.x1)
        return (self.a + 1) * inner - torch.minimum(torch.maximum(u, -self.x2), self.x2)

    def replace(self, u: Any) -> Any:
        a, x1, x2 = (value if value.ndim else float(value) for value in self)
        return torch.clamp(u, -x1, x1).mul_(a + 1).sub_(u.clamp_(-x2, x2))

    def curvature(self, u: Any) -> Any:
        size = u.abs()
        outer = torch.where(size <= self.x2, -torch.ones_like(self.a), torch.zeros_like(self.a))
        return torch.where(size <= self.x1, self.a, outer)


class WEEPs(torch.nn.Module):
    """The parameters of a WEEP.

    Parameters
    ----------
    convex : bool, optional
        Keep b at its upper end, where a WEEP is a Huber loss.
    a : float, optional
        Keep a at this value. The default is to learn it from 20 on.
    """

    def __init__(self, convex: bool = False, a: float | None = None) -> None:
        super().__init__()
        self.log_a = torch.nn.Parameter(torch.tensor(math.log(20.0 if a is None else a)), requires_grad=a is None)
        self.slope = torch.nn.Parameter(torch.tensor(-3.0))
        self.convex = convex

    def numbers(self) -> tuple[Any, Any]:
        """a and b."""
        a = self.log_a.exp()
        return a, torch.sqrt(2 * a) * (1.0 if self.convex else torch.sigmoid(self.slope))

    def weep(self) -> tuple[float, float]:
        """a and b as numbers, inside the domain in spite of rounding to single precision."""
        a, b = (float(value.detach()) for value in self.numbers())
        limit = math.sqrt(2 * a)
        return a, limit if self.convex else min(b, limit)

    def begin(self, a: float, b: float) -> None:
        """Begin at these numbers, b above 0."""
        self.log_a.fill_(math.log(a))
        self.slope.fill_(torch.logit(torch.tensor(b / math.sqrt(2 * a))).item())

    def forward(self, s: Any) -> Bends:
        a, b = self.numbers()
        root, rest = torch.sqrt(a + 1), torch.sqrt(2 * a) - b
        return Bends(a, s * (b + rest / root) / a, s * (b + rest * root) / a)


class Model(torch.nn.Module):
    """The parameters of a bank, and what the problem needs of them at a noise level.

    Parameters
    ----------
    even, odd, side : int
        As in `train`.
    seed : int
        Of the filters.
    potential : Module
        Called with the scale, it returns a `Slope`. Its ``numbers`` are those that the history keeps.
    each : bool, optional
        A scale for each filter, where the potential takes it.
    """

    def __init__(self, even: int, odd: int, side: int, seed: int, potential: Any, each: bool = False) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        n = np.arange(side)
        cosines = np.cos(np.pi * (2 * n + 1) * n[:, None] / (2 * side)) * np.where(n == 0, 1, math.sqrt(2))[:, None]
        basis = np.einsum("ui,vj->uvij", cosines, cosines)[np.newaxis] / side
        parity = np.add.outer(n, n) % 2
        first = basis[0][parity == 0][1:]  # without the constant: the mean is zero
        self.bases = [torch.tensor(b, dtype=torch.float32) for b in (first, basis[0][parity == 1])]
        self.coefficients = torch.nn.ParameterList(
            torch.randn(count, len(b), generator=generator) / 2
            for count, b in zip((even, odd), self.bases, strict=True)
        )
        self.exponents = torch.nn.Parameter(torch.zeros(even + odd))
        self.scale = torch.nn.Parameter(torch.zeros((2, even + odd) if each else 2))
        self.potential = potential

    def base(self, dtype: Any = None) -> Any:
        pairs = zip(self.coefficients, self.bases, strict=True)
        return torch.cat([torch.einsum("kc,cij->kij", c.to(dtype), b.to(dtype)) for c, b in pairs])

    def forward(self, sigma: float) -> tuple[Any, Slope]:
        t = math.log(sigma / REFERENCE)
        half = self.base() * torch.exp(self.exponents * t)[:, None, None]
        bank = torch.cat([half, half.flip(-1)])
        norm = torch.fft.rfft2(bank, s=(64, 64)).abs().square().sum(0).max().sqrt()
        scale = sigma * torch.exp(self.scale[0] + self.scale[1] * t)
        if scale.ndim:
            scale = torch.cat([scale, scale])[:, None, None]
        return (bank / norm)[:, None], self.potential(scale)

    def bank(self, a: float, b: float) -> Bank:
        """The filters, and this WEEP."""
        # Even or odd to the last digit, or a mirror image may be taken for another filter.
        base = self.base(torch.float64).detach().numpy()
        base -= base.mean((1, 2), keepdims=True)
        even = np.arange(len(base)) < len(self.coefficients[0])
        base = (base + np.where(even, 1, -1)[:, None, None] * base[:, ::-1, ::-1]) / 2
        exponents, scale = (value.detach().double().numpy() for value in (self.exponents, self.scale))
        return Bank(base, exponents, a, b, scale, SIGMAS)

    def begin(self, bank: Bank) -> None:
        """Begin at a bank with one scale for all, and at its filters made larger, up to the size of these.

        A picture of half the size has half the noise and much the same edges. So what is good for its filters may be
        good for larger ones at a smaller scale. They begin weak.

        Raises
        ------
        ValueError
            If the filters are not twice those of the bank, even and odd, and larger, with a scale for each.
        """
        side, small = self.bases[0].shape[-1], bank.filters.shape[-1]
        odd = np.array([np.sum(w * w[::-1, ::-1]) < 0 for w in bank.filters])
        twice = [len(c) == 2 * np.sum(odd == k) for k, c in enumerate(self.coefficients)]
        if not all(twice) or side <= small or self.scale.ndim < 2 or bank.scale.ndim > 1:
            raise ValueError("start must have one scale, and half as many even and odd filters, of a smaller side")
        q, ratio = (side - small) // 2, (side - 1) / (small - 1)
        enlarge = np.array([np.interp(np.arange(side) / ratio, np.arange(small), unit) for unit in np.eye(small)]).T
        padded = np.pad(bank.filters, ((0, 0), (q, q), (q, q)))
        enlarged = enlarge @ bank.filters @ enlarge.T * WEAK / ratio**2
        with torch.no_grad():
            for k, (c, basis) in enumerate(zip(self.coefficients, self.bases, strict=True)):
                begin = torch.tensor(np.concatenate([padded[odd == k], enlarged[odd == k]]), dtype=torch.float32)
                c.copy_(torch.einsum("kij,cij->kc", begin, basis))
            order = np.concatenate([np.tile(np.flatnonzero(odd == k), 2) for k in (0, 1)])
            larger = np.concatenate([np.repeat([0.0, 1.0], np.sum(odd == k)) for k in (0, 1)])
            self.exponents.copy_(torch.tensor(bank.exponents[order]))
            self.scale.copy_(torch.tensor(bank.scale)[:, None])
            self.scale[0] += math.log(SMALLER) * torch.tensor(larger)
            self.potential.begin(bank.a, bank.b)
