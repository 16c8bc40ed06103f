"""Tables, and the verdicts that other pages collect."""

import json

import pytest

from weep.companion.report import VERDICTS_TYPE, Finding, Table, collect, ledger, slug, verdicts


def test_a_table_is_markdown():
    table = Table(("x", "value"), [(1, "one"), (22, "b")])
    assert repr(table) == "| x  | value |\n| -- | ----- |\n| 1  | one   |\n| 22 | b     |"
    assert table._repr_markdown_() == repr(table)


def test_verdicts_follow_from_truth_values():
    table = verdicts(
        [("p", True, "m"), ("q", (False, True), "for b = 0"), ("r", False, "n"), ("s", (False, False), "")]
    )
    assert [row[1].split("\u00a0")[1] for row in table.rows] == ["holds", "holds under a condition", "fails", "fails"]


def test_verdicts_on_numbered_claims_go_to_other_pages():
    bundle = verdicts([("p", True, "m", "1 2"), ("q", False, "n"), ("r", (False, True), "o", "3")])._repr_mimebundle_()
    assert bundle["text/markdown"] == bundle["text/plain"]
    assert bundle[VERDICTS_TYPE] == {
        "1": {"verdict": "holds", "measured": "m"},
        "2": {"verdict": "holds", "measured": "m"},
        "3": {"verdict": "conditional", "measured": "o"},
    }
    assert VERDICTS_TYPE not in verdicts([("q", False, "n")])._repr_mimebundle_()
    with pytest.raises(ValueError, match="number='1' must occur once"):
        verdicts([("p", True, "m", "1"), ("q", True, "m", "1")])


def notebook(path, *cells):
    path.write_text(json.dumps({"cells": list(cells)}), encoding="utf-8")


def markdown(text):
    return {"cell_type": "markdown", "source": [text]}


def judged(rows):
    return {"cell_type": "code", "source": [], "outputs": [{"data": verdicts(rows)._repr_mimebundle_()}]}


def test_collect_finds_verdicts_below_their_heading(tmp_path):
    notebook(tmp_path / "01-a.ipynb", markdown("# One\n\ntext\n\n## Two, three"), judged([("p", True, "m", "1")]))
    notebook(
        tmp_path / "02-b.ipynb", markdown("# Here is $x$, and"), judged([("p", False, "n", "1 2"), ("q", True, "o")])
    )
    found = collect(tmp_path)
    assert found == {
        "1": [
            Finding("holds", "m", "[One](01-a.ipynb#two-three)"),
            Finding("fails", "n", "[Here is $x$, and](02-b.ipynb#here-is--and)"),
        ],
        "2": [Finding("fails", "n", "[Here is $x$, and](02-b.ipynb#here-is--and)")],
    }


CLAIMS = [
    {"number": "1", "where": "Section I", "claim": "p."},
    {"number": "2", "where": "Section I", "claim": "q.", "contradicts": "1"},
    {"number": "3", "where": "Section I", "claim": "r.", "uncheckable": "no measure"},
]


def test_ledger_gives_each_claim_one_verdict():
    found = {"1": [Finding("holds", "m", "a.ipynb#x"), Finding("holds", "n", "b.ipynb#y")]}
    entries = ledger(CLAIMS, {**found, "2": [Finding("conditional", "if b = 0", "a.ipynb#x")]})
    assert [entry.verdict for entry in entries] == ["holds", "contradicts", "uncheckable"]
    assert [entry.measured for entry in entries] == ["m; n", "1: if b = 0", "no measure"]
    assert entries[0].row()[-1] == "a.ipynb#x, b.ipynb#y"
    assert [entry.verdict for entry in ledger(CLAIMS, {})] == ["open", "open", "uncheckable"]


def test_a_summary_holds_as_far_as_its_parts():
    claims = [{"number": "0", "where": "Section I", "claim": "s.", "parts": "1 2"}, *CLAIMS[:2]]
    holds, fails = [Finding("holds", "m", "a.ipynb")], [Finding("fails", "n", "b.ipynb")]
    claims[2] = {"number": "2", "where": "Section I", "claim": "q."}
    for second, verdict, links in ((holds, "holds", 1), (fails, "fails", 2), ([], "open", 0)):
        summary = ledger(claims, {"1": holds, "2": second} if second else {"1": holds})[0]
        assert (summary.verdict, len(summary.links)) == (verdict, links)
    claims[2]["contradicts"] = "1"
    assert ledger(claims, {"1": holds, "2": fails})[0].measured == "as 2: 1: n"
    assert ledger(claims, {"0": holds, "1": fails, "2": fails})[0].verdict == "holds"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"4": ["holds"]}, r"found=\['4'\] must be numbers"),
        ({"1": ["holds", "fails"]}, "1 is judged differently"),
        ({"2": ["holds"]}, "2 holds, and is listed as one that contradicts 1"),
        ({"3": ["holds"]}, "3 is judged in a.ipynb"),
    ],
)
def test_ledger_refuses_what_does_not_fit(found, message):
    with pytest.raises(ValueError, match=message):
        ledger(CLAIMS, {k: [Finding(v, "m", "a.ipynb") for v in verdict] for k, verdict in found.items()})


def test_slug_is_the_anchor_of_a_heading():
    assert slug("What was shown") == "what-was-shown"
    assert slug("Tables II, and III: *new*") == "tables-ii-and-iii-new"
