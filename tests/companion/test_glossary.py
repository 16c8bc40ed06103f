"""Each chapter links the terms of the glossary where it first uses them, and only there."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

BOOK = Path(__file__).parent.parent.parent / "book"
CHAPTERS = [path for path in sorted(BOOK.glob("*.ipynb")) if path.stem not in ("index", "ledger", "errata")]


def glossary():
    """What may stand in a text, in small letters → the first name of its entry."""
    (block,) = re.findall(r"```\{glossary\}\n(.*?)```", (BOOK / "notation.md").read_text(encoding="utf-8"), re.DOTALL)
    found = {}
    for entry in block.strip().split("\n\n"):
        names = [line for line in entry.splitlines() if not line.startswith(" ")]
        found |= {name.lower(): names[0] for name in names}
    return found


ENTRIES = glossary()
TOKEN = re.compile(
    r"\{term\}`(?P<shown>[^`<]+?)(?: <(?P<target>[^`>]+)>)?`"
    # Where no link can stand, or where the word is another one's: headings and titles, code, formulas, links, roles.
    r"|^#.*$|^(?::::|```)\{.*$|^:\w+:.*$|^```\w+\n[\s\S]*?^```$|\{[\w:]+\}`[^`]*`|`[^`]*`"
    r"|\$\$[\s\S]*?\$\$|\$[^$]*\$|\\begin[\s\S]*?\\end|\[[^\]]*\]\([^)]*\)"
    rf"|(?<!\w)(?P<word>{'|'.join(sorted(map(re.escape, ENTRIES), key=len, reverse=True))})(?P<plural>e?s)?(?!\w)",
    re.MULTILINE | re.IGNORECASE,
)


def link(match):
    """How the word that was found is to be written."""
    word, plural = match["word"], match["plural"]
    return f"{{term}}`{word}{plural} <{word}>`" if plural else f"{{term}}`{word}`"


def problems(notebook):
    seen, found = set(), []
    for number, cell in enumerate(notebook.cells):
        for match in TOKEN.finditer(cell.source) if cell.cell_type == "markdown" else ():
            term = match["target"] or match["shown"] or match["word"]
            entry = ENTRIES.get(term.lower()) if term else None
            if match["shown"] and entry in seen:
                found.append(f"cell {number}: {match[0]} is linked, and is not the first use of {entry!r}")
            elif match["word"] and entry not in seen:
                found.append(f"cell {number}: the first use of {entry!r}: write {link(match)}")
            if term:
                seen.add(entry)
    return found


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_links_each_term_where_it_first_uses_it(path):
    assert problems(nbformat.read(path, as_version=4)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The prox of it", ["write {term}`prox`"]),
        ("Proxes", ["write {term}`Proxes <Prox>`"]),
        ("WEEP-TV", ["write {term}`TV`"]),
        ("its Moreau envelope", ["'Moreau envelope'"]),
        ("{term}`prox`, {term}`proximal operator`", ["not the first use of 'prox'"]),
        ("prox and {term}`prox`", ["write", "not the first use"]),
        ("{term}`Proxes <prox>`, then prox", []),
        ("# The prox\n:::{admonition} prox\n`prox`, $prox$, [prox](x.md), proximity\n```python\nprox\n```", []),
        ("```{dropdown} Solution\nThe prox.\n```", ["write {term}`prox`"]),
    ],
)
def test_the_check_of_links_can_fail(text, found):
    told = problems(new_notebook(cells=[new_markdown_cell(text)]))
    assert len(told) == len(found)
    assert all(part in line for part, line in zip(found, told, strict=True))
