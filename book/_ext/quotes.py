"""Quote a table of another page: ``{stored-table} NOTEBOOK LABEL`` shows what that notebook stores below that label.

A chapter runs without the others, so that it cannot read what they store; its page can.
"""

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from weep.companion.ledger import table

BOOK = Path(__file__).parent.parent
QUOTED = re.compile(
    r"^```\{stored-table\} ([\w-]+) ([\w-]+)\n```$", re.MULTILINE
)


def quoted(text):
    """The text with the tables themselves, for a notebook that is read outside the book."""
    return QUOTED.sub(lambda m: table(BOOK, m[1], m[2]), text)


class StoredTable(SphinxDirective):
    """The table of another notebook, as it is stored."""

    required_arguments = 2

    def run(self):
        page, label = self.arguments
        self.env.note_dependency(str(BOOK / f"{page}.ipynb"))
        found = nodes.Element()
        lines = table(BOOK, page, label).splitlines()
        self.state.nested_parse(StringList(lines), 0, found)
        return found.children


def setup(app):
    app.add_directive("stored-table", StoredTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
