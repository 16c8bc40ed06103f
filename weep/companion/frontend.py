"""Who runs this code: a terminal, a notebook with a person before it, or a program that runs a notebook."""

import sys
from typing import Any


def shell() -> Any:
    """IPython's shell, or None in plain Python."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def request() -> dict[str, Any]:
    """The message of Jupyter's protocol that asked for this run; empty outside of a notebook's kernel."""
    running = shell()
    return running.get_parent() or {} if hasattr(running, "get_parent") else {}


def watched() -> bool:
    """Whether a person looks on: at a terminal, or at a front end that could ask them for input.

    JupyterLab and its like say with each cell that they can; nbclient and nbval, which run notebooks for tests and
    books, say that they cannot.
    """
    return sys.stderr.isatty() or bool(request().get("content", {}).get("allow_stdin"))
