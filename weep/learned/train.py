"""Train a bank: ``python -m weep.learned.train bank.npz``. Needs PyTorch, scikit-image, scikit-learn and Matplotlib."""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import extra, integer, positive
from .bank import Bank, load
from .data import pictures
from .filters import Filters
from .minimise import minimise
from .model import SIGMAS, Model, Slope, WEEPs

with extra("torch", "training a bank"):
    import torch
    from torch.nn import functional

__all__ = ["fit", "pictures", "train"]

Array = NDArray[Any]


def _extend(x: Any, q: int) -> Any:
    for axis in (-1, -2):
        n = x.shape[axis]
        x = torch.cat([x.narrow(axis, 0, q).flip(axis), x, x.narrow(axis, n - q, q).flip(axis)], axis)
    return x


def _adjoint(u: Any, bank: Any) -> Any:
    side = bank.shape[-1]
    q, (height, width) = side // 2, u.shape[2:]
    z = functional.fold(bank.flatten(1).T @ u.flatten(2), (height + side - 1, width + side - 1), side)
    for axis in (-1, -2):
        n = z.shape[axis] - 2 * q
        out = z.narrow(axis, q, n).clone()
        out.narrow(axis, 0, q).add_(z.narrow(axis, 0, q).flip(axis))
        out.narrow(axis, n - q, q).add_(z.narrow(axis, n + q, q).flip(axis))
        z = out
    return z


def _solve(y: Any, bank: Any, slope: Slope, steps: int) -> Any:
    """Accelerated gradient with restart, as in `weep.learned.denoise`."""
    q, step, theta = bank.shape[-1] // 2, 1 / (1 + max(1.0, slope.steepest)), 1.0
    x = v = y
    for _ in range(steps):
        gradient = (v - y).add_(_adjoint(slope.replace(functional.conv2d(_extend(v, q), bank)), bank))
        after = v - step * gradient
        move = after - x
        if float((gradient * move).sum()) > 0:
            v, theta = after, 1.0
        else:
            following = (1 + math.sqrt(1 + 4 * theta * theta)) / 2
            v = after + (theta - 1) / following * move + 0.85 * theta / following * (after - v)
            theta = following
        x = after
    return x


def _minimise(y: Any, bank: Any, slope: Any, tol: float) -> Any:
    """The same with the solver of `weep.learned.denoise`, to its tolerance."""
    operator = Filters(bank[:, 0].numpy(), y.shape[2:], np.float32)
    return torch.tensor(np.array([minimise(one, operator, slope, tol, 300)[0] for one in y[:, 0].numpy()]))[:, None]


def _dual(x: Any, clean: Any, bank: Any, slope: Slope, steps: int = 25) -> tuple[float, Any]:
    """The mean squared error, and q with H q = gradient of its logarithm, for the Hessian H at the minimum, by CG."""
    side = bank.shape[-1] // 2
    curvature = slope.curvature(functional.conv2d(_extend(x, side), bank))
    error = x - clean
    mse = float(error.square().mean())
    r = 2 * error / error.numel() / max(mse, 1e-12)
    q, d, rr = torch.zeros_like(r), r.clone(), float(r.square().sum())
    enough = 1e-4 * rr
    for _ in range(steps):
        hd = d + _adjoint(functional.conv2d(_extend(d, side), bank).mul_(curvature), bank)
        length = rr / max(float((d * hd).sum()), 1e-30)
        q, r, before = q + length * d, r - length * hd, rr
        rr = float(r.square().sum())
        if rr <= enough:
            break
        d = r + rr / before * d
    return mse, q


