"""One process owns the store: how others reach it, who may not, and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pandas as pd
import pytest

from analysis import server
from analysis.board import Board
from analysis.records import InputError, StoreError, StoreHeldError
from analysis.remote import RemoteBoard, find_server, packed, plain, sidecar_of
from dashboard import libraries

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = "import sys; from analysis.cli import main; sys.exit(main(sys.argv[1:]))"


def write_run(folder: Path, steps: int = 30) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "log.jsonl"
    rows = [{"step": i, "reward": 0.1 * i, "kl": 0.01 * i, "loss": 1 / i} for i in range(1, steps + 1)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *extra: str, port: int | None = None) -> None:
        self.db = folder / "store.duckdb"
        self.port = port or free_port()
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                LAUNCH,
                "serve",
                str(folder / "runs"),
                "--db",
                str(self.db),
                "--no-browser",
                "--port",
                str(self.port),
                *extra,
            ],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> RemoteBoard:
        until = time.monotonic() + 40
        while time.monotonic() < until and self.process.poll() is None:
            board = find_server(self.db)
            if board is not None and len(board.runs()):
                return board
            time.sleep(0.1)
        self.process.kill()
        raise AssertionError(f"the server did not start: {self.process.communicate()[1]}")

    def end(self, how: signal.Signals) -> float:
        start = time.monotonic()
        self.process.send_signal(how)
        self.process.communicate(timeout=20)
        return time.monotonic() - start


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("served")
    write_run(folder / "runs" / "run-a")
    process = Running(folder)
    process.wait()
    yield process
    process.end(signal.SIGINT)


def call(url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer, whatever it is."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers or {})) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def post(running: Running, method: str, token: str | None = None) -> tuple[int, bytes]:
    token = json.loads(sidecar_of(running.db).read_text())["token"] if token is None else token
    status, _, body = call(f"{running.url}/api/board/{method}", {"X-Rewardboard-Token": token}, b"{}")
    return status, body


def test_health_names_process_and_store(running):
    status, headers, body = call(f"{running.url}/api/health")
    assert status == 200
    assert "Access-Control-Allow-Origin" not in headers
    told = json.loads(body)
    assert isinstance(told.pop("seconds"), dict)  # by kind of answer: tests/analysis/test_timings.py
    assert isinstance(told.pop("reading"), bool)
    assert told.pop("due") in (None, 0, 1)
    assert told == {"schema": 1, "pid": running.process.pid, "db": str(running.db.resolve())}


def test_the_sidecar_is_for_its_owner_only(running):
    mode = stat.S_IMODE(sidecar_of(running.db).stat().st_mode)
    assert mode == 0o600


@pytest.mark.parametrize("token", ["", "guess", "\xe9"])
def test_without_the_token_nothing_is_answered(running, token):
    status, body = post(running, "runs", token)
    assert status == 403
    assert "token" in json.loads(body)["what"]


@pytest.mark.parametrize("method", ["close", "_guarded", "poll", "tell", "__class__", "pair_text"])
def test_only_listed_methods_are_called(running, method):
    assert post(running, method)[0] == 404


def test_a_get_calls_nothing(running):
    _, headers, _ = call(f"{running.url}/api/board/runs")
    assert "html" in headers["Content-Type"]  # the pages' own fallback, no answer of the board


@pytest.mark.parametrize("path", ["/api/health", "/", "/_stcore/health"])
@pytest.mark.parametrize("name", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "a:b:c"])
def test_a_foreign_host_name_is_refused(running, path, name):
    assert call(running.url + path, {"Host": f"{name}:{running.port}"})[0] == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "192.168.7.9"])
def test_own_names_and_addresses_pass(running, host):
    assert call(f"{running.url}/api/health", {"Host": f"{host}:{running.port}"})[0] == 200


def test_plotly_is_handed_out_for_good(running):
    _, headers, body = call(f"{running.url}{libraries.FULL}")
    assert "immutable" in headers["Cache-Control"]
    assert len(body) > 1_000_000


def test_the_remote_board_answers_as_the_board_does(running, tmp_path):
    remote = find_server(running.db)
    with Board.open() as board:
        board.ingest(running.db.parent / "runs")
        for method, arguments in {
            "metrics": {"runs": ["run-a"]},
            "traces": {"runs": ["run-a"], "metrics": ["reward", "loss.total", "reward.rm_score_mean"]},
            "sparklines": {"runs": ["run-a"], "metrics": ["reward.rm_score_mean"]},
            "unmapped": {},
            "checks": {},
            "scorers": {},
            "streams": {},
        }.items():
            mine, theirs = getattr(board, method)(**arguments), getattr(remote, method)(**arguments)
            assert list(mine.columns) == list(theirs.columns), method
            assert len(mine) == len(theirs), method
        assert list(remote.runs()["run"]) == list(board.runs()["run"]) == ["run-a"]
        assert remote.run("run-a")["name"] == board.run("run-a")["name"]
    assert remote.version() == remote.version()
    assert remote.sql("SELECT count(*) AS n FROM runs")["n"].tolist() == [1]


def test_errors_cross_with_name_place_and_mend(running):
    remote = find_server(running.db)
    with pytest.raises(InputError) as raised:
        remote.run("no-such-run")
    assert raised.value.where == "no-such-run"
    assert raised.value.mend
    with pytest.raises(InputError, match="SELECT"):
        remote.sql("DROP TABLE runs")


def test_wrong_arguments_are_an_answer_not_a_crash(running):
    remote = find_server(running.db)
    with pytest.raises(InputError):
        remote._call("runs", nonsense=1)
    assert len(remote.runs()) == 1


def test_a_row_appended_is_read_within_a_second(running):
    remote = find_server(running.db)
    before = remote.version(["run-a"])
    with (running.db.parent / "runs" / "run-a" / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": 31, "reward": 3.1, "kl": 0.31, "loss": 0.03}) + "\n")
    start = time.monotonic()
    while remote.version(["run-a"]) == before and time.monotonic() - start < 5:
        time.sleep(0.02)
    assert time.monotonic() - start < 1.0


def test_a_second_process_works_through_the_server(running):
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, "runs", "--db", str(running.db), "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=True,
    )
    assert [run["run"] for run in json.loads(done.stdout)["runs"]] == ["run-a"]


def test_the_store_is_held_and_its_owner_is_named(running):
    with pytest.raises(StoreHeldError, match="owns the store"):
        Board.open(running.db)


def test_commands_of_a_second_process_go_through_the_server(running):
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", LAUNCH, *words, "--db", str(running.db)],
            capture_output=True,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )

    assert command("runs", "tag", "run-a", "seen").returncode == 0
    listed = json.loads(command("runs", "--json").stdout)
    assert listed["runs"][0]["tags"] == ["seen"]
    answer = command("sql", "SELECT count(*) AS n FROM runs", "--json")
    assert json.loads(answer.stdout)["rows"] == [{"n": 1}]
    refused = command("sql", "DROP TABLE runs")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


def test_what_a_second_process_ingests_is_in_the_servers_store(tmp_path):
    write_run(tmp_path / "runs" / "run-a")
    process = Running(tmp_path)
    remote = process.wait()
    write_run(tmp_path / "more" / "run-b")
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, "ingest", str(tmp_path / "more"), "--db", str(process.db), "--json"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert json.loads(done.stdout)["runs"] == ["run-b"]
    assert set(remote.runs()["run"]) == {"run-a", "run-b"}
    process.end(signal.SIGINT)


def test_a_second_server_names_the_first(running):
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, "serve", "--db", str(running.db), "--no-browser"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 2
    assert str(running.port) in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_port_in_use_is_one_line(running, tmp_path):
    write_run(tmp_path / "runs" / "run-b")
    second = Running(tmp_path, port=running.port)
    _, said = second.process.communicate(timeout=30)
    assert second.process.returncode == 2
    assert "in use" in said
    assert len(said.strip().splitlines()) == 1
    assert not sidecar_of(second.db).exists()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_asked_to_and_leaves_nothing(tmp_path, how):
    write_run(tmp_path / "runs" / "run-a")
    process = Running(tmp_path)
    process.wait()
    process.end(how)
    assert not sidecar_of(process.db).exists()
    with Board.open(process.db) as board:
        assert list(board.runs()["run"]) == ["run-a"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"pid": 999999999, "url": "http://127.0.0.1:1", "token": "x"}',
        json.dumps({"pid": os.getpid(), "url": "http://127.0.0.1:1", "token": "x"}),
        '{"pid": "x", "url": 3, "token": null}',
    ],
    ids=["empty", "no fields", "a list", "null", "nobody's number", "a process that is no server", "other types"],
)
def test_a_stale_sidecar_counts_as_no_server(tmp_path, content):
    sidecar_of(tmp_path / "store.duckdb").write_text(content)
    assert find_server(tmp_path / "store.duckdb") is None


def test_no_answer_is_a_named_error():
    with pytest.raises(StoreError, match="does not answer"):
        RemoteBoard("http://127.0.0.1:9", "x").runs()


# -- without a server


def test_a_named_port_in_use_raises_and_no_port_takes_the_next(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match="in use"):
            server._listen("127.0.0.1", port)
        monkeypatch.setattr(server, "FIRST_PORT", port)
        with server._listen("127.0.0.1", None) as got:
            assert got.getsockname()[1] > port


def test_an_address_that_is_none_raises():
    with pytest.raises(InputError, match=r"address|in use"):
        server._listen("no.such.host.invalid", 8501)


def test_plain_answers_hold_no_nan():
    answer = plain({"a": float("nan"), "b": [float("inf"), 1.5], "c": {"x", "y"}, 3: pd.Timestamp(0)})
    assert json.loads(json.dumps(answer, allow_nan=False)) == {
        "a": None,
        "b": [None, 1.5],
        "c": ["x", "y"],
        "3": "1970-01-01 00:00:00",
    }


def test_mixed_cells_travel_as_text():
    import pyarrow as pa

    table = pa.ipc.open_stream(packed(pd.DataFrame({"a": [1, "x", None], "b": [1.0, 2.0, 3.0]}))).read_pandas()
    assert table["a"].tolist()[:2] == ["1", "x"]
    assert table["b"].tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("token", ["", "guess", "\xe9"])
def test_pages_of_others_are_not_answered(running, token):
    headers = {"X-Rewardboard-Page": token, "Content-Type": "application/json"}
    status, _, body = call(f"{running.url}/page/runs", headers, b"{}")
    assert status == 403
    assert "reload" in json.loads(body)["what"]


def test_the_first_page_names_its_server_and_its_library(running):
    for path in ("/", "/run"):
        _, headers, body = call(running.url + path, {"Accept-Encoding": "gzip"})
        text = body.decode()
        assert "BACKEND_BASE_URL" in text
        assert libraries.BASIC in text
        assert int(headers["Content-Length"]) == len(body)
