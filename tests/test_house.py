"""The rooms of the package: what may import what, and how large a file may grow."""

import ast
from pathlib import Path

import pytest

import weep

HOUSE = Path(weep.__file__).parent
FILES = sorted(HOUSE.rglob("*.py"))
#: From the ground up. A room imports only from rooms that stand before it, or beside it in the same group.
FLOORS = (
    {"checks", "compiled"},
    {"certify"},
    {"penalties"},
    {"graphs"},
    {"operators"},
    {"denoise"},
    {"recover"},
    {"regression"},
    {"learned"},
    {"interop"},
    {"companion"},
)
FLOOR = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
LONGEST = 350
ids = {"ids": lambda path: path.relative_to(HOUSE).as_posix()}


def room(path):
    """The name of the folder or file, directly in the package, that a file belongs to."""
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def imported(tree, path):
    """Rooms that the code of a file imports from, lazily or not."""
    package = ("weep", *path.relative_to(HOUSE).parent.parts)
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module or "").split(".")) if node.module else base
            names = [(*module, alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("weep."):
            names = [tuple(node.value.split("."))]  # a module of kernels is imported by its name
        yield from (name[1] for name in names if name[0] == "weep" and name[1:2] and name[1] in FLOOR)


def climbs(source, path):
    """Rooms above its own that a file imports from."""
    own = room(path)
    return sorted({other for other in imported(ast.parse(source), path) if FLOOR[other] > FLOOR[own]})


@pytest.mark.parametrize("path", [path for path in FILES if path.parent != HOUSE or path.stem != "__init__"], **ids)
def test_imports_go_one_way(path):
    assert room(path) in FLOOR, "a new room needs a floor"
    assert climbs(path.read_text(encoding="utf-8"), path) == []


def test_adapters_know_nothing_of_each_other():
    adapters = [path for path in FILES if room(path) == "interop" and path.stem != "__init__"]
    for path in adapters:
        source = path.read_text(encoding="utf-8")
        others = {other.stem for other in adapters} - {path.stem}
        assert not any(f"from .{other} " in source or f"interop.{other}" in source for other in others)


def test_the_check_of_imports_can_fail():
    file = HOUSE / "penalties" / "weep.py"
    assert climbs("from ..denoise import denoise_tv", file) == ["denoise"]
    assert climbs("def f():\n    from weep.companion import plots", file) == ["companion"]
    assert climbs("kernels('weep.denoise.fused')", file) == ["denoise"]
    assert climbs("from .. import compiled\nfrom ..checks import real\nfrom .base import Penalty", file) == []


@pytest.mark.parametrize("path", FILES, **ids)
def test_a_file_fits_in_ones_head(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_numba_is_imported_in_one_place():
    """Else a kernel ignores WEEP_NUMBA=0, and fails where no folder takes its machine code."""
    users = {
        path.relative_to(HOUSE).as_posix()
        for path in FILES
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip().startswith(("import numba", "from numba"))
    }
    assert users == {"compiled.py", "interop/skglm.py"}  # skglm's penalties are classes of numba
