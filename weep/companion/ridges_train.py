"""Train the banks of `weep.companion.ridges`: ``python -m weep.companion.ridges_train``. Needs PyTorch."""

import argparse
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..checks import extra
from ..learned import Bank, pictures
from .ridges import FOLDER, NAMES, Ridges

with extra("torch", "training a bank"):
    import torch

from ..learned.model import Model, WEEPs
from ..learned.train import fit

__all__ = ["POTENTIALS", "main", "train"]

Array = NDArray[Any]

#: The curvature at zero that stands for a kink.
KINK = 200.0


class MCPs(WEEPs):
    """A WEEP with b = 0 and a curvature at zero that is kept large: nearly MCP."""

    def __init__(self) -> None:
        super().__init__(a=KINK)

    def numbers(self) -> tuple[Any, Any]:
        """a and b."""
        a, b = super().numbers()
        return a, 0 * b


class LogSlope(NamedTuple):
    """The slope min(a r, rho/(1 + r)) with r = |u|/s, in units of s. Its least curvature is above −rho."""

    a: Any
    rho: Any
    s: Any

    @property
    def steepest(self) -> float:
        """The largest curvature."""
        return float(self.a)

    def __call__(self, u: Any) -> Any:
        """φ'(u)."""
        r = u.abs() / self.s
        return self.s * u.sign() * torch.minimum(self.a * r, self.rho / (1 + r))

    def replace(self, u: Any) -> Any:
        """φ'(u)."""
        return self(u)

    def curvature(self, u: Any) -> Any:
        """φ''(u)."""
        r = u.abs() / self.s
        falling = self.rho / (1 + r)
        return torch.where(self.a * r <= falling, self.a, -falling / (1 + r))


class Logs(torch.nn.Module):
    """The parameters of rho·log(1 + r), rounded at zero."""

    def __init__(self) -> None:
        super().__init__()
        self.log_a = torch.nn.Parameter(torch.tensor(math.log(20.0)))
        self.share = torch.nn.Parameter(torch.tensor(2.0))

    def numbers(self) -> tuple[Any, Any]:
        """a and rho, which is below 1, so that the potential is 1-weakly convex."""
        return self.log_a.exp(), torch.sigmoid(self.share)

    def forward(self, s: Any) -> LogSlope:
        """The slope at a scale."""
        return LogSlope(*self.numbers(), s)

    def table(self) -> tuple[Array, Array]:
        """Knots and curvatures of a spline through many points of the slope."""
        a, rho = (float(value.detach()) for value in self.numbers())
        first = (math.sqrt(1 + 4 * rho / a) - 1) / 2  # where a r = rho/(1 + r)
        knots = np.concatenate([[0.0], np.geomspace(1 + first, 100.0, 100) - 1])
        slopes = np.concatenate([[0.0], rho / (1 + knots[1:])])
        return knots, np.append(np.diff(slopes) / np.diff(knots), 0.0)


#: Where the pieces of the free potential start, as multiples of a cell, in units of its scale: fine near zero.
CELL = 1 / 40
STARTS = np.array([0, 1, 2, 3, *range(4, 80, 4), *range(80, 160, 20), 160])

#: How much faster the curvatures of the first pieces are learned: they are that much larger.
PACE = np.where(np.arange(len(STARTS)) < 4, 15.0, 1.0)


class FreeSlope(NamedTuple):
    """A slope that is linear in each cell: base + curvature·r, with r = |u|/s, in units of s."""

    base: Any
    curvatures: Any
    s: Any

    @property
    def steepest(self) -> float:
        """The largest curvature."""
        return float(self.curvatures.max())

    def _cell(self, r: Any) -> Any:
        return (r / CELL).to(torch.int64).clamp_(max=len(self.base) - 1)

    def __call__(self, u: Any) -> Any:
        """φ'(u)."""
        r = u.abs() / self.s
        cell = self._cell(r.detach())
        return self.s * u.sign() * (self.base[cell] + self.curvatures[cell] * r)

    def replace(self, u: Any) -> Any:
        """φ'(u)."""
        return self(u)

    def curvature(self, u: Any) -> Any:
        """φ''(u)."""
        return self.curvatures[self._cell(u.abs() / self.s)]