def train(
    images: Sequence[Array],
    *,
    even: int = 6,
    odd: int = 6,
    side: int = 5,
    steps: int = 500,
    batch: int = 8,
    patch: int = 40,
    rate: float = 0.03,
    inner: int = 80,
    tol: float | None = None,
    seed: int = 0,
    convex: bool = False,
    start: Bank | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> tuple[Bank, list[tuple[float, ...]]]:
    """Learn a bank from pictures, by the derivative of the denoised picture at its minimum.

    Parameters
    ----------
    images : sequence of ndarray
        Clean grey pictures in [0, 1], none smaller than ``patch``.
    even, odd : int, optional
        How many filters are even and odd under point reflection. Each also counts as its mirror image.
    side : int, optional
        Side of a filter in pixels, odd.
    steps, batch, patch : int, optional
        Steps of AdamW, patches in each, and their side.
    rate : float, optional
        The largest rate. It rises over ten steps, and falls along a cosine.
    inner : int, optional
        Gradient steps to the minimum. With too few, the strength that is learned is that of a point far from it, and
        the minimum smooths too much in strong noise.
    tol : float, optional
        Stop at this tolerance of `weep.learned.denoise` instead, with its solver. Patches of 64 × 64 pixels and more
        are then treated by compiled code, which for large filters is several times as fast.
    seed : int, optional
        Of the filters at the start, the patches and the noise.
    convex : bool, optional
        Learn a Huber loss instead of a WEEP.
    start : Bank, optional
        Begin at this bank and at its filters made larger, as `Model.begin` says, and learn a scale for each filter.
    checkpoint : path, optional
        Where the state is kept every 50 steps. If the file is there, training goes on from it.
    progress : bool, optional
        Show a bar (needs tqdm).

    Returns
    -------
    bank : Bank
        The result.
    history : list of (step, gain, a, b)
        Every 50 steps: the mean gain over the noisy patches in dB, and the WEEP.

    Raises
    ------
    ValueError
        If a picture is smaller than a patch, or a number is outside its domain.

    Notes
    -----
    At the minimum x of F(·, θ), with H its Hessian, a loss ℓ(x) has the derivative
    :math:`-q^\\top\\partial_\\theta\\nabla F(x, \\theta)` with :math:`Hq = \\nabla\\ell(x)`: one system, by conjugate
    gradients. The loss is the logarithm of the mean squared error, so that all noise levels count alike, in dB.
    """
    for name, value in (("even", even), ("odd", odd)):
        integer(name, value, least=1)
    if integer("side", side, least=3) % 2 == 0:
        raise ValueError(f"side={side!r} must be odd")
    potential = WEEPs(convex)
    model = Model(even, odd, side, seed, potential, each=start is not None)
    if start is not None:
        model.begin(start)
    options: dict[str, Any] = {"tol": tol, "checkpoint": checkpoint, "progress": progress}
    history = fit(model, images, steps, batch, patch, rate, inner, seed, **options)
    return model.bank(*potential.weep()), history


def fit(
    model: Model,
    images: Sequence[Array],
    steps: int = 500,
    batch: int = 8,
    patch: int = 40,
    rate: float = 0.03,
    inner: int = 80,
    seed: int = 0,
    *,
    tol: float | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = False,
) -> list[tuple[float, ...]]:
    """Train a model whose potential need be no WEEP, as `train` does.

    Parameters
    ----------
    model : Model
        Changed in place. Each of its potential's curvatures must be at least −1 for the problem to be convex.
    images, steps, batch, patch, rate, inner, seed, tol, checkpoint, progress
        As in `train`.

    Returns
    -------
    list of tuples
        Every 50 steps: the step, the mean gain over the noisy patches in dB, and the numbers of the potential.

    Raises
    ------
    ValueError
        If a picture is smaller than a patch, or a number is outside its domain.
    """
    for name, value in (("steps", steps), ("batch", batch), ("patch", patch), ("inner", inner)):
        integer(name, value, least=1)
    positive("rate", rate)
    if any(min(p.shape) < patch for p in images):
        raise ValueError(f"no picture may be smaller than patch={patch!r}")
    optimiser = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda i: min(1, (i + 1) / 10) * (1 + math.cos(math.pi * i / steps)) / 2
    )
    history: list[tuple[float, ...]] = []
    recent: list[float] = []
    first = 0
    if checkpoint is not None and Path(checkpoint).exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first, history = state["step"], [tuple(row) for row in state["history"]]
    for i in _bar(range(first, steps), progress):
        rng = np.random.default_rng((seed, i))  # of its own in each step, so that a resumed run is the same run
        sigma = math.exp(rng.uniform(*np.log(SIGMAS)))
        clean = torch.tensor(np.array([_patch(images, patch, rng) for _ in range(batch)]), dtype=torch.float32)[:, None]
        y = clean + sigma * torch.tensor(rng.standard_normal(clean.shape), dtype=torch.float32)
        bank, slope = model(sigma)
        with torch.no_grad():
            x = _solve(y, bank, slope, inner) if tol is None else _minimise(y, bank, slope, tol)
            mse, q = _dual(x, clean, bank, slope, 25 if tol is None else 12)
        border = bank.shape[-1] // 2
        u, along = (functional.conv2d(_extend(z, border), bank) for z in (x, q))
        optimiser.zero_grad()
        (-(along * slope(u)).sum()).backward()
        optimiser.step()
        schedule.step()
        recent.append(10 * math.log10(sigma**2 / mse))
        if (i + 1) % 50 == 0 or i + 1 == steps:
            history.append(
                (i + 1, float(np.mean(recent)), *(float(value.detach()) for value in model.potential.numbers()))
            )
            recent.clear()
            if checkpoint is not None:
                parts: dict[str, Any] = {"model": model, "optimiser": optimiser, "schedule": schedule}
                kept = {name: part.state_dict() for name, part in parts.items()}
                torch.save({**kept, "step": i + 1, "history": history}, checkpoint)
    return history


def _patch(images: Sequence[Array], side: int, rng: np.random.Generator) -> Array:
    image = images[int(rng.integers(len(images)))]
    row, column = (int(rng.integers(n - side + 1)) for n in image.shape)
    cut = image[row : row + side, column : column + side]
    return cut.T if rng.random() < 0.5 else cut


def _bar(steps: range, progress: bool) -> Any:
    if not progress:
        return steps
    with extra("tune", "a progress bar"):
        from tqdm import tqdm
    return tqdm(steps)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command: train on `pictures`, and write the bank and its history, as CSV, beside it."""
    parser = argparse.ArgumentParser(prog="python -m weep.learned.train", description=__doc__)
    parser.add_argument("output", type=Path, help="the bank, a file .npz; a file .pt beside it keeps the state")
    numbers = {"steps": 500, "batch": 8, "patch": 40, "even": 6, "odd": 6, "side": 5, "seed": 0, "rate": 0.03}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    parser.add_argument("--tol", type=float, help="find each minimum to this tolerance, by the solver of the package")
    parser.add_argument("--convex", action="store_true", help="learn a Huber loss instead of a WEEP")
    parser.add_argument("--start", type=load, help="begin at this stored bank, with a scale for each filter")
    options = vars(parser.parse_args(arguments))
    output = options.pop("output")
    bank, history = train(pictures(), **options, checkpoint=output.with_suffix(".pt"), progress=True)
    bank.save(output)
    rows = np.array(history)
    np.savetxt(output.with_suffix(".csv"), rows, "%.6g", ",", header="step,gain,a,b", comments="")


if __name__ == "__main__":
    main()
