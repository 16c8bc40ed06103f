"""Tables and verdicts, as the chapters show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["VERDICTS", "Table", "Verdicts", "verdicts"]

#: How a verdict is shown.
VERDICTS = {
    "holds": "✓\u00a0holds",
    "conditional": "◐\u00a0holds under a condition",
    "fails": "✗\u00a0fails",
}
#: The media type in which a table of verdicts tells other pages what it found.
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

    def _repr_markdown_(self) -> str:
        return repr(self)


@dataclass(frozen=True)
class Verdicts(Table):
    """A table of claims and verdicts; those on claims of the paper also go to other pages, by their numbers.

    Parameters
    ----------
    columns, rows
        As in `Table`.
    found : dict
        Number of the paper's claim → ``{"verdict": ..., "measured": ...}``.
    """

    found: dict[str, dict[str, str]]

    __repr__ = Table.__repr__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = {"text/markdown": repr(self), "text/plain": repr(self)}
        if self.found:
            bundle[VERDICTS_TYPE] = self.found
        return bundle


def verdicts(rows: Iterable[tuple[Any, ...]]) -> Verdicts:
    """A table of claims, each with a verdict that the caller computed.

    Parameters
    ----------
    rows : iterable of (claim, holds, measured) or (claim, holds, measured, number)
        ``holds`` must be a computed truth value, or a pair of them: whether the claim holds as it stands, and whether
        it holds under the condition that ``measured`` names. ``measured`` says in a few words what decided it.
        ``number`` is that of the claim of the paper in the ledger, or several with blanks between them.

    Returns
    -------
    Verdicts
        With the columns Claim, Verdict and Measured.

    Raises
    ------
    ValueError
        If a number occurs twice.
    """
    shown, found = [], {}
    for claim, holds, measured, *numbers in rows:
        as_stated, under_condition = holds if isinstance(holds, tuple) else (holds, holds)
        verdict = "holds" if as_stated else "conditional" if under_condition else "fails"
        shown.append((claim, VERDICTS[verdict], measured))
        for number in " ".join(numbers).split():
            if number in found:
                raise ValueError(f"number={number!r} must occur once in a table of verdicts")
            found[number] = {"verdict": verdict, "measured": measured}
    return Verdicts(("Claim", "Verdict", "Measured"), shown, found)
