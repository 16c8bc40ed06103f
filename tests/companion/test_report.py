"""Tables, and the verdicts that other pages collect."""

import io
import json
import sys

import numpy as np
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from weep.companion.ledger import Finding, collect, finding, ledger, slug
from weep.companion.report import VERDICTS, VERDICTS_TYPE, Judge, Table


def test_a_table_is_markdown():
    table = Table(("x", "value"), [(1, "one"), (22, "b")])
    assert repr(table) == "| x  | value |\n| -- | ----- |\n| 1  | one   |\n| 22 | b     |"
    assert table._repr_markdown_() == repr(table)


def judged_as(**given):
    judge = Judge()
    judge(claim="p.", because="m", **given)
    ((_, verdict, _),) = judge.table().rows
    return next(key for key, shown in VERDICTS.items() if shown == verdict)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"holds": True}, "holds"),
        ({"holds": np.bool_(False)}, "fails"),
        ({"holds": (False, np.True_)}, "conditional"),
        ({"holds": (False, False)}, "fails"),
        ({"margin": 2.0, "spread": 1.0}, "holds"),
        ({"margin": 1.0, "spread": 1}, "unsettled"),
        ({"margin": np.float64(0.0), "spread": 0.0}, "unsettled"),
        ({"margin": -1.0, "spread": 1.0}, "unsettled"),
        ({"margin": -2.0, "spread": 1.0}, "fails"),
    ],
)
def test_a_judgement_follows_from_truth_values_or_from_a_margin_and_its_spread(given, verdict):
    assert judged_as(**given) == verdict


@pytest.mark.parametrize(
    ("numbers", "given", "error", "message"),
    [
        (None, {"claim": "p.", "holds": 1}, TypeError, "holds=1 must be a truth value or a pair"),
        (None, {"claim": "p.", "holds": (True, "yes")}, TypeError, "must be a truth value or a pair"),
        (None, {"claim": "p.", "holds": np.ones(2, bool)}, TypeError, "must be a truth value or a pair"),
        (None, {"claim": "p."}, ValueError, "holds=None, or margin=None and spread=None, must be given"),
        (None, {"claim": "p.", "holds": True, "margin": 1.0, "spread": 1.0}, ValueError, "and not both"),
        (None, {"claim": "p.", "margin": 1.0}, ValueError, "margin=1.0 and spread=None"),
        (None, {"claim": "p.", "holds": True, "spread": 1.0}, ValueError, "spread=1.0, must be given, and not both"),
        (None, {"claim": "p.", "margin": 1.0, "spread": -1.0}, ValueError, "spread=-1.0 must not be negative"),
        (None, {"claim": "p.", "margin": float("nan"), "spread": 1.0}, ValueError, "margin=nan must be finite"),
        (None, {"claim": "p.", "holds": True, "because": " "}, ValueError, "because=' ' must name"),
        (None, {"claim": "p.", "holds": True, "because": "|x| = 1"}, ValueError, "without a vertical bar"),
        (None, {"holds": True}, ValueError, "numbers=None or claim=None must be given"),
        ("I.1", {"claim": "p.", "holds": True}, ValueError, "and not both"),
        ("I.1 I.99", {"holds": True}, ValueError, "numbers='I.1 I.99' must be numbers of listed claims"),
        (" ", {"holds": True}, ValueError, "must be numbers of listed claims"),
        ("I.1 I.1", {"holds": True}, ValueError, "'I.1' was judged before"),
    ],
)
def test_a_judge_refuses_what_it_cannot_judge(capsys, numbers, given, error, message):
    judge = Judge()
    with pytest.raises(error, match=message):
        judge(numbers, **{"because": "m"} | given)
    assert judge.table().rows == [] and capsys.readouterr().out == ""


def test_a_judge_takes_the_words_from_the_list_and_keeps_a_table(capsys):
    judge = Judge()
    judge("III-D.2", holds=True, because="slopes lie in [-1, 10].")
    judge(claim="Ours.", margin=0.1, spread=0.2, because="0.1 ± 0.2")
    judge("I.1 IV-B.3", holds=(False, True), because="far out")
    holds, unsettled, conditional = (VERDICTS[key] for key in ("holds", "unsettled", "conditional"))
    lipschitz = r"The gradient is Lipschitz with the constant $L = \max(1, a)$."
    shrinks, linear = "L1 shrinks large coefficients.", "L1 grows linearly, and this is where its bias comes from."
    assert capsys.readouterr().out.splitlines() == [
        f"**{holds}** (III-D.2): {lipschitz} *Because:* slopes lie in [-1, 10].",
        f"**{unsettled}**: Ours. *Because:* 0.1 ± 0.2.",
        f"**{conditional}** (I.1, IV-B.3): {shrinks} {linear} *Because:* far out.",
    ]
    assert judge.table().rows == [
        (lipschitz, holds, "slopes lie in [-1, 10]."),
        ("Ours.", unsettled, "0.1 ± 0.2"),
        (shrinks, conditional, "far out"),
        (linear, conditional, "far out"),
    ]
    for again in ({"numbers": "IV-B.3"}, {"claim": "Ours."}):
        with pytest.raises(ValueError, match="was judged before"):
            judge(**again, holds=True, because="m")


