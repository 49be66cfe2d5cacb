"""A source is one new file: found in the folder of sources, or through an entry point of a package; a broken one
is a named warning and stops nobody.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

SOURCE = '''
"""A log of lines `at STEP NAME is VALUE`."""
from analysis import registry
from analysis.records import Chunk, Scalars, Skipped
from analysis.sources.base import Sniff


@registry.source("{name}", rank=45, appends=False)
class Sentences:
    def sniff(self, head):
        return Sniff("log", 0.99) if (head.text or "").startswith("at ") else None

    def read(self, job):
        rows = [line.split() for line in job.path.read_text().splitlines()]
        yield Chunk(
            [Scalars.of(tag=[r[2] for r in rows], step=[float(r[1]) for r in rows], value=[float(r[4]) for r in rows])],
            rows=len(rows),
            position={{"rows": len(rows)}},
        )
'''

USE = """
import sys, warnings, json
{before}
from analysis import Board
with Board.open() as board:
    report = board.ingest({log!r})
    print(json.dumps([[f.source, f.rows, f.state] for f in report.files]))
    print(board.series("story", "reward")["value"].tolist())
    print(board.files()["source"].tolist())
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "story"
    folder.mkdir()
    (folder / "told.txt").write_text("at 1 reward is 0.5\nat 2 reward is 0.75\n")
    return folder


def run(code: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={"PYTHONPATH": f"{ROOT}:{cwd}", "PATH": ""},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_new_file_in_the_folder_of_sources_is_found_used_and_listed(tmp_path, log):
    (tmp_path / "extra").mkdir()
    (tmp_path / "extra" / "sentences.py").write_text(SOURCE.format(name="sentences"))
    before = f"import analysis.sources; analysis.sources.__path__.append({str(tmp_path / 'extra')!r})"
    out = run(USE.format(before=before, log=str(log)), tmp_path)
    assert '[["sentences", 2, "read"]]' in out
    assert "[0.5, 0.75]" in out


def make_package(folder: Path, module: str, value: str) -> None:
    """An installed distribution as pip leaves it: a module and its metadata on the path."""
    (folder / f"{module}.py").write_text(value)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[rewardboard.sources]\n{module} = {module}\n")


def test_an_entry_point_of_an_installed_package_is_found_used_and_listed(tmp_path, log):
    make_package(tmp_path, "sentence_plugin", SOURCE.format(name="plugged"))
    out = run(USE.format(before="", log=str(log)), tmp_path)
    assert '[["plugged", 2, "read"]]' in out
    assert "[0.5, 0.75]" in out


def test_a_broken_plugin_is_a_named_warning_and_the_others_work(tmp_path, log):
    make_package(tmp_path, "sentence_plugin", SOURCE.format(name="plugged"))
    make_package(tmp_path, "broken_plugin", "import something_that_is_not_there\n")
    out = run(USE.format(before="", log=str(log)), tmp_path)
    assert "[0.5, 0.75]" in out
    assert "broken_plugin can't be loaded: ModuleNotFoundError" in out


def test_a_source_that_fails_on_a_file_is_listed_with_the_file(tmp_path, log):
    failing = textwrap.dedent(SOURCE.format(name="plugged")).replace("rows = [line", "rows = 1 / 0; [line")
    make_package(tmp_path, "sentence_plugin", failing)
    code = USE.format(before="", log=str(log)).split("    print(board.series")[0] + "    print(report.files[0].error)\n"
    assert "ZeroDivisionError" in run(code, tmp_path)
