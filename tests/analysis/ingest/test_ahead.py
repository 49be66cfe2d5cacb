"""New files read ahead by a process of their own.

Where an expert would catch it being wrong: the store is another one than without it; a row that comes between its reading
and ours is lost; rows are there twice after it died in the middle of a file; it reads by a source, or by columns, that
are not ours; its errors are other ones; it outlives its ingest; it takes the memory of a large file; a small ingest pays
for it; it runs what lies in the folder of the logs.
"""

from __future__ import annotations

import gzip
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from analysis import registry
from analysis.board import Board
from analysis.ingest import ahead
from analysis.ingest.walk import walk
from analysis.records import InputError
from analysis.sources.base import Job
from tests.analysis.ingest.test_kill import contents

VALUES = ("step", "wall_time", "value")


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs of several formats: event files, lines, documents, a stream, what can't be read, and a user's own columns."""
    pytest.importorskip("tensorboard", reason="needs TensorBoard to write event files")
    from torch.utils.tensorboard import SummaryWriter

    root, rng = tmp_path_factory.mktemp("logs"), np.random.default_rng(3)
    for number in range(6):
        with SummaryWriter(str(root / f"events-{number}")) as writer:
            for step in range(400):
                writer.add_scalar("objective/kl", rng.normal() ** 2, step)
                writer.add_scalar("objective/scores", rng.normal(), step)
    for number in range(6):
        folder = root / f"lines-{number}"
        folder.mkdir()
        rows = [{"step": s, "reward": rng.normal(), "mein_kl": rng.normal() ** 2} for s in range(500)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (root / "lines-2" / "rewardboard.toml").write_text('[columns]\nmein_kl = "kl"\n')
    (root / "lines-3" / "metrics.jsonl").write_bytes(b'{"step": 1, "reward": 0.5}\n{"step": 2, "rew')
    state = root / "state"
    state.mkdir()
    history = [{"step": s, "loss": rng.normal()} for s in range(300)]
    (state / "trainer_state.json").write_text(json.dumps({"global_step": 299, "log_history": history}))
    (root / "events-5" / "events.out.tfevents.1.broken").write_bytes(b"no event at all" * 40)
    (root / "empty").mkdir()
    (root / "empty" / "metrics.csv").write_bytes(b"")
    return root


@pytest.fixture
def any_size(monkeypatch: pytest.MonkeyPatch) -> list[ahead.Ahead]:
    """Any ingest is worth the process, which is up before the first file is asked for; those that were made."""
    made: list[ahead.Ahead] = []

    class Up(ahead.Ahead):
        def __init__(self, *given) -> None:
            super().__init__(*given)
            made.append(self)
            until(lambda: self._up)

    monkeypatch.setattr(ahead, "Ahead", Up)
    monkeypatch.setattr(ahead, "WORTH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return made


def until(true, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.005)


def stored(root: Path, db: Path) -> dict[str, list[str]]:
    with Board.open(db) as board:
        board.ingest(root)
    return contents(db)


def source_of(path: Path):
    return registry.leaves("source")["tensorboard" if "events" in path.name else "jsonl"]


def values(read) -> list[list[float]]:
    chunks = list(read)
    return [np.concatenate([c.records[0].table[name].to_numpy() for c in chunks]).tolist() for name in VALUES]


def lines(path: Path, first: int, behind: int) -> Path:
    with path.open("a") as file:
        file.writelines(json.dumps({"step": s, "reward": s / 7}) + "\n" for s in range(first, behind))
    return path


def test_the_store_is_the_same_as_without(logs, tmp_path, any_size, monkeypatch):
    with_it = stored(logs, tmp_path / "with.duckdb")
    assert len(any_size) == 1
    monkeypatch.setattr(ahead, "WORTH", 1 << 60)
    without = stored(logs, tmp_path / "without.duckdb")
    assert len(any_size) == 1
    assert with_it.keys() == without.keys()
    assert {name for name in without if with_it[name] != without[name]} <= {"files", "logs"}
    assert len(with_it["points"]) > 8000


def test_what_the_files_table_says_is_the_same_as_without(logs, tmp_path, any_size, monkeypatch):
    def told(db: Path):
        with Board.open(db) as board:
            board.ingest(logs)
            return board.files().drop(columns=["file_id"], errors="ignore").sort_values("path").to_dict("records")

    with_it = told(tmp_path / "with.duckdb")
    monkeypatch.setattr(ahead, "WORTH", 1 << 60)
    assert str(with_it) == str(told(tmp_path / "without.duckdb"))
    assert any_size


def test_it_really_reads_what_it_is_asked_for(tmp_path, monkeypatch):
    """In this process nothing is read, unless it is waited for: the last of the files come from the other one."""
    paths = [lines(tmp_path / f"{n}.jsonl", 0, 50) for n in range(3)]
    reader = ahead.Ahead(map(Job, paths))
    try:
        until(lambda: len(reader._came) == 3)
        source = source_of(paths[0])
        monkeypatch.setattr(type(source), "read", None)
        assert [len(values(reader.read(source, Job(path)))[0]) for path in paths] == [50] * 3
    finally:
        reader.close()


def test_rows_that_come_between_its_reading_and_ours_are_not_lost(tmp_path):
    path = lines(tmp_path / "a.jsonl", 0, 100)
    reader = ahead.Ahead([Job(path)])
    try:
        until(lambda: reader._came)
        lines(path, 100, 130)
        got = list(reader.read(source_of(path), Job(path)))
    finally:
        reader.close()
    assert values(got)[0] == list(range(130))
    assert got[-1].position == list(source_of(path).read(Job(path)))[-1].position


def test_columns_and_sources_that_are_not_ours_are_not_taken(tmp_path):
    path = lines(tmp_path / "a.jsonl", 0, 10)
    for job, source in ((Job(path, None, {"reward": "kl"}), source_of(path)), (Job(path), source_of(Path("events")))):
        reader = ahead.Ahead([Job(path)])
        try:
            until(lambda reader=reader: reader._came)
            mine = type("Mine", (), {"name": f"not {source.name}", "read": lambda self, job: iter(())})()
            asked = source if job.columns else mine
            tags = {str(t) for c in reader.read(asked, job) for t in c.records[0].table["tag"].to_pylist()}
        finally:
            reader.close()
        assert tags == ({"kl"} if job.columns else set())


@pytest.mark.parametrize("when", ["before it is up", "at rest", "while it is waited for"])
def test_its_death_loses_and_doubles_nothing(tmp_path, monkeypatch, when):
    paths = [lines(tmp_path / f"{n}.jsonl", 0, 200_000 if n == 1 else 40) for n in range(4)]
    monkeypatch.setattr(ahead, "HELD", 1)  # what it has told already would be taken in spite of its death
    reader = ahead.Ahead(map(Job, paths))
    got = []
    try:
        if when != "before it is up":
            until(lambda: reader._came)
        for number, path in enumerate(paths):
            if (when, number) in (("before it is up", 0), ("at rest", 2)):
                reader._process.kill()
            if (when, number) == ("while it is waited for", 1):
                threading.Timer(0.01, reader._process.kill).start()
            got.append(values(reader.read(source_of(path), Job(path)))[0])
    finally:
        reader.close()
    assert got == [list(range(200_000 if n == 1 else 40)) for n in range(4)]


@pytest.mark.parametrize("error", [TypeError, MemoryError, ImportError])
def test_an_answer_that_cannot_be_read_leaves_nobody_waiting(tmp_path, monkeypatch, error):
    def broken(_):
        raise error

    path = lines(tmp_path / "a.jsonl", 0, 20)
    monkeypatch.setattr(ahead.pickle, "loads", broken)
    reader = ahead.Ahead([Job(path)])
    try:
        until(lambda: reader._gone)
        assert values(reader.read(source_of(path), Job(path)))[0] == list(range(20))
    finally:
        reader.close()


def test_a_file_that_is_read_in_the_middle_of_another_one_has_its_own_rows(tmp_path):
    """As a rewritten file of a log is, of which the others are then read anew."""
    paths = [lines(tmp_path / f"{n}.jsonl", 100 * n, 100 * n + 50) for n in range(3)]
    reader = ahead.Ahead(map(Job, paths))
    try:
        until(lambda: len(reader._came) == 3)
        source = source_of(paths[0])
        outer = reader.read(source, Job(paths[0]))
        first = next(outer)
        inner = values(reader.read(source, Job(paths[2])))[0]
        assert values([first, *outer])[0] == list(range(50))
        assert inner == list(range(200, 250))
        assert values(reader.read(source, Job(paths[1])))[0] == list(range(100, 150))
    finally:
        reader.close()


def test_a_list_of_rows_that_is_cut_off_is_there_once(tmp_path, any_size, monkeypatch):
    """Its first part is whole; a source that begins such a file anew would double it."""
    folder = tmp_path / "logs" / "a"
    folder.mkdir(parents=True)
    rows = ",".join(json.dumps({"step": s, "reward": s / 7, "kl": s / 9}) for s in range(150_000))
    (folder / "metrics.json").write_text(f"[{rows},{{")
    with_it = stored(tmp_path / "logs", tmp_path / "with.duckdb")
    monkeypatch.setattr(ahead, "WORTH", 1 << 60)
    assert with_it["points"] == stored(tmp_path / "logs", tmp_path / "without.duckdb")["points"]
    assert any_size


def test_no_code_of_the_folder_that_it_is_started_in_is_run(tmp_path, monkeypatch):
    (tmp_path / "analysis").mkdir()
    (tmp_path / "analysis" / "__init__.py").write_text("import pathlib; pathlib.Path('ran').touch()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", Path("of a notebook"), *(p for p in sys.path if p)])
    path = lines(tmp_path / "a.jsonl", 0, 20)
    reader = ahead.Ahead([Job(path)])
    try:
        until(lambda: reader._came)
        assert not (tmp_path / "ran").exists()
    finally:
        reader.close()


def test_files_that_are_passed_over_or_asked_for_out_of_order_are_read_all_the_same(tmp_path):
    paths = [lines(tmp_path / f"{n}.jsonl", n, n + 20) for n in range(8)]
    reader = ahead.Ahead(map(Job, paths))
    try:
        until(lambda: reader._up)
        for n in (3, 1, 7, 0, 4):
            assert values(reader.read(source_of(paths[n]), Job(paths[n])))[0] == list(range(n, n + 20))
    finally:
        reader.close()


def test_an_error_is_the_one_of_the_source(tmp_path):
    path = tmp_path / "events.out.tfevents.1.host"
    path.write_bytes(b"no event at all" * 40)
    source = source_of(path)
    with pytest.raises(InputError) as ours:
        list(source.read(Job(path)))
    reader = ahead.Ahead([Job(path)])
    try:
        until(lambda: reader._up)
        with pytest.raises(InputError) as told:
            list(reader.read(source, Job(path)))
    finally:
        reader.close()
    assert str(told.value) == str(ours.value)


def test_files_whose_size_in_memory_is_large_or_unknown_are_read_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "WORTH", 0)
    monkeypatch.setattr(ahead, "SMALL", 1000)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    small, large = lines(tmp_path / "small.jsonl", 0, 10), lines(tmp_path / "large.jsonl", 0, 1000)
    packed = tmp_path / "rows.jsonl.gz"
    packed.write_bytes(gzip.compress(small.read_bytes()))
    os.mkfifo(tmp_path / "pipe.jsonl")
    with ahead.reading_ahead(walk([tmp_path]), Job) as reader:
        assert list(reader._asked) == [small]
    assert large.stat().st_size > 1000


def test_only_so_much_waits_here(tmp_path, monkeypatch):
    paths = [lines(tmp_path / f"{n}.jsonl", 0, 500) for n in range(6)]
    monkeypatch.setattr(ahead, "HELD", 1)
    reader = ahead.Ahead(map(Job, paths))
    try:
        until(lambda: reader._came)
        time.sleep(0.5)
        assert len(reader._came) == 1
        assert [len(values(reader.read(source_of(path), Job(path)))[0]) for path in paths] == [500] * 6
    finally:
        reader.close()


def test_it_ends_with_the_ingest(logs, tmp_path, any_size):
    stored(logs, tmp_path / "store.duckdb")
    assert any_size[0]._process.returncode is not None


def test_it_ends_with_a_process_that_is_killed(tmp_path):
    path = lines(tmp_path / "a.jsonl", 0, 10)
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom analysis.ingest.ahead import Ahead\nfrom analysis.sources.base import Job\n"
        f"a = Ahead([Job(Path({str(path)!r}))])\nprint(a._process.pid, flush=True)\ntime.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    pid = int(child.stdout.readline())
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def test_ctrl_c_at_a_terminal_is_not_told_by_its_traceback(tmp_path):
    reader = ahead.Ahead([Job(lines(tmp_path / "a.jsonl", 0, 10))])
    try:
        assert os.getpgid(reader._process.pid) != os.getpgid(0)
    finally:
        reader.close()


def test_a_small_ingest_and_a_single_core_start_nothing(logs, tmp_path, monkeypatch):
    monkeypatch.setattr(ahead, "started", None)
    stored(logs, tmp_path / "small.duckdb")
    monkeypatch.setattr(ahead, "WORTH", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    stored(logs, tmp_path / "single.duckdb")


def test_where_no_process_is_to_be_had_all_is_read_here(logs, tmp_path, monkeypatch, any_size):
    def none(*_args, **_options):
        raise OSError("no more processes")

    monkeypatch.setattr(ahead, "started", none)
    assert len(stored(logs, tmp_path / "store.duckdb")["points"]) > 8000
    assert not any_size
