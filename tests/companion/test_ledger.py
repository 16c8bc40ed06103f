"""The list of the paper's claims has its form, and every claim has its verdict."""

import json
import re
from pathlib import Path

import pytest

from weep.companion import ledger, report

BOOK = Path(__file__).parent.parent.parent / "book"
CLAIMS = report.claims()
NUMBERS = [claim["number"] for claim in CLAIMS]


def faults(claims):
    """What is wrong with a list of claims, one line each."""
    numbers = [claim.get("number", "") for claim in claims]
    found = [f"{number} occurs twice" for number in set(numbers) if numbers.count(number) > 1]
    for claim in claims:
        name = claim.get("number", "")
        if not re.fullmatch(r"(abs|eq|[TF]\d|[IV]+(-[A-E])?)\.[\w.]+", name):
            found.append(f"{name!r} is no number")
        if set(claim) - {"number", "where", "claim", "uncheckable", "contradicts", "correction", "parts"}:
            found.append(f"{name} has a field of another name")
        if not re.match(r"(Abstract|Section|Equation|Fig\.|Table|Caption of)", claim.get("where", "")):
            found.append(f"{name} does not say where it is")
        if not re.fullmatch(r"[^.!].{9,110}\.", claim.get("claim", "")):
            found.append(f"{name} is not one short sentence")
        if len(claim.get("uncheckable", "a good enough reason")) < 20:
            found.append(f"{name} gives no reason")
        if "contradicts" in claim and claim["contradicts"] not in set(numbers) - {name}:
            found.append(f"{name} contradicts a claim that is not listed")
        if not set(claim.get("parts", "").split()) <= set(numbers) - {name}:
            found.append(f"{name} sums up a claim that is not listed")
    return found


def test_claims_have_their_form_and_cover_the_paper():
    assert faults(CLAIMS) == []
    assert {f"eq.{n}" for n in range(1, 13)} <= set(NUMBERS)
    for row in ("sparsity", "bias", "differentiable", "convexity", "vanishing", "prox", "features", "loss"):
        assert {f"T1.{row}.{column}" for column in ("WEEP", "L1", "MCP", "L2", "DWF")} <= set(NUMBERS)
    for place in ("abs", "F1", "F2", "F3", "F4", "F5", "T2", "T3", "VI"):
        assert any(number.startswith(f"{place}.") for number in NUMBERS), place


def test_the_check_of_claims_can_fail():
    good = {"number": "I.1", "where": "Section I", "claim": "WEEP has a name."}
    assert faults([good]) == []
    for change in (
        {"number": "claim 1"},
        {"where": "somewhere"},
        {"claim": "no sentence"},
        {"uncheckable": "why not"},
        {"contradicts": "I.2"},
        {"contradicts": "I.1"},
        {"parts": "I.1"},
        {"verdict": "holds"},
    ):
        assert len(faults([good | change])) == 1, change
    assert len(faults([good, good])) == 1


def test_every_claim_is_settled_and_no_two_pages_disagree():
    entries = ledger.ledger(CLAIMS, ledger.collect(BOOK))  # raises on unknown numbers and on contradictions
    assert [entry.number for entry in entries] == NUMBERS
    assert [entry.number for entry in entries if entry.verdict == "open"] == []
    for entry in entries:
        assert entry.verdict in report.VERDICTS
        assert len(entry.measured) > 1, entry.number
        assert bool(entry.links) == (entry.verdict != "uncheckable"), entry.number


def test_errata_correct_what_does_not_hold():
    verdict = {entry.number: entry.verdict for entry in ledger.ledger(CLAIMS, ledger.collect(BOOK))}
    for claim in CLAIMS:
        judged = verdict[claim["number"]]
        if "correction" in claim:
            assert judged in ("conditional", "fails", "contradicts"), f"{claim['number']} needs no correction: {judged}"
        elif re.match(r"(abs|eq|I|II|III|IV)(-|\.)", claim["number"]) and "parts" not in claim:
            assert judged in ("holds", "uncheckable", "open"), f"{claim['number']} needs a correction: {judged}"


def anchors(path):
    """The headings and labels of a stored page."""
    if path.suffix == ".ipynb":
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    else:
        text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,3} (.+)$", text, re.MULTILINE)
    return {ledger.slug(heading) for heading in headings} | set(re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE))


def dead(links, pages):
    return [(page, anchor) for page, anchor in links if anchor not in pages.get(page, ())]


def test_links_of_ledger_errata_and_table_of_equations_resolve():
    pages = {path.name: anchors(path) | {""} for path in (*BOOK.glob("*.ipynb"), *BOOK.glob("*.md"))}
    count = 0
    for name in ("ledger.ipynb", "errata.ipynb", "notation.md"):
        text = (BOOK / name).read_text(encoding="utf-8")
        links = re.findall(r"\]\(([\w-]+\.(?:ipynb|md))#?([\w-]*)\)", text)
        assert dead(links, pages) == []
        count += len(links)
    assert count > 50
    assert dead([("04-prox.ipynb", "no-such-heading"), ("none.md", "")], pages) == [
        ("04-prox.ipynb", "no-such-heading"),
        ("none.md", ""),
    ]


def test_a_page_quotes_the_table_below_a_label_of_another():
    quoted = ledger.table(BOOK, "16-inverse", "decision-table")
    head, line, *rows = quoted.splitlines()
    assert head.startswith("| problem") and set(line) == set("|- ") and len(rows) == 8
    cells = json.loads((BOOK / "16-inverse.ipynb").read_text(encoding="utf-8"))["cells"]
    (below,) = (n for n, cell in enumerate(cells) if "(decision-table)=\n" in cell["source"])
    assert "".join(cells[below + 1]["outputs"][0]["data"]["text/markdown"]) == quoted
    guide = (BOOK / "guide.ipynb").read_text(encoding="utf-8")
    assert "```{stored-table} 16-inverse decision-table" in guide and rows[0] not in guide
    for label in ("no-such-label", "eq-1"):
        with pytest.raises(ValueError, match=f"label='{label}' must be a label of 16-inverse.ipynb"):
            ledger.table(BOOK, "16-inverse", label)
