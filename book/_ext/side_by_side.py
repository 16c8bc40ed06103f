"""Run the notebooks side by side, one on each processor: Jupyter Book 1 has no option for it."""

import functools
import os

from sphinx import builders


def use_all_processors(app):
    app.parallel = os.cpu_count() or 1
    # Three extensions of Jupyter Book do not say that they can be read in parallel. One numbers pages and one
    # finds the scripts of formulas, both after reading, and one is for LaTeX.
    for extension in app.extensions.values():
        extension.parallel_read_safe = True
    # Small shares: Sphinx would put ten chapters into one.
    builders.make_chunks = functools.partial(
        builders.make_chunks, maxbatch=1
    )


def setup(app):
    app.connect("builder-inited", use_all_processors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
