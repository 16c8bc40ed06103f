"""One meaning a colour: the table of styles, its use in the notebooks, and its copy in the explorer."""

import itertools
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from weep.companion import plots

BOOK = Path(__file__).parent.parent.parent / "book"
PENALTIES = list(plots.STYLES)[: list(plots.STYLES).index("oracle")]
HEX = re.compile(r"#[0-9A-Fa-f]{6}\b")


def test_each_penalty_has_a_colour_of_its_own():
    colours = [plots.STYLES[name]["color"] for name in PENALTIES]
    assert len(set(colours)) == len(colours) > 10


def test_no_two_styles_share_colour_and_dash():
    pairs = [(style["color"], style["linestyle"]) for style in plots.STYLES.values()]
    assert len(set(pairs)) == len(pairs)
    assert not {style["color"] for style in plots.STYLES.values()} & {plots.GUIDE["color"], plots.MAGNIFIED}


@pytest.mark.parametrize(
    "together",
    [  # what one figure of the book compares
        ("WEEP", "base penalty", "Capped L2"),
        ("WEEP", "base penalty", "MCP", "Huber", "L1", "L2"),
        ("WEEP", "L0", "L1", "MCP"),
        ("WEEP", "L2", "Huber", "Tukey"),
        ("WEEP", "L1", "L2", "Huber", "MCP", "SCAD", "DWF"),
        ("WEEP", "L1", "MCP", "SCAD"),
        ("gradient descent", "Nesterov", "SGD", "Adam", "L-BFGS"),
        ("proximal gradient", "FISTA", "ADMM"),
    ],
)
def test_dashes_alone_tell_apart_what_one_figure_compares(together):
    dashes = [plots.STYLES[name]["linestyle"] for name in together]
    solid = together[0] == "gradient descent"  # L-BFGS is a solid line too, and black
    assert len(set(dashes)) == len(dashes) - solid


def luminance(colour):
    """Relative luminance of an sRGB colour, as the accessibility guidelines have it."""
    c = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def test_lines_stand_out_from_the_page():
    for name, style in plots.STYLES.items():
        assert 1.05 / (luminance(style["color"]) + 0.05) > 2.2, name


def test_explorer_draws_in_the_same_colours_and_dashes():
    script = (BOOK / "_explorer" / "explorer.js").read_text(encoding="utf-8")
    drawn = dict(re.findall(r"""(\w+): (\["#\w+", "\w+"\])""", script))
    dashes = {"solid": "-", "dash": "--", "dashdot": "-.", "dot": ":"}
    dashes |= {"longdash": plots.LONG, "longdashdot": plots.LONG_DOT}
    names = {"weep": "WEEP", "base": "base penalty", "mcp": "MCP", "huber": "Huber", "l1": "L1", "l2": "L2"}
    for short, name in names.items():
        colour, dash = json.loads(drawn[short])
        assert (colour, dashes[dash]) == (plots.STYLES[name]["color"], plots.STYLES[name]["linestyle"])


def test_notebooks_take_their_colours_from_the_table():
    table = {style["color"] for style in plots.STYLES.values()} | {*plots.SERIES, plots.GUIDE["color"]}
    for path in BOOK.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "".join(itertools.chain(*(cell["source"] for cell in cells if cell["cell_type"] == "code")))
        assert set(HEX.findall(code)) <= table, path.name


def test_a_ratio_that_was_not_measured_keeps_its_line():
    plots.ratios([("slow", float("nan"), 5.0), ("fast", 2.0, 1.0)])
    axis = plt.gca()
    assert [label.get_text() for label in axis.get_yticklabels()] == ["slow", "fast"]
    assert [line.get_marker() for line in axis.lines].count("o") == 1
    assert [line.get_marker() for line in axis.lines].count("|") == 2
    plt.close()


def test_signal_rows_draw_each_method_in_its_colour():
    x = np.arange(8.0)
    plots.signal_rows(x, {"noisy": x, "L1-TV": x}, (2, 5))
    colours = [axis.lines[1].get_color() for axis in plt.gcf().axes]
    assert colours == ["black", "black", *2 * [plots.STYLES["L1"]["color"]]]
    plt.close()