CHAPTER = new_notebook(
    cells=[
        new_markdown_cell("# Title\n\ntext\n\n## Measured"),
        new_code_cell(
            "from weep.companion.report import judge\n"
            "judge('I.1 IV-B.3', holds=True, because='m')\n"
            "judge(claim='Ours.', holds=False, because='n')"
        ),
        new_markdown_cell("## What was shown"),
        new_code_cell("judge.table()"),
    ]
)


def test_each_judgement_is_displayed_and_found_under_its_heading_once(tmp_path):
    NotebookClient(CHAPTER, resources={"metadata": {"path": str(tmp_path)}}).execute()
    first, second = (output["data"] for output in CHAPTER.cells[1].outputs)
    verdict = {"verdict": "holds", "measured": "m"}
    assert first[VERDICTS_TYPE] == {"I.1": verdict, "IV-B.3": verdict} and VERDICTS_TYPE not in second
    assert first["text/plain"] == first["text/markdown"] != second["text/markdown"]
    (tmp_path / "01-a.ipynb").write_text(json.dumps(CHAPTER), encoding="utf-8")
    assert collect(tmp_path) == {n: [Finding("holds", "m", "[Title](01-a.ipynb#measured)")] for n in ("I.1", "IV-B.3")}
    assert finding(tmp_path, "01-a", "^Ours") == Finding("fails", "n", "[Title](01-a.ipynb#measured)")
    with pytest.raises(ValueError, match=r"matches 0 of \['Ours\.'\]"):
        finding(tmp_path, "01-a", "Theirs")


def test_a_cell_that_runs_again_judges_anew(tmp_path):
    once = "from weep.companion.report import judge\njudge('I.1', holds=True, because='m')"
    named = "get_ipython().get_parent = lambda: {'metadata': {'cellId': 'one'}}\n"
    edited = [f"{named}judge('{number}', holds=True, because='m')" for number in ("I.2", "I.2 I.6")]
    other = "try:\n    judge('I.1', holds=True, because='m')\nexcept ValueError as error:\n    print(error)"
    cells = [new_code_cell(source) for source in (once, once, other, *edited, "print(len(judge.table().rows))")]
    NotebookClient(new_notebook(cells=cells), resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert "'I.1' was judged before" in cells[2].outputs[0]["text"]
    assert cells[-1].outputs[0]["text"] == "3\n"


def notebook(path, *cells):
    path.write_text(json.dumps({"cells": list(cells)}), encoding="utf-8")


def markdown(text):
    return {"cell_type": "markdown", "source": [text]}


def judged(verdict, measured, *numbers):
    found = {number: {"verdict": verdict, "measured": measured} for number in numbers}
    return {"cell_type": "code", "source": [], "outputs": [{"data": {VERDICTS_TYPE: found}}]}


def test_collect_finds_verdicts_below_their_heading(tmp_path):
    notebook(tmp_path / "01-a.ipynb", markdown("# One\n\ntext\n\n## Two, three"), judged("holds", "m", "1"))
    notebook(tmp_path / "02-b.ipynb", markdown("# Here is $x$, and"), judged("fails", "n", "1", "2"))
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
    unsettled = ledger(CLAIMS, {number: [Finding("unsettled", "m", "a.ipynb#x")] for number in "12"})
    assert [entry.verdict for entry in unsettled] == ["unsettled", "unsettled", "uncheckable"]
    assert len({VERDICTS[entry.verdict] for entry in (*unsettled, *ledger(CLAIMS, {}))}) == 3


def test_a_summary_holds_as_far_as_its_parts():
    claims = [{"number": "0", "where": "Section I", "claim": "s.", "parts": "1 2"}, *CLAIMS[:2]]
    holds, fails = [Finding("holds", "m", "a.ipynb")], [Finding("fails", "n", "b.ipynb")]
    claims[2] = {"number": "2", "where": "Section I", "claim": "q."}
    unsettled = [Finding("unsettled", "o", "b.ipynb")]
    cases = ((holds, "holds", 1), (fails, "fails", 2), (unsettled, "unsettled", 2), ([], "open", 0))
    for second, verdict, links in cases:
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


def test_a_terminal_without_symbols_shows_question_marks(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    judge = Judge()
    judge(claim="p.", holds=True, because="β")
    print(judge.table())
    terminal.flush()
    shown = terminal.buffer.getvalue().decode("ascii")
    assert shown.count("??holds") == 2 and shown.count("*Because:* ?") == 1
