"""The ledger: what the pages found about the claims of the paper, and one verdict for each."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .report import VERDICTS, VERDICTS_TYPE, Table

__all__ = ["Entry", "Finding", "collect", "finding", "ledger", "slug", "table", "tally"]

#: A verdict as it is shown, and what it is called.
JUDGED = re.compile(r"\*\*(?P<verdict>[^*]+)\*\*: (?P<claim>.+) \*Because:\* (?P<because>.+)\.")
VERDICT_OF = {shown: verdict for verdict, shown in VERDICTS.items()}


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
        for link, data in _outputs(path):
            for number, verdict in data.get(VERDICTS_TYPE, {}).items():
                found.setdefault(number, []).append(Finding(**verdict, link=link))
    return found


def finding(folder: str | os.PathLike[str], page: str, claim: str) -> Finding:
    """The verdict on a claim without a number: a finding of the book itself, as the notebook of a page stores it.

    Parameters
    ----------
    folder : path
        Where the notebooks are.
    page : str
        Name of the notebook, without its ending.
    claim : str
        A regular expression that the sentence of one claim matches.

    Returns
    -------
    Finding
        What was found.

    Raises
    ------
    ValueError
        If not exactly one verdict of the page matches.
    """
    path = Path(folder, f"{page}.ipynb")
    found, seen = [], []
    for link, data in _outputs(path):
        if line := JUDGED.fullmatch("".join(data.get("text/markdown", ""))):
            seen.append(line["claim"])
            if re.search(claim, line["claim"]):
                found.append(Finding(VERDICT_OF[line["verdict"]], line["because"], link))
    if len(found) != 1:
        raise ValueError(f"claim={claim!r} must match one verdict of {path.name}, and matches {len(found)} of {seen}")
    return found[0]


def table(folder: str | os.PathLike[str], page: str, label: str) -> str:
    """The first table below a label, as the notebook of a page stores it: for another page to quote.

    Parameters
    ----------
    folder : path
        Where the notebooks are.
    page : str
        Name of the notebook, without its ending.
    label : str
        The label, which stands as ``(label)=`` in a cell of text.

    Returns
    -------
    str
        The table, in Markdown.

    Raises
    ------
    ValueError
        If the page has no such label, or no table after it.
    """
    path, below = Path(folder, f"{page}.ipynb"), False
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        below |= f"({label})=\n" in "".join(cell["source"])
        for output in cell.get("outputs", ()) if below else ():
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text.startswith("| "):
                return text
    raise ValueError(f"label={label!r} must be a label of {path.name} with a table below it")


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


def _outputs(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The data of each output of a notebook, and before it a link to the heading above, in Markdown."""
    title = anchor = ""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            headings = re.findall(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)
            title = title or (headings or [""])[0]
            anchor = slug(headings[-1]) if headings else anchor
        for output in cell.get("outputs", ()):
            yield f"[{title}]({path.name}#{anchor})", output.get("data", {})


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
