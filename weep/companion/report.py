"""Tables and verdicts, as the chapters show them."""

import functools
import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import nonnegative, real
from .frontend import request, shell

__all__ = ["VERDICTS", "Judge", "Table", "claims", "judge"]

#: How a verdict is shown: the first four are a chapter's, the ledger adds the others.
VERDICTS = {
    "holds": "✓\u00a0holds",
    "conditional": "◐\u00a0holds under a condition",
    "fails": "✗\u00a0fails",
    "unsettled": "…\u00a0not settled",
    "contradicts": "⇄\u00a0contradicts another claim",
    "uncheckable": "–\u00a0cannot be checked",
    "open": "?\u00a0not judged yet",
}
#: The media type in which a verdict tells other pages what it found.
VERDICTS_TYPE = "application/vnd.weep.verdicts+json"


@dataclass(frozen=True)
class Table:
    """A small table that a notebook shows as Markdown and a terminal as text.

    Parameters
    ----------
    columns : sequence of str
        The headings.
    rows : sequence of sequences
        One entry a column, formatted by ``str``: round before you pass a number.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]

    def __repr__(self) -> str:
        cells = [[str(entry) for entry in row] for row in (self.columns, *self.rows)]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = ["| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |" for row in cells]
        lines.insert(1, "| " + " | ".join("-" * w for w in widths) + " |")
        return "\n".join(lines)

    def __str__(self) -> str:
        return printable(repr(self))

    def _repr_markdown_(self) -> str:
        return repr(self)


def printable(text: str) -> str:
    """The text with a question mark for each character that the terminal cannot show."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


@functools.cache
def claims() -> list[dict[str, str]]:
    """The claims of the paper that can be judged, in our words.

    Returns
    -------
    list of dict
        Each with ``number``, ``where``, ``claim``, and perhaps ``uncheckable``, ``contradicts``, ``correction`` or
        ``parts``.
    """
    import yaml

    found: list[dict[str, str]] = yaml.safe_load(Path(__file__).with_name("claims.yml").read_text(encoding="utf-8"))
    return found


class _Judged:
    """A verdict as a chapter shows it: one line, and for other pages the numbers of the claims that it settles."""

    def __init__(self, line: str, found: dict[str, dict[str, str]]) -> None:
        self.line, self.found = line, found

    def __repr__(self) -> str:
        return self.line

    def __str__(self) -> str:
        return printable(self.line)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        shown: dict[str, Any] = {"text/markdown": self.line, "text/plain": self.line}
        return shown | {VERDICTS_TYPE: self.found} if self.found else shown


class Judge:
    """Judges claims where they are measured, and remembers them for the table at the end of a chapter.

    A chapter uses the one judge that this module makes, ``judge``.
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[tuple[str, str, str], Any, int]] = {}  # key → row, cell, and which run of the cell

    def __call__(
        self,
        numbers: str | None = None,
        *,
        claim: str | None = None,
        holds: object = None,
        margin: float | None = None,
        spread: float | None = None,
        because: str,
    ) -> None:
        """Show the verdict on a claim, in the cell that measured it.

        Parameters
        ----------
        numbers : str, optional
            The number of the paper's claim, or several with blanks between them. Their words are those of the list of
            claims.
        claim : str, optional
            One sentence, for a finding of ours that has no number; instead of ``numbers``.
        holds : bool, or (bool, bool), optional
            Whether the claim holds. A pair states whether it holds as it stands, and whether it does on the condition
            that ``because`` names.
        margin, spread : float, optional
            For a measured quantity, instead of ``holds``: how far it lies on the side of the claim, and how far it
            varies over seeds, starts or machines. The claim holds if ``margin > spread``, fails if
            ``margin < -spread``, and is not settled in between.
        because : str
            What decided it, in a few words, with the measured values.

        Raises
        ------
        TypeError
            If ``holds`` is neither a truth value nor a pair of them, or ``margin`` or ``spread`` is no real number.
        ValueError
            If there is no such number; if a claim was judged before, unless by an earlier run of the same cell; if not
            exactly one of ``numbers`` and ``claim``, and of ``holds`` and ``margin`` with ``spread``, is given; if
            ``spread`` is negative or ``because`` is empty, or cannot stand in a table.
        """
        if (numbers is None) == (claim is None):
            raise ValueError(f"numbers={numbers!r} or claim={claim!r} must be given, and not both")
        if not because.strip() or set(because) & set("|\n"):
            raise ValueError(f"because={because!r} must name what decided, in one line without a vertical bar")
        verdict = _verdict(holds, margin, spread)
        words = {one["number"]: one["claim"] for one in claims()}
        keys = [claim] if claim is not None else str(numbers).split()
        said = [claim] if claim is not None else [words.get(number, "") for number in keys]
        if not keys or not all(said):
            raise ValueError(f"numbers={numbers!r} must be numbers of listed claims")
        cell, run = _where()
        self._rows = {key: row for key, row in self._rows.items() if row[1] != cell or row[2] == run}
        if twice := [key for n, key in enumerate(keys) if key in self._rows or key in keys[:n]]:
            raise ValueError(f"{twice[0]!r} was judged before; if you have changed that cell, restart the kernel")
        for key, sentence in zip(keys, said, strict=True):
            self._rows[key] = (sentence, VERDICTS[verdict], because), cell, run
        label = "" if claim is not None else f" ({', '.join(keys)})"
        line = f"**{VERDICTS[verdict]}**{label}: {' '.join(said)} *Because:* {because.rstrip('.')}."
        _show(
            _Judged(line, {} if claim is not None else {key: {"verdict": verdict, "measured": because} for key in keys})
        )

    def table(self) -> Table:
        """All that this notebook judged, in order.

        Returns
        -------
        Table
            With the columns Claim, Verdict and Because. It does not tell other pages again what the verdicts told.
        """
        return Table(("Claim", "Verdict", "Because"), [row for row, _, _ in self._rows.values()])


judge = Judge()


def _verdict(holds: object, margin: float | None, spread: float | None) -> str:
    if (holds is None) == (margin is None) or (margin is None) != (spread is None):
        raise ValueError(f"holds={holds!r}, or margin={margin!r} and spread={spread!r}, must be given, and not both")
    if margin is not None and spread is not None:
        allowed, margin = nonnegative("spread", spread), real("margin", margin)
        return "holds" if margin > allowed else "fails" if margin < -allowed else "unsettled"
    pair = holds if isinstance(holds, tuple) else (holds, holds)
    if len(pair) != 2 or not all(isinstance(value, bool | np.bool_) for value in pair):
        raise TypeError(f"holds={holds!r} must be a truth value or a pair of them")
    return "holds" if pair[0] else "conditional" if pair[1] else "fails"


def _where() -> tuple[Any, int]:
    """The cell that called the judge, and the number of its run; in plain Python its file, which runs once."""
    # A front end may name the cell; then an edited cell is the same cell. Else a notebook's cell is a file, which is
    # named by its content.
    cell = request().get("metadata", {}).get("cellId") or sys._getframe(2).f_code.co_filename
    return cell, getattr(shell(), "execution_count", 0)


def _show(thing: object) -> None:
    if shell() is None:
        print(thing)
    else:
        importlib.import_module("IPython.display").display(thing)
