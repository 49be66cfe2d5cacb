"""The `rewardboard` command: a thin shell over `Board`.

Exit codes: 0 done, 1 a guardrail is violated, 2 usage or input error, 3 not established.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from analysis import __version__
from analysis.commands import compare as comparing
from analysis.commands import diagnose as diagnosing
from analysis.memory import loading
from analysis.records import InputError, RewardboardError, StoreHeldError
from analysis.scoring import command as scoring

if TYPE_CHECKING:
    import pandas as pd

    from analysis.board import Board
    from analysis.ingest.ingestor import Progress, Report
    from analysis.remote import RemoteBoard

SCHEMA = 1
COMMANDS = ("serve", "demo", "ingest", "runs", "diagnose", "compare", "score", "sql")
DEFAULT_DB = "rewardboard.duckdb"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. Errors are one line on stderr, never a traceback."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] not in COMMANDS and not words[0].startswith("-"):
        words.insert(0, "serve")
    options = _parser().parse_args(words)
    try:
        return int(options.run(options) or 0)
    except RewardboardError as error:
        _say(f"rewardboard: {error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _say(f"{self.prog}: {message}; `{self.prog} --help` shows how")
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rewardboard",
        description="TensorBoard for RLHF, with a diagnosis. `rewardboard PATH` opens the dashboard on your logs.",
    )
    parser.add_argument("--version", action="version", version=f"rewardboard {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="read logs, watch them and open the dashboard (the default)")
    serve.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="folders or files with logs")
    demo = commands.add_parser("demo", help="open the dashboard on the sample runs of a source checkout")
    for command in (serve, demo):
        _add_db(command)
        command.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        command.add_argument("--port", type=int, help="port (default: 8501, or the next free one)")
        command.add_argument("--no-browser", action="store_true", help="do not open a browser")
    serve.add_argument("--loss", help="ranking loss of reward models whose logs do not say it")
    serve.set_defaults(run=_serve)
    demo.set_defaults(run=_demo, loss=None)

    ingest = commands.add_parser("ingest", help="read logs into the store and report what was read")
    ingest.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    ingest.add_argument("--loss", help="ranking loss of reward models whose logs do not say it")
    ingest.add_argument("--strict", action="store_true", help="exit with 2 if anything could not be read")
    _add_db(ingest)
    _add_json(ingest)
    ingest.set_defaults(run=_ingest)

    runs = commands.add_parser("runs", help="list runs; rename, tag, note, archive, restore or delete one")
    runs.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "rename", "tag", "note", "archive", "restore", "delete"),
    )
    runs.add_argument("name", nargs="?", metavar="RUN", help="run id")
    runs.add_argument("value", nargs="*", help="new name, tags (none: remove all), or note")
    runs.add_argument("--all", action="store_true", help="list archived runs too")
    _add_db(runs)
    _add_json(runs)
    runs.set_defaults(run=_runs)

    diagnose = commands.add_parser("diagnose", help="what is wrong with a run, since when, why, how sure, what next")
    diagnosing.add_options(diagnose)
    _add_db(diagnose, of_runs=True)
    _add_json(diagnose)
    diagnose.set_defaults(run=_diagnose)

    compare = commands.add_parser("compare", help="which of several reward models ranks better, on the same pairs")
    comparing.add_options(compare)
    _add_db(compare, of_runs=True)
    _add_json(compare)
    compare.set_defaults(run=_compare)

    score = commands.add_parser("score", help="score preference pairs or candidates with a Hugging Face reward model")
    scoring.add_options(score)
    _add_db(score)
    _add_json(score)
    score.set_defaults(run=_score)

    sql = commands.add_parser("sql", help="answer one read-only SELECT")
    sql.add_argument("query", help='for example "SELECT run_id, count(*) FROM series GROUP BY 1"')
    _add_db(sql)
    _add_json(sql)
    sql.set_defaults(run=_sql)
    return parser


def _add_db(command: argparse.ArgumentParser, *, of_runs: bool = False) -> None:
    """`of_runs`: the command takes paths, for which it needs no store, or runs of one."""
    told = f"none for paths, {DEFAULT_DB} for runs" if of_runs else DEFAULT_DB
    command.add_argument("--db", default=None if of_runs else DEFAULT_DB, metavar="FILE", help=f"the store (default: {told})")  # fmt: skip


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="one JSON document on stdout")


# -- commands


def _serve(options: argparse.Namespace) -> int:
    with loading():
        from analysis.board import Board
        from analysis.server import serve

    _existing(options.paths)
    try:
        board = Board.open(options.db)
    except StoreHeldError as error:
        from analysis.remote import find_server

        remote = find_server(options.db)
        if remote is None:
            raise
        raise InputError(
            f"{error.what} and shows it at {remote.url}",
            where=options.db,
            mend="open that page, or name another --db",
        ) from error
    with board:
        serve(
            board,
            options.paths,
            host=options.host,
            port=options.port,
            open_browser=not options.no_browser,
            loss=options.loss,
        )
    return 0


def _demo(options: argparse.Namespace) -> int:
    samples = Path(__file__).resolve().parent.parent / "sample_runs"
    if not samples.is_dir():
        raise InputError("the sample runs ship with the source only", mend="run this from a source checkout")
    options.paths = [samples]
    return _serve(options)


def _ingest(options: argparse.Namespace) -> int:
    _existing(options.paths)
    with _board(options.db) as board:
        report = board.ingest(options.paths, loss=options.loss, progress=_progress())
        unmapped = board.unmapped()
    runs = sorted({f.run_id for f in report.files if f.run_id})
    bad = [f for f in report.files if f.error or f.skipped]
    if options.json:
        _print_json(_ingest_document(report, unmapped))
    else:
        _print_ingest(report, len(runs), unmapped)
    return 2 if options.strict and bad else 0


def _ingest_document(report: Report, unmapped: pd.DataFrame) -> dict[str, Any]:
    files = [
        {
            "path": f.path,
            "source": f.source or None,
            "role": f.role or None,
            "run": f.run_id or None,
            "rows": f.rows,
            "state": f.state,
            "skipped": [{"where": s.where, "why": s.why, "count": s.count} for s in f.skipped],
            "notes": list(f.notes),
            "error": f.error or None,
        }
        for f in report.files
    ]
    return {"files": files, "runs": list(report.runs), "unmapped": _records(unmapped)}


def _print_ingest(report: Report, runs: int, unmapped: pd.DataFrame) -> None:
    rows = sum(f.rows for f in report.files)
    read = sum(f.state == "read" for f in report.files)
    print(f"{read} files read, {rows:,} rows, {len(report.runs)} runs")
    for f in report.files:
        if f.error:
            print(f"  {'not read' if f.state == 'unread' else 'failed'}: {f.path}: {f.error}")
        for s in f.skipped:
            print(f"  skipped: {f.path}: {s.where}: {s.why}" + (f" ({s.count} times)" if s.count > 1 else ""))
    if len(unmapped):
        print(f"{unmapped['tag'].nunique()} tags are not in the vocabulary; kept under their own names")


def _runs(options: argparse.Namespace) -> int:
    with _board(options.db, must_exist=True) as board:
        if options.action == "list":
            return _list_runs(board, options)
        if not options.name:
            raise InputError(f"runs {options.action} needs the id of a run", mend="`rewardboard runs` lists them")
        changes: dict[str, Callable[[], None]] = {
            "rename": lambda: board.edit(options.name, name=_words(options, "a new name")),
            "tag": lambda: board.edit(options.name, tags=options.value),
            "note": lambda: board.edit(options.name, note=" ".join(options.value)),
            "archive": lambda: board.edit(options.name, archived=True),
            "restore": lambda: board.edit(options.name, archived=False),
            "delete": lambda: board.delete(options.name),
        }
        changes[options.action]()
        if options.json:
            _print_json({"run": options.name, "done": options.action})
    return 0


def _words(options: argparse.Namespace, what: str) -> str:
    if not options.value:
        raise InputError(f"runs {options.action} needs {what}", mend=f"rewardboard runs {options.action} RUN TEXT")
    return " ".join(options.value)


def _list_runs(board: Board | RemoteBoard, options: argparse.Namespace) -> int:
    table = board.runs(archived=options.all)
    if options.json:
        keys = ["run", "name", "kind", "framework", "loss", "state", "state_why", "verdict", "tags", "note", "archived"]
        documents = [
            {key: row[key] for key in keys} | {"steps": row["last_step"], "verdict": None} for row in _records(table)
        ]
        _print_json({"runs": documents})
        return 0
    if table.empty:
        _say("no runs yet; `rewardboard ingest PATH` reads some")
        return 0
    shown = table[["run", "kind", "framework", "loss", "last_step", "n_metrics", "state"]]
    print(shown.fillna("-").to_string(index=False))
    return 0


def _tell(options: argparse.Namespace, document: dict[str, Any], lines: Callable[[dict[str, Any]], list[str]]) -> int:
    """Print a document as JSON, or in words."""
    if options.json:
        _print_json(document)
    else:
        print("\n".join(lines(document)))
    return 0


def _diagnose(options: argparse.Namespace) -> int:
    document = diagnosing.document(options, lambda: _board(options.db or DEFAULT_DB, must_exist=True))
    return _tell(options, document, diagnosing.lines)


def _compare(options: argparse.Namespace) -> int:
    document = comparing.document(options, lambda: _board(options.db or DEFAULT_DB, must_exist=True))
    return _tell(options, document, comparing.lines)


def _score(options: argparse.Namespace) -> int:
    done = scoring.run(options)
    with _board(options.db) as board:
        document = scoring.store(board, done, options.pairs, options.loss)
    return _tell(options, document, scoring.lines)


def _sql(options: argparse.Namespace) -> int:
    with _board(options.db, must_exist=True) as board:
        answer = board.sql(options.query)
    if options.json:
        _print_json({"columns": list(answer.columns), "rows": _records(answer)})
    else:
        print(answer.to_string(index=False))
    return 0


# -- helpers


@contextmanager
def _board(db: str, *, must_exist: bool = False) -> Iterator[Board | RemoteBoard]:
    """The store, or the server that owns it."""
    from analysis.board import Board

    if must_exist and not Path(db).exists():
        raise InputError("no such store", where=db, mend="`rewardboard ingest PATH` makes one, --db names another")
    try:
        board = Board.open(db)
    except StoreHeldError:
        from analysis.remote import find_server

        remote = find_server(db)
        if remote is None:
            raise
        yield remote
        return
    with board:
        yield board


def _existing(paths: Sequence[Path]) -> None:
    for path in paths:
        if not path.exists():
            raise InputError("no such file or folder", where=str(path), mend="check the path")


def _progress() -> Callable[[Progress], None] | None:
    """A line on stderr that is written anew, a few times a second; nothing if nobody is looking."""
    if not sys.stderr.isatty():
        return None
    last = time.monotonic()

    def show(progress: Progress) -> None:
        nonlocal last
        done = progress.files_done == progress.files_total
        if done or time.monotonic() - last > 0.2:
            last = time.monotonic()
            line = f"\r{progress.files_done}/{progress.files_total} files, {progress.rows:,} rows "
            sys.stderr.write(line + ("\n" if done else ""))
            sys.stderr.flush()

    return show


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps({"schema": SCHEMA, **_plain(document)}, indent=1, allow_nan=False))


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not a number becomes null."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value if value is None or isinstance(value, str | int | bool) else _missing_or_text(value)


def _missing_or_text(value: Any) -> str | None:
    return None if value != value or str(value) in ("<NA>", "NaT") else str(value)


def _say(line: str) -> None:
    print(line, file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
