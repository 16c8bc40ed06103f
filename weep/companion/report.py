"""Tables and verdicts, as the chapters show them."""

import functools
import importlib
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import nonnegative, real
from .frontend import request, shell

__all__ = [
    "VERDICTS",
    "Entry",
    "Finding",
    "Judge",
    "Table",
    "Verdicts",
    "claims",
    "collect",
    "judge",
    "ledger",
    "slug",
    "tally",
    "verdicts",
]

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


class _Judged:
    """A verdict as a chapter shows it: one line, and for other pages the numbers of the claims that it settles."""

    def __init__(self, line: str, found: dict[str, dict[str, str]]) -> None:
        self.line, self.found = line, found

    def __repr__(self) -> str:
        return self.line

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
            Whether the claim holds. A pair says whether it holds as it stands, and whether it does under the condition
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
            raise ValueError(f"because={because!r} must say what decided, in one line without a vertical bar")
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


@dataclass(frozen=True)
class Finding:
    """What one page found about one claim of the paper.

    Parameters
    ----------
    verdict : str
        ``"holds"``, ``"conditional"``, ``"fails"`` or ``"unsettled"``.
    measured : str
        What decided it.
    link : str
        Title of the page, as a link to the heading above the verdict, in Markdown.
    """

    verdict: str
    measured: str
    link: str


@dataclass(frozen=True)
class Entry:
    """A claim of the paper with its verdict.

    Parameters
    ----------
    number, where, claim : str
        From the list of claims.
    verdict : str
        A key of `VERDICTS`.
    measured : str
        What decided it, or why nothing can.
    links : tuple of str
        Where it is shown.
    """

    number: str
    where: str
    claim: str
    verdict: str
    measured: str
    links: tuple[str, ...] = ()

    def row(self) -> tuple[str, ...]:
        """Number, claim, verdict, what decided it, and links, as cells of a table."""
        return self.number, self.claim, VERDICTS[self.verdict], self.measured, ", ".join(self.links) or "–"


def collect(folder: str | os.PathLike[str], leave_out: Sequence[str] = ()) -> dict[str, list[Finding]]:
    """The verdicts on numbered claims that the notebooks of a folder store.

    Parameters
    ----------
    folder : path
        Where the notebooks are.
    leave_out : sequence of str, optional
        Names of notebooks not to read, without their ending.

    Returns
    -------
    dict
        Number of the claim → what was found, in the order of the pages.
    """
    found: dict[str, list[Finding]] = {}
    for path in sorted(Path(folder).glob("*.ipynb")):
        if path.stem in leave_out:
            continue
        title = anchor = ""
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                headings = re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)
                title = title or (headings or [""])[0]
                anchor = slug(headings[-1]) if headings else anchor
            for output in cell.get("outputs", ()):
                for number, verdict in output.get("data", {}).get(VERDICTS_TYPE, {}).items():
                    found.setdefault(number, []).append(Finding(**verdict, link=f"[{title}]({path.name}#{anchor})"))
    return found


def ledger(listed: Iterable[Mapping[str, str]], found: Mapping[str, Sequence[Finding]]) -> list[Entry]:
    """One verdict for each claim.

    A claim that does not hold as it stands, and of which the list says that it contradicts another claim, gets the
    verdict ``"contradicts"``. A claim that sums up others, which the list names as its parts, holds as far as all of
    them do, if no page judges it by itself.

    Parameters
    ----------
    listed : iterable of mappings
        Each with ``number``, ``where``, ``claim``, and perhaps ``uncheckable``, ``contradicts`` or ``parts``.
    found : mapping
        As `collect` returns it.

    Returns
    -------
    list of Entry
        In the order of the claims.

    Raises
    ------
    ValueError
        If a finding has a number that is not in the list; if a claim is judged although the list says that it cannot
        be; if two pages disagree; or if a claim that is said to contradict another one holds.
    """
    listed = list(listed)
    unknown = set(found) - {claim["number"] for claim in listed}
    if unknown:
        raise ValueError(f"found={sorted(unknown)} must be numbers of listed claims")
    entries = {claim["number"]: _entry(claim, found.get(claim["number"], ())) for claim in listed}
    for claim in listed:
        if "parts" in claim and claim["number"] not in found:
            entries[claim["number"]] = _summary(claim, [entries[number] for number in claim["parts"].split()])
    return list(entries.values())


def tally(entries: Iterable[Entry]) -> Table:
    """How many claims got which verdict.

    Parameters
    ----------
    entries : iterable of Entry
        As `ledger` returns them.

    Returns
    -------
    Table
        One row for each verdict that occurs, and one for all.
    """
    counts = Counter(entry.verdict for entry in entries)
    rows = [(shown, counts[verdict]) for verdict, shown in VERDICTS.items() if counts[verdict]]
    return Table(("verdict", "claims of the paper"), [*rows, ("all", counts.total())])


def _entry(claim: Mapping[str, str], found: Sequence[Finding]) -> Entry:
    number, reason = claim["number"], claim.get("uncheckable", "")
    verdicts = {finding.verdict for finding in found}
    if reason and found:
        raise ValueError(f"{number} is judged in {found[0].link}, and listed as one that cannot be checked")
    if len(verdicts) > 1:
        raise ValueError(f"{number} is judged differently in {' and '.join(finding.link for finding in found)}")
    verdict = verdicts.pop() if verdicts else "uncheckable" if reason else "open"
    measured = "; ".join(dict.fromkeys(finding.measured for finding in found)) or reason or "–"
    if "contradicts" in claim and verdict == "holds":
        raise ValueError(f"{number} holds, and is listed as one that contradicts {claim['contradicts']}")
    if "contradicts" in claim and verdict in ("conditional", "fails"):
        verdict, measured = "contradicts", f"{claim['contradicts']}: {measured}"
    links = tuple(dict.fromkeys(finding.link for finding in found))
    return Entry(number, claim["where"], claim["claim"], verdict, measured, links)


def _summary(claim: Mapping[str, str], parts: Sequence[Entry]) -> Entry:
    severity = ("holds", "unsettled", "conditional", "contradicts", "fails", "open")
    worst = max(parts, key=lambda part: severity.index(part.verdict))
    verdict = "fails" if worst.verdict == "contradicts" else worst.verdict
    why = "–" if verdict == "open" else f"as {worst.number}: {worst.measured}"
    if verdict == "holds":
        why = f"as {', '.join(part.number for part in parts)}"
    links = tuple(dict.fromkeys(link for part in parts for link in part.links)) if verdict != "open" else ()
    return Entry(claim["number"], claim["where"], claim["claim"], verdict, why, links)


def slug(title: str) -> str:
    """The anchor that the book gives a heading: small letters, no formulas, no punctuation, hyphens for blanks."""
    words = re.sub(r"\$[^$]*\$", "", title).strip().lower()
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