class Frees(torch.nn.Module):
    """The curvatures of a potential that may be any spline with curvatures from −1 on. It starts as a Huber loss."""

    def __init__(self) -> None:
        super().__init__()
        start = np.where(np.arange(len(STARTS)) < 4, 14.0, 0.0) / PACE
        self.free = torch.nn.Parameter(torch.tensor(start, dtype=torch.float32))
        self.pace = torch.tensor(PACE, dtype=torch.float32)

    def pieces(self) -> Any:
        """The curvatures. After a step of the optimiser that went below −1, they are put back there."""
        with torch.no_grad():
            self.free.copy_(torch.maximum(self.free, -1 / self.pace))
            self.free[-1] = 0.0
        return self.free * self.pace

    def numbers(self) -> tuple[Any, Any]:
        """The largest and the least curvature."""
        found = self.pieces()
        return found.max(), found.min()

    def forward(self, s: Any) -> FreeSlope:
        """The slope at a scale."""
        curvatures = self.pieces()
        knots = torch.tensor(CELL * STARTS, dtype=torch.float32)
        heights = torch.cat([torch.zeros(1), torch.cumsum(curvatures[:-1] * torch.diff(knots), 0)])
        piece = torch.tensor(np.searchsorted(STARTS, np.arange(STARTS[-1] + 1), side="right") - 1)
        return FreeSlope((heights - curvatures * knots)[piece], curvatures[piece], s)

    def table(self) -> tuple[Array, Array]:
        """Knots and curvatures."""
        found = self.pieces().detach().double().numpy()
        return CELL * STARTS, np.maximum(found, -1.0)  # single precision rounds


#: Potential → its parameters, and steps to each minimum: more where it is steep.
POTENTIALS: dict[str, tuple[Any, int]] = {
    "weep": (WEEPs, 80),
    "huber": (lambda: WEEPs(convex=True), 80),
    "l1": (lambda: WEEPs(convex=True, a=KINK), 130),
    "mcp": (MCPs, 130),
    "log": (Logs, 80),
    "free": (Frees, 80),
}


def train(name: str, images: Sequence[Array], steps: int = 500, **options: Any) -> tuple[Bank, list[tuple[float, ...]]]:
    """Train one of the banks as `weep.learned.train.train` trains that of the package.

    Parameters
    ----------
    name : str
        One of `POTENTIALS`, and a seed other than 0 after a hyphen, as in ``"mcp-1"``.
    images : sequence of ndarray
        Clean grey pictures.
    steps : int, optional
        Steps of AdamW.
    **options
        As in `weep.learned.train.fit`.

    Returns
    -------
    bank : Bank
        The result.
    history : list of tuples
        Every 50 steps: the step, the mean gain in dB, and two numbers of the potential.
    """
    kind, _, number = name.partition("-")
    (make, inner), seed = POTENTIALS[kind], int(number or 0)
    potential = make()
    model = Model(6, 6, 5, seed, potential)
    history = fit(model, images, steps, inner=inner, seed=seed, **options)
    if not hasattr(potential, "table"):
        return model.bank(*potential.weep()), history
    bank = model.bank(1.0, 0.0)
    knots, curvatures = potential.table()
    return Ridges(bank.filters, bank.exponents, 1.0, 0.0, bank.scale, bank.sigmas, knots, curvatures), history


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: train the banks that are named, or all, and put them where `load` finds them."""
    parser = argparse.ArgumentParser(prog="python -m weep.companion.ridges_train", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], default=[])
    for name in parser.parse_args(arguments).names or NAMES:
        bank, history = train(name, pictures(), progress=True)
        FOLDER.mkdir(exist_ok=True)
        bank.save(FOLDER / f"{name}.npz")
        print(name, *(f"{value:.4g}" for value in history[-1]))


if __name__ == "__main__":
    main()
