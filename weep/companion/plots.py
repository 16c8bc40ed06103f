"""The book's one figure style and its few kinds of figure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..checks import extra

with extra("plots", "figures"):
    import matplotlib.pyplot as plt
    from cycler import cycler
    from matplotlib.axes import Axes
    from matplotlib.patches import Rectangle

from .. import certify

__all__ = [
    "colour_row",
    "image_grid",
    "learning_curves",
    "legend_below",
    "line",
    "panels",
    "penalty_panels",
    "ratios",
    "signal_rows",
    "stacked",
    "use_style",
]

Array = NDArray[np.float64]

# One colour and one dash for each thing that the book compares, in every figure and in the explorer. Penalties have
# Okabe and Ito's colours, which colour-blind readers can tell apart, and where these are used up, two of Tol's; solvers
# and what else is no penalty have Tol's muted ones. The dash says the same once more, for print in grey.
LONG, SHORT, SPARSE = (0, (8, 2)), (0, (2, 1)), (0, (1, 3))
LONG_DOT, DOT_DOT = (0, (8, 2, 1, 2)), (0, (4, 1.5, 1, 1.5, 1, 1.5))
STYLES: dict[str, dict[str, Any]] = {
    "WEEP": {"color": "#0072B2", "linestyle": "-", "linewidth": 2.2},
    "base penalty": {"color": "#882255", "linestyle": LONG_DOT},
    "Capped L2": {"color": "#999933", "linestyle": "--"},
    "L0": {"color": "#000000", "linestyle": ":"},
    "L1": {"color": "#E69F00", "linestyle": "--"},
    "L2": {"color": "#777777", "linestyle": ":"},
    "Huber": {"color": "#009E73", "linestyle": LONG},
    "MCP": {"color": "#D55E00", "linestyle": "-."},
    "SCAD": {"color": "#CC79A7", "linestyle": DOT_DOT},
    "Tukey": {"color": "#997700", "linestyle": "-."},
    "DWF": {"color": "#56B4E9", "linestyle": SHORT},
    "oracle": {"color": "#000000", "linestyle": SPARSE},
    "gradient descent": {"color": "#332288", "linestyle": "-"},
    "Nesterov": {"color": "#CC6677", "linestyle": "--"},
    "SGD": {"color": "#44AA99", "linestyle": "-."},
    "Adam": {"color": "#AA4499", "linestyle": ":"},
    "L-BFGS": {"color": "#000000", "linestyle": "-"},
    "proximal gradient": {"color": "#661100", "linestyle": "-"},
    "FISTA": {"color": "#117733", "linestyle": "--"},
    "ADMM": {"color": "#777777", "linestyle": "-."},
}
SERIES = ("#332288", "#CC6677", "#44AA99", "#AA4499")
DASHES = ("-", "--", "-.", ":")
GUIDE: dict[str, Any] = {
    "color": "#999999",
    "linestyle": "-",
    "linewidth": 0.8,
    "zorder": 0,
}  # diagonals, corners, zero lines
MAGNIFIED = "#F0E442"


def use_style() -> None:
    """Set the figure style of the book: readable size, light grid, no frame on top and right."""
    plt.rcParams.update(
        {
            "figure.dpi": 130,
            "figure.constrained_layout.use": True,
            "figure.facecolor": "white",
            "font.size": 11,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=SERIES),
            "grid.color": "#dddddd",
            "legend.frameon": False,
            "lines.linewidth": 1.8,
        }
    )


def panels(titles: Sequence[str], xlabel: str, height: float = 3.0, rows: int = 1) -> list[Axes]:
    """Panels in a row or in rows, with titles and a common label of the x-axis.

    Parameters
    ----------
    titles : sequence of str
        One for each panel.
    xlabel : str
        Name of the x-axis, with its unit if it has one.
    height : float, optional
        Height of a row, in inches. The width is that of the page.
    rows : int, optional
        Number of rows.

    Returns
    -------
    list of matplotlib.axes.Axes
        From left to right, and from top to bottom.
    """
    _, axes = plt.subplots(rows, len(titles) // rows, figsize=(9, height * rows), squeeze=False)
    for axis, title in zip(axes.flat, titles, strict=True):
        axis.set_title(title, fontsize="medium")
        axis.set_xlabel(xlabel)
    return list(axes.flat)


def legend_below(axis: Axes, ncols: int = 4) -> None:
    """Put one legend below the whole figure, with the curves of one of its panels.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        The panel.
    ncols : int, optional
        Entries in a row.
    """
    axis.figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=ncols)


def line(axis: Axes, x: Array, y: Array, label: str, index: int = 0, **style: Any) -> None:
    """Draw a curve in the style of its name, without a bridge across jumps.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where to draw.
    x, y : ndarray
        The curve.
    label : str
        Name in the legend. The book's penalties keep their colour; others take colour number ``index``.
    **style
        Passed on to matplotlib, and stronger than the style of the name.
    """
    steps = np.abs(np.diff(y))
    jumps = np.flatnonzero(steps > 0.05 * np.ptp(y) + 20 * np.median(steps)) + 1
    known = STYLES.get(label, {"color": SERIES[index % 4], "linestyle": DASHES[index % 4]})
    axis.plot(np.insert(x, jumps, x[jumps]), np.insert(y, jumps, np.nan), label=label, **(known | style))


def penalty_panels(penalties: Mapping[str, Callable[[Array], Any]], reach: float, step: float) -> None:
    """Value, derivative and prox of penalties, side by side.

    Only values are used: the derivative is a difference quotient, and the prox the search of `weep.certify`. So the
    picture does not depend on the closed forms that it illustrates.

    Parameters
    ----------
    penalties : mapping of str to callable
        Each takes and returns an array.
    reach : float
        The panels show [−reach, reach].
    step : float
        Step of the prox.
    """
    x = np.linspace(-reach, reach, 602)  # an even number of points, so that 0 is none of them
    h = 1e-7 * reach
    value, slope, moved = panels(["value φ(x)", "derivative φ′(x)", f"prox for step {step:g}"], "x", 3.3)
    moved.set_xlabel("z")
    for index, (label, phi) in enumerate(penalties.items()):
        line(value, x, np.asarray(phi(x)), label, index)
        line(slope, x, (np.asarray(phi(x + h)) - np.asarray(phi(x - h))) / (2 * h), label, index)
        line(moved, x, certify.prox(phi, x, step)[0], label, index)
    moved.plot(x, x, **GUIDE)
    legend_below(value, len(penalties))


def image_grid(images: Mapping[str, Array], inset: tuple[int, int, int], columns: int) -> None:
    """Grey pictures in a grid, each with a part of it magnified three times in its lower corner.

    Parameters
    ----------
    images : mapping of str to ndarray
        Title and picture, all of one shape, in [0, 1].
    inset : (row, column, side)
        The square to magnify, in pixels.
    columns : int
        Pictures in a row.
    """
    row, column, side = inset
    rows = -(-len(images) // columns)
    _, axes = plt.subplots(rows, columns, figsize=(9, 9 * rows / columns * 1.08), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, (title, picture) in zip(axes.flat, images.items(), strict=False):
        height, width = picture.shape
        shades = {"cmap": "gray", "vmin": 0, "vmax": 1, "interpolation": "nearest"}
        axis.imshow(picture, **shades)
        axis.set_title(title, fontsize="medium")
        axis.add_patch(Rectangle((column, row), side, side, fill=False, color=MAGNIFIED, linewidth=1.2))
        corner = axis.inset_axes((1 - 3 * side / width, 0, 3 * side / width, 3 * side / height))
        corner.imshow(picture[row : row + side, column : column + side], **shades)
        corner.set(xticks=[], yticks=[])
        corner.grid(False)
        corner.spines[:].set(visible=True, color=MAGNIFIED, linewidth=1.5)


def colour_row(images: Mapping[str, Array]) -> None:
    """Colour pictures in a row, with titles; values outside [0, 1] are clipped.

    Parameters
    ----------
    images : mapping of str to ndarray
        Title and picture, all of one shape (height, width, 3).
    """
    _, axes = plt.subplots(1, len(images), figsize=(9, 9 / len(images) * 1.12), squeeze=False)
    for axis, (title, picture) in zip(axes.flat, images.items(), strict=True):
        axis.set_axis_off()
        axis.imshow(np.clip(picture, 0, 1), interpolation="nearest")
        axis.set_title(title, fontsize="medium")


def stacked(rows: Mapping[str, Mapping[str, float]], xlabel: str) -> None:
    """Horizontal bars, one for each row, stacked from parts of up to six kinds.

    Parameters
    ----------
    rows : mapping of str to mapping
        Name of the row → amount of each part. All rows have the parts of the first, in its order.
    xlabel : str
        What the amounts count.
    """
    kinds = list(next(iter(rows.values())))
    colors = ("#332288", "#88CCEE", "#CC6677", "#AA4499", "#999999", "#eeeeee")
    _, axis = plt.subplots(figsize=(9, 1.2 + 0.3 * len(rows)))
    left = np.zeros(len(rows))
    for kind, color, hatch in zip(kinds, colors, ("", "//", "", "xx", "", ".."), strict=False):
        width = np.array([row[kind] for row in rows.values()])
        axis.barh(list(rows), width, left=left, color=color, hatch=hatch, edgecolor="white", label=kind, zorder=2)
        left += width
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    axis.set_xlabel(xlabel)
    legend_below(axis, 3)


def signal_rows(clean: Array, rows: Mapping[str, Array], *windows: tuple[int, int]) -> None:
    """Signals one below the other: whole, and magnified in windows, with the clean signal behind.

    Parameters
    ----------
    clean : ndarray of shape (n,)
        The clean signal, drawn in grey.
    rows : mapping of str to ndarray
        Title and signal of each row. A title that starts with a penalty's name, as "L1-TV" does, gives its colour.
    *windows : (first, last)
        What to magnify: a column each, in samples.
    """
    ratios = {"width_ratios": [2, *[1] * len(windows)]}
    figure, axes = plt.subplots(
        len(rows), 1 + len(windows), figsize=(9, 1.35 * len(rows)), sharex="col", sharey="col", gridspec_kw=ratios
    )
    for row, (title, x) in zip(axes, rows.items(), strict=True):
        row[0].set_title(title, fontsize="medium", loc="left")
        color = STYLES.get(title.removesuffix("-TV"), {}).get("color", "black")
        for axis, (first, last) in zip(row, [(0, clean.size), *windows], strict=True):
            i = np.arange(first, last)
            axis.plot(i, clean[first:last], color="#bbbbbb", linewidth=2.5)
            axis.plot(i, x[first:last], color=color, linewidth=0.9)
    for first, last in windows:
        axes[0, 0].axvspan(first, last, color=MAGNIFIED, alpha=0.4, linewidth=0)
    figure.supxlabel("sample", fontsize="medium")


def learning_curves(runs: Mapping[str, tuple[Array, Array, Array]]) -> None:
    """Score and objective gap of solvers against iterations and against seconds.

    Parameters
    ----------
    runs : mapping of str to (seconds, score, gap)
        Each of shape (n_iter,). The name is that of a penalty, a comma, and that of the solver.
    """
    _, axes = plt.subplots(2, 2, figsize=(9, 6), sharex="col", sharey="row")
    for name, (seconds, score, gap) in runs.items():
        penalty, solver = name.split(", ")
        style = STYLES[penalty] | {"linestyle": {"ADMM": "-", "L-BFGS": "--"}.get(solver, ":"), "linewidth": 1.8}
        style |= {"marker": {"L1": "o", "MCP": "s"}.get(penalty), "markevery": 0.15, "markersize": 4}
        for column, time in enumerate((np.arange(1, len(seconds) + 1), 1e3 * seconds)):
            axes[0, column].semilogx(time, score, label=name, **style)
            axes[1, column].loglog(time, np.maximum(gap, 1e-13), **style)
    axes[0, 0].set_ylabel("PSNR (dB)")
    axes[1, 0].set_ylabel("relative objective gap")
    axes[1, 0].set_xlabel("iterations")
    axes[1, 1].set_xlabel("milliseconds")
    legend_below(axes[0, 0], 3)


def ratios(rows: Sequence[tuple[str, float, float]]) -> None:
    """Measured ratios and their targets, on a logarithmic axis, one job a line.

    Parameters
    ----------
    rows : sequence of (job, ratio, target)
        More is better. A ratio that is NaN was not measured: its line has a target and no dot, so that the figure is
        as high as where it was.
    """
    _, axis = plt.subplots(figsize=(9, 0.32 * len(rows) + 1))
    for height, (_job, ratio, target) in enumerate(rows):
        if np.isnan(ratio):
            axis.plot(target, height, "|", color="#000000", markersize=14)
            continue
        met = ratio >= target
        color = SERIES[0] if met else SERIES[1]
        axis.plot([1, ratio], [height, height], color=color, linewidth=1.2)
        axis.plot(ratio, height, "o", color=color, markerfacecolor=color if met else "white", zorder=3)
        axis.plot(target, height, "|", color="#000000", markersize=14)
        axis.annotate(f"{ratio:.3g}", (ratio, height), (6, 5), textcoords="offset points", fontsize="x-small")
    axis.set(xscale="log", yticks=range(len(rows)), xlabel="times faster than the reference (| target)")
    axis.set_yticklabels([row[0] for row in rows], fontsize="small")
    axis.axvline(1, **GUIDE)
    axis.invert_yaxis()
