"""Tables and verdicts, as the chapters show them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

__all__ = ["Table", "verdicts"]


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


def verdicts(rows: Iterable[tuple[str, bool, str]]) -> Table:
    """A table of claims, each with a verdict that the caller computed.

    Parameters
    ----------
    rows : iterable of (claim, holds, measured)
        ``holds`` must be a computed truth value; ``measured`` says in a few words what decided it.

    Returns
    -------
    Table
        With the columns Claim, Verdict ("holds" or "fails") and Measured.
    """
    return Table(
        ("Claim", "Verdict", "Measured"),
        [(claim, "✓\u00a0holds" if holds else "✗\u00a0fails", measured) for claim, holds, measured in rows],
    )
