"""The rules of the house that a program can hold: imports run one way, heavy things load late."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

LAYERS = {
    "analysis.records": 0,
    "analysis.registry": 0,
    "analysis.vocabulary": 0,
    "analysis.uncertainty": 1,
    "analysis.bon_kl": 1,
    "analysis.distribution": 1,
    "analysis.spread": 2,
    "analysis.rows": 1,
    "analysis.timings": 1,
    "analysis.memory": 1,
    "analysis.helper": 1,
    "analysis.eventfile": 2,
    "analysis.sources": 3,
    "analysis.store": 3,
    "analysis.losses": 3,
    "analysis.ranking": 3,
    "analysis.policy": 3,
    "analysis.drift": 3,
    "analysis.ingest": 4,
    "analysis.table": 4,
    "analysis.scoring": 4,
    "analysis.comparison": 4,
    "analysis.diagnosis": 5,
    "analysis.questions": 6,
    "analysis.report": 6,
    "analysis.board": 7,
    "analysis.remote": 7,
    "analysis.commands": 8,
    "analysis.host": 8,
    "analysis.server": 9,
    "analysis.cli": 10,
    "analysis.__version__": 0,
    "analysis": 11,
    "dashboard": 12,
}
"""A module imports what has a lower number; equal numbers are neighbours that don't know each other."""

LONGEST = 400


def modules() -> list[Path]:
    return sorted(p for folder in ("analysis", "dashboard") for p in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def part_of(module: str) -> str:
    words = module.split(".")
    return next((p for n in (3, 2, 1) if (p := ".".join(words[:n])) in LAYERS), "")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether it is imported only inside a function or for types)."""
    tree = ast.parse(path.read_text())
    late = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for inner in ast.walk(node)
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in late) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [(node.module, id(node) in late)]
            if node.module == "analysis":
                found += [(f"analysis.{alias.name}", id(node) in late) for alias in node.names]
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_run_one_way(path):
    mine = part_of(name_of(path))
    assert mine, f"{name_of(path)} has no place in the order of layers"
    for module, late in imports(path):
        other = part_of(module)
        if not other or other == mine or module == "analysis":
            continue
        server = mine in ("analysis.host", "analysis.server", "analysis.cli", "analysis.board") and late
        assert LAYERS[other] < LAYERS[mine] or server, f"{name_of(path)} imports {module}"


@pytest.mark.parametrize("path", [p for p in modules() if "analysis" in p.parts], ids=name_of)
def test_the_library_draws_nothing(path):
    for module, late in imports(path):
        assert module.split(".")[0] not in ("streamlit", "plotly"), f"{name_of(path)} imports {module}"
        if module.split(".")[0] == "dashboard":
            assert late, f"{name_of(path)} imports {module}"
            assert name_of(path) in ("analysis.server", "analysis.cli")


@pytest.mark.parametrize("path", [p for p in modules() if "dashboard" in p.parts], ids=name_of)
def test_pages_hold_no_sql(path):
    assert "duckdb" not in {module.split(".")[0] for module, _ in imports(path)}
    assert "analysis.store" not in {part_of(module) for module, _ in imports(path)}


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_no_file_grows_past_one_purpose(path):
    assert len(path.read_text().splitlines()) <= LONGEST


def test_importing_the_package_loads_nothing_heavy():
    code = "import sys, analysis, analysis.cli; print([m for m in ('torch','pandas','streamlit','scipy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_a_board_opens_without_torch_streamlit_and_scipy():
    code = (
        "import sys; from analysis import Board; Board.open().close();"
        "print([m for m in ('torch','streamlit','scipy','plotly') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
