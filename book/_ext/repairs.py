"""What Sphinx and docutils put on pages, and browsers or readers stumble over."""

import re
import struct
from pathlib import Path


def drop_repeated(app, pagename, templatename, context, doctree):
    """Keep one of each inline script: Sphinx 7 puts those without a file on every page twice, and an error follows."""
    seen, kept = set(), []
    for script in context["script_files"]:
        body = script.attributes.get("body")
        if body is None or body not in seen:
            kept.append(script)
        seen.add(body)
    context["script_files"] = kept


def make_citations_items(app, pagename, templatename, context, doctree):
    """Let a list of citations have list items, which docutils calls something else: screen readers then count them."""
    if "body" in context:
        context["body"] = context["body"].replace(
            'role="doc-biblioentry"', 'role="listitem"'
        )


def reserve_room(app, pagename, templatename, context, doctree):
    """Tell the browser the size of each PNG, so that the text does not move when a figure arrives."""
    sources = {
        name: Path(app.srcdir, source)
        for source, name in app.builder.images.items()
    }

    def sized(match):
        with sources[match[2]].open("rb") as file:
            width, height = struct.unpack(">16xII", file.read(24))
        return f'{match[1]} width="{width}" height="{height}"'

    if "body" in context:
        context["body"] = re.sub(
            r'(<img\b[^>]*\bsrc="[^"]*_images/([^"/]+\.png)")',
            sized,
            context["body"],
        )


def setup(app):
    app.connect("html-page-context", drop_repeated, priority=900)
    app.connect("html-page-context", make_citations_items)
    app.connect("html-page-context", reserve_room)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
