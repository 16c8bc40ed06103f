"""Tables, and the verdicts that other pages collect."""

import pytest

from weep.report import VERDICTS_TYPE, Table, verdicts


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
