"""The list of the paper's claims has its form, and every claim has its verdict."""

import re
from pathlib import Path

import yaml

BOOK = Path(__file__).parent.parent / "book"
CLAIMS = yaml.safe_load((BOOK / "claims.yml").read_text(encoding="utf-8"))
NUMBERS = [claim["number"] for claim in CLAIMS]


def faults(claims):
    """What is wrong with a list of claims, one line each."""
    numbers = [claim.get("number", "") for claim in claims]
    found = [f"{number} occurs twice" for number in set(numbers) if numbers.count(number) > 1]
    for claim in claims:
        name = claim.get("number", "")
        if not re.fullmatch(r"(abs|eq|[TF]\d|[IV]+(-[A-E])?)\.[\w.]+", name):
            found.append(f"{name!r} is no number")
        if set(claim) - {"number", "where", "claim", "uncheckable", "contradicts"}:
            found.append(f"{name} has a field of another name")
        if not re.match(r"(Abstract|Section|Equation|Fig\.|Table|Caption of)", claim.get("where", "")):
            found.append(f"{name} does not say where it is")
        if not re.fullmatch(r"[^.!].{9,110}\.", claim.get("claim", "")):
            found.append(f"{name} is not one short sentence")
        if len(claim.get("uncheckable", "a good enough reason")) < 20:
            found.append(f"{name} gives no reason")
        if "contradicts" in claim and claim["contradicts"] not in set(numbers) - {name}:
            found.append(f"{name} contradicts a claim that is not listed")
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
        {"verdict": "holds"},
    ):
        assert len(faults([good | change])) == 1, change
    assert len(faults([good, good])) == 1
