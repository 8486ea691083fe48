"""Nothing imports what lies above it, and nothing imports in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]

#: The packages from the bottom up; those of one line do not know each other.
LAYERS = (
    ("errors", "progress", "gc_pause"),
    ("redaction", "settings", "build", "cli", "names", "checking"),
    ("data",),
    ("features",),
    ("models", "tasks"),
    ("analysis", "formats", "backtest"),
    ("records", "pool"),
    ("tracking", "execution"),
    ("collection", "training"),
    ("config",),
    ("report",),
    ("rolling",),
    ("serving",),
)
LEVEL = {package: level for level, packages in enumerate(LAYERS) for package in packages}


def imported(file: Path) -> Iterator[str]:
    """Dotted names of everything that a file imports, inside functions and for annotations too."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def package_of(file: Path) -> str:
    return file.relative_to(TOP / "components").with_suffix("").parts[0]


COMPONENTS = [
    file for file in sorted((TOP / "components").rglob("*.py")) if file != TOP / "components" / "__init__.py"
]


def test_every_package_has_its_layer() -> None:
    assert {package_of(file) for file in COMPONENTS} == LEVEL.keys()


def test_nothing_imports_what_is_above_or_beside_it() -> None:
    wrong = [
        f"{file.relative_to(TOP)} imports {name}"
        for file in COMPONENTS
        for name in imported(file)
        if name.startswith("components.")
        if (package := name.split(".")[1]) != package_of(file)
        if LEVEL[package] >= LEVEL[package_of(file)]
    ]
    assert not wrong
    assert not [file for file in COMPONENTS if any(name.split(".")[0] == "flows" for name in imported(file))]


def test_no_modules_import_each_other_in_a_circle() -> None:
    def module(file: Path) -> str:
        return ".".join(file.relative_to(TOP).with_suffix("").parts).removesuffix(".__init__")

    files = {module(file): file for file in (*COMPONENTS, *(TOP / "flows").rglob("*.py"))}
    # a package stands for the names that it offers; what it imports for that is no circle
    graph = {
        name: {
            found
            for each in imported(file)
            if (found := each if each in files else each.rpartition(".")[0]) in files and found != name
        }
        for name, file in files.items()
        if file.stem != "__init__"
    }
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize(
    ("library", "home"), [("prefect", None), ("mlflow", "tracking"), ("pymongo", "pool"), ("bson", "pool")]
)
def test_only_one_package_knows_a_server(library: str, home: str | None) -> None:
    wrong = [
        str(file.relative_to(TOP))
        for file in COMPONENTS
        if package_of(file) != home and any(name.split(".")[0] == library for name in imported(file))
    ]
    assert not wrong
