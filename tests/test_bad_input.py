"""Input that hurts: each bad file is one clear line beside the good ones, and the store is unchanged by it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from analysis.board import Board
from analysis.cli import main

GOOD = "".join(json.dumps({"step": i, "reward": i / 10, "kl": 0.1}) + "\n" for i in range(20))


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    (folder / "good").mkdir(parents=True)
    (folder / "good" / "metrics.jsonl").write_text(GOOD)
    return folder


def write(folder: Path, name: str, data: bytes) -> Path:
    path = folder / "bad" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def ingest(logs: Path) -> tuple[Board, dict]:
    board = Board.open()
    report = board.ingest(logs)
    return board, {Path(f.path).name: f for f in report.files}


BAD: dict[str, tuple[str, bytes]] = {
    "binary garbage as JSON lines": ("metrics.jsonl", os.urandom(5000)),
    "binary garbage as an event file": ("events.out.tfevents.1.host", b"\x07" * 3000),
    "binary garbage as Parquet": ("table.parquet", b"PAR1" + os.urandom(3000)),
    "binary garbage as NumPy": ("scores.npy", b"\x93NUMPY" + os.urandom(300)),
    "a pickled array": (
        "scores.npy",
        b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" + b" " * 50,
    ),
    "an empty JSON file": ("trainer_state.json", b""),
    "an empty CSV": ("metrics.csv", b""),
    "a truncated trainer state": (
        "trainer_state.json",
        b'{"global_step": 3, "log_history": [{"step": 1, "loss": 0.5}, {"st',
    ),
    "deeply nested JSON": ("metrics.json", b"[" * 100_000),
    "a broken gzip": ("metrics.jsonl.gz", b"\x1f\x8b\x08\x00garbage"),
}


@pytest.mark.parametrize("what", list(BAD))
def test_a_file_that_cannot_be_read_is_one_line_beside_the_good_ones(logs, what):
    name, data = BAD[what]
    write(logs, name, data)
    board, files = ingest(logs)
    with board:
        assert files["metrics.jsonl"].rows == 20 if name != "metrics.jsonl" else True
        bad = next(f for f in board.ingest(logs).files if "/bad/" in f.path)
        assert bad.error or bad.skipped
        assert "\n" not in bad.error
        assert "Traceback" not in bad.error
        assert board.runs()["run"].tolist() == ["good"]
        assert len(board.series("good", "reward")) == 20


def test_wrong_types_are_listed_and_the_rest_of_the_row_is_kept(logs):
    write(logs, "metrics.csv", b"step,reward,kl\n1,0.5,0.1\n2,oops,0.2\n3,0.7,0.3\n")
    board, files = ingest(logs)
    with board:
        assert board.series("bad", "kl")["value"].tolist() == [0.1, 0.2, 0.3]
        assert board.series("bad", "reward")["value"].tolist() == [0.5, 0.7]
        (skip,) = files["metrics.csv"].skipped
        assert "row 1" in skip.where
        assert "oops" in skip.why


def test_a_bad_line_in_the_middle_is_named_by_its_number(logs):
    lines = GOOD.splitlines(keepends=True)
    write(logs, "metrics.jsonl", "".join([*lines[:5], '{"step": 5, "reward"\n', *lines[5:]]).encode())
    board, _ = ingest(logs)
    with board:
        bad = next(f for f in board.ingest(logs).files if "/bad/" in f.path)
        assert [s.where for s in bad.skipped] == ["line 6"]
        assert len(board.series("bad", "reward")) == 20


def test_values_at_the_edge_of_the_type_come_through(logs):
    rows = [{"step": i, "reward": v} for i, v in enumerate([1e308, -1e308, float("nan"), float("inf"), 5e-324])]
    write(logs, "metrics.jsonl", "".join(json.dumps(r) + "\n" for r in rows).encode())
    board, _ = ingest(logs)
    with board:
        values = board.series("bad", "reward")["value"].tolist()
        assert values[:2] == [1e308, -1e308]
        assert values[2] != values[2]
        assert values[3:] == [float("inf"), 5e-324]
        trace = board.traces(["bad"], [board.metrics(["bad"])["metric"].iloc[0]])
        assert trace["high"].max() == 1e308
        assert trace["nonfinite"].sum() == 2


def test_duplicate_pair_ids_are_counted_once_and_told(logs):
    rows = "pair_id,chosen_score,rejected_score\na,2,1\nb,1,2\na,2,1\nb,3,2\n"
    write(logs, "eval_scores.csv", rows.encode())
    board, _ = ingest(logs)
    with board:
        (scorer,) = board.scorers().to_dict("records")
        assert (scorer["n"], scorer["n_duplicates"], scorer["n_conflicting"]) == (2, 2, 1)
        assert board.accuracy(scorer["run"])["n"].iloc[0] == 2


def test_a_loop_of_folders_is_entered_once(logs):
    (logs / "good" / "again").symlink_to(logs, target_is_directory=True)
    (logs / "dangling").symlink_to(logs / "nowhere")
    board, _ = ingest(logs)
    with board:
        assert board.runs()["run"].tolist() == ["good"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_listed(logs):
    path = write(logs, "metrics.jsonl", GOOD.encode())
    path.chmod(0)
    _, files = ingest(logs)
    assert files["metrics.jsonl"].error == "permission denied"


def test_what_the_system_refuses_to_open_is_listed(logs, monkeypatch):
    write(logs, "metrics.csv", b"step,reward\n1,2\n")
    real = Path.open

    def refuse(self: Path, *args: object, **named: object) -> object:
        if self.name == "metrics.csv":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", refuse)
    board, files = ingest(logs)
    with board:
        assert files["metrics.csv"].error == "permission denied"
        assert len(board.series("good", "reward")) == 20


def test_a_rewritten_file_replaces_its_rows_and_a_broken_rewrite_does_not(logs):
    path = logs / "good" / "metrics.jsonl"
    board, _ = ingest(logs)
    with board:
        path.write_text(GOOD.replace("0.1", "9.9"))
        board.ingest(logs)
        assert set(board.series("good", "kl")["value"]) == {9.9}
        state = logs / "good" / "trainer_state.json"
        state.write_text(json.dumps({"global_step": 2, "log_history": [{"step": 1, "loss": 0.5}]}))
        board.ingest(logs)
        before = board.series("good", "loss")
        state.write_text('{"global_step": 3, "log_history": [{"st')
        report = board.ingest(logs)
        assert board.series("good", "loss").equals(before)
        assert next(f for f in report.files if f.path == str(state)).error


def test_a_file_rewritten_behind_its_first_page_is_read_anew(tmp_path):
    """A corrected export: same header, same first rows, as long as before or longer, another end."""
    log = tmp_path / "run" / "metrics.csv"
    log.parent.mkdir()
    rows = [f"{step},{step / 1000:.4f}" for step in range(2000)]
    log.write_text("\n".join(["step,reward", *rows]) + "\n")
    board, _ = ingest(tmp_path)
    with board:
        rows[-1] = "1999,9.9990"
        log.write_text("\n".join(["step,reward", *rows]) + "\n")
        board.ingest(tmp_path)
        assert board.series("run", "reward")["value"].iloc[-1] == 9.999
        rows[-2] = "1998,8.8880"
        log.write_text("\n".join(["step,reward", *rows, "2000,2.0"]) + "\n")
        board.ingest(tmp_path)
        assert board.series("run", "reward")["value"].tolist()[-3:] == [8.888, 9.999, 2.0]
        assert len(board.series("run", "reward")) == 2001


def test_ingesting_again_changes_nothing(logs):
    board, _ = ingest(logs)
    with board:
        before = board.sql("SELECT * FROM points ORDER BY ALL")
        version = board.version()
        board.ingest(logs)
        assert board.sql("SELECT * FROM points ORDER BY ALL").equals(before)
        assert board.version() == version


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_a_file_that_grows_line_by_line_equals_the_whole(tmp_path, ending):
    rows = [(i, i * 0.25, i % 3) for i in range(30)]
    if ending == "jsonl":
        lines = [json.dumps({"step": s, "reward": r, "kl": k}) + "\n" for s, r, k in rows]
    else:
        lines = ["step,reward,kl\n", *(f"{s},{r},{k}\n" for s, r, k in rows)]
    whole, part = tmp_path / "whole" / f"metrics.{ending}", tmp_path / "part" / f"metrics.{ending}"
    for path in (whole, part):
        path.parent.mkdir()
    whole.write_text("".join(lines))
    text = "".join(lines)
    with Board.open() as board:
        board.ingest(whole.parent)
        board.watch(part.parent)
        for cut in [*range(40, len(text), 37), len(text)]:  # cut anywhere, in the middle of lines too
            part.write_text(text[:cut])
            os.utime(part)
            board.poll()
        for _ in range(30):
            board.ingest(part.parent)
        assert board.series("part", "reward")[["step", "value"]].equals(
            board.series("whole", "reward")[["step", "value"]]
        )


class TestCommandLine:
    def run(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
        code = main(words)
        out = capsys.readouterr()
        return code, out.out, out.err

    def test_a_path_that_is_not_there_is_one_line_and_exit_2(self, capsys, tmp_path):
        code, out, err = self.run(capsys, "ingest", str(tmp_path / "no"), "--db", str(tmp_path / "x.duckdb"))
        assert code == 2
        assert out == ""
        assert err.count("\n") == 1
        assert "no such file or folder" in err

    def test_json_is_one_document_with_files_runs_and_unmapped(self, capsys, logs, tmp_path):
        write(logs, "metrics.csv", b"step,reward,strange_thing\n1,0.5,3\n2,x,4\n")
        code, out, _ = self.run(capsys, "ingest", str(logs), "--json", "--db", str(tmp_path / "x.duckdb"))
        assert code == 0
        document = json.loads(out)
        assert document["schema"] == 1
        assert set(document["runs"]) == {"good", "bad"}
        assert [u["tag"] for u in document["unmapped"]] == ["strange_thing"]
        bad = next(f for f in document["files"] if f["path"].endswith("metrics.csv"))
        assert bad["rows"] == 2
        assert bad["skipped"][0]["where"] == "row 1, column reward"

    def test_strict_exits_2_where_lenient_exits_0(self, capsys, logs, tmp_path):
        write(logs, "metrics.csv", b"step,reward\n1,0.5\n2,x\n3,0.7\n")
        db = str(tmp_path / "x.duckdb")
        assert self.run(capsys, "ingest", str(logs), "--db", db)[0] == 0
        assert self.run(capsys, "ingest", str(logs), "--strict", "--db", db)[0] == 2

    def test_runs_are_listed_renamed_tagged_noted_archived_and_deleted(self, capsys, logs, tmp_path):
        db = str(tmp_path / "x.duckdb")
        self.run(capsys, "ingest", str(logs), "--db", db)
        for words in (["rename", "good", "my", "run"], ["tag", "good", "a", "b"], ["note", "good", "look", "here"]):
            assert self.run(capsys, "runs", *words, "--db", db)[0] == 0
        (run,) = json.loads(self.run(capsys, "runs", "--json", "--db", db)[1])["runs"]
        assert (run["run"], run["name"], run["tags"], run["note"], run["steps"]) == (
            "good",
            "my run",
            ["a", "b"],
            "look here",
            19,
        )
        self.run(capsys, "ingest", str(logs), "--db", db)
        assert json.loads(self.run(capsys, "runs", "--json", "--db", db)[1])["runs"][0]["name"] == "my run"
        self.run(capsys, "runs", "archive", "good", "--db", db)
        assert json.loads(self.run(capsys, "runs", "--json", "--db", db)[1])["runs"] == []
        assert len(json.loads(self.run(capsys, "runs", "--all", "--json", "--db", db)[1])["runs"]) == 1
        assert self.run(capsys, "runs", "delete", "good", "--db", db)[0] == 0
        assert self.run(capsys, "runs", "delete", "good", "--db", db)[0] == 2

    @pytest.mark.parametrize(
        "query",
        [
            "DROP TABLE runs",
            "SELECT 1; SELECT 2",
            "SELECT * FROM read_csv('/etc/passwd')",
            "COPY runs TO '/tmp/stolen.csv'",
            "ATTACH '/tmp/other.duckdb'",
            "SET memory_limit = '1GB'",
            "nonsense",
        ],
    )
    def test_sql_answers_one_select_and_refuses_all_else(self, capsys, logs, tmp_path, query):
        db = str(tmp_path / "x.duckdb")
        self.run(capsys, "ingest", str(logs), "--db", db)
        code, out, err = self.run(capsys, "sql", query, "--db", db)
        assert code == 2
        assert out == ""
        assert err.count("\n") == 1
        answer = json.loads(self.run(capsys, "sql", "SELECT count(*) AS n FROM points", "--json", "--db", db)[1])
        assert answer["rows"] == [{"n": 40}]

    def test_usage_errors_are_one_line(self, capsys):
        with pytest.raises(SystemExit) as stopped:
            main(["ingest"])
        assert stopped.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_store_of_another_kind_is_refused(tmp_path):
    import duckdb

    path = tmp_path / "other.duckdb"
    with duckdb.connect(str(path)) as con:
        con.execute("CREATE TABLE mine (a INT)")
    from analysis.records import StoreError

    with pytest.raises(StoreError, match="other tables"):
        Board.open(path)
    text = tmp_path / "text.duckdb"
    text.write_text("this is no database at all, just a text of some length" * 100)
    with pytest.raises(StoreError):
        Board.open(text)


def test_a_gzip_that_is_cut_off_far_behind_its_head_is_listed(logs):
    import gzip

    rows = [{"step": i, "reward": os.urandom(20).hex(), "kl": i / 3} for i in range(5000)]
    whole = gzip.compress(json.dumps(rows).encode())
    write(logs, "metrics.json.gz", whole[: len(whole) // 2])
    board, files = ingest(logs)
    with board:
        assert files["metrics.json.gz"].error
        assert len(board.series("good", "reward")) == 20


def test_the_users_columns_make_a_file_known(logs):
    write(logs, "table.csv", b"nr,mine,theirs\n1,2.0,1.0\n2,0.5,1.5\n")
    (logs / "bad" / "rewardboard.toml").write_text(
        'loss = "hinge"\n[columns]\nnr = "pair_id"\nmine = "chosen_score"\ntheirs = "rejected_score"\n'
    )
    board, _ = ingest(logs)
    with board:
        (scorer,) = board.scorers().to_dict("records")
        assert (scorer["n"], scorer["loss"]) == (2, "hinge")
        assert board.accuracy(scorer["run"])["accuracy"].iloc[0] == 0.5


def test_an_unknown_key_beside_a_run_is_told(logs):
    (logs / "good" / "rewardboard.toml").write_text('los = "hinge"\n')
    board, files = ingest(logs)
    with board:
        assert "unknown key 'los'" in files["rewardboard.toml"].error
        assert len(board.series("good", "reward")) == 20
