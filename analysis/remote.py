"""The board of another process, called over its HTTP API: same names, same answers, same errors."""

from __future__ import annotations

import json
import math
import os
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import records
from analysis.records import InputError, RewardboardError, Skipped, StoreError
from analysis.store.rows import File

if TYPE_CHECKING:
    import pandas as pd

TIMEOUT = 600.0
"""Seconds for a call: an ingest of a large folder answers when it is done."""


def sidecar_of(db: str | Path) -> Path:
    """Where the owner of a store says how it is reached."""
    path = Path(db).resolve()
    return path.with_name(path.name + ".server.json")


def find_server(db: str | Path) -> RemoteBoard | None:
    """The server that owns a store, None if none answers (a file left by a killed server counts as none)."""
    try:
        said = json.loads(sidecar_of(db).read_text())
        os.kill(int(said["pid"]), 0)
        board = RemoteBoard(said["url"], said["token"])
        with urllib.request.urlopen(f"{board.url}/api/health", timeout=3) as answer:
            health = json.load(answer)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    same = health.get("pid") == said["pid"] and health.get("db") == str(Path(db).resolve())
    return board if same else None


class RemoteBoard:
    """The part of `Board` that other processes may use. The token is the one in the sidecar file."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.replace("//localhost", "//127.0.0.1")
        self._token = token

    def _call(self, method: str, **arguments: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/board/{method}",
            data=json.dumps({"args": arguments}).encode(),
            headers={"X-Rewardboard-Token": self._token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                body, kind = answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            raise _named(error) from error
        except OSError as error:
            raise StoreError("the server does not answer", where=self.url, mend="restart it") from error
        if "arrow" in kind:
            import pyarrow as pa

            return pa.ipc.open_stream(body).read_pandas()
        return json.loads(body)

    def version(self, runs: Sequence[str] | None = None) -> str:
        """See `Board.version`."""
        return str(self._call("version", runs=None if runs is None else list(runs)))

    def runs(self, *, archived: bool = False) -> pd.DataFrame:
        """See `Board.runs`."""
        return self._call("runs", archived=archived)

    def run(self, run: str) -> dict[str, Any]:
        """See `Board.run`."""
        return dict(self._call("run", run=run))

    def edit(
        self,
        run: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        loss: str | None = None,
        archived: bool | None = None,
    ) -> None:
        """See `Board.edit`."""
        tags = None if tags is None else list(tags)
        self._call("edit", run=run, name=name, tags=tags, note=note, loss=loss, archived=archived)

    def delete(self, run: str) -> None:
        """See `Board.delete`."""
        self._call("delete", run=run)

    def metrics(self, runs: Sequence[str]) -> pd.DataFrame:
        """See `Board.metrics`."""
        return self._call("metrics", runs=list(runs))

    def traces(
        self,
        runs: Sequence[str],
        metrics: Sequence[str],
        *,
        x: str = "step",
        window: tuple[float, float] | None = None,
        buckets: int = 1200,
    ) -> pd.DataFrame:
        """See `Board.traces`."""
        return self._call("traces", runs=list(runs), metrics=list(metrics), x=x, window=window, buckets=buckets)

    def series(self, run: str, metric: str, *, split: str | None = None) -> pd.DataFrame:
        """See `Board.series`."""
        return self._call("series", run=run, metric=metric, split=split)

    def sparklines(self, runs: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
        """See `Board.sparklines`."""
        return self._call("sparklines", runs=list(runs), metrics=list(metrics))

    def scorers(self) -> pd.DataFrame:
        """See `Board.scorers`."""
        return self._call("scorers")

    def accuracy(self, run: str, *, dataset: str | None = None, by: str | None = None) -> pd.DataFrame:
        """See `Board.accuracy`."""
        return self._call("accuracy", run=run, dataset=dataset, by=by)

    def compared(
        self,
        runs: Sequence[str],
        *,
        dataset: str | None = None,
        data: str | None = None,
        losses: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """See `Board.compared`."""
        told = dict(losses or {})
        return dict(self._call("compared", runs=list(runs), dataset=dataset, data=data, losses=told))

    def compared_policies(self, runs: Sequence[str]) -> dict[str, Any]:
        """See `Board.compared_policies`."""
        return dict(self._call("compared_policies", runs=list(runs)))

    def diagnosed(self, runs: Sequence[str]) -> list[dict[str, Any]]:
        """See `Board.diagnosed`."""
        return list(self._call("diagnosed", runs=list(runs)))

    def pairs(
        self,
        run: str,
        *,
        dataset: str | None = None,
        category: str | None = None,
        limit: int = 200,
        offset: int = 0,
    ) -> pd.DataFrame:
        """See `Board.pairs`."""
        return self._call("pairs", run=run, dataset=dataset, category=category, limit=limit, offset=offset)

    def streams(self) -> pd.DataFrame:
        """See `Board.streams`."""
        return self._call("streams")

    def score_quantiles(
        self,
        run: str,
        *,
        field: str = "score",
        by: str | None = None,
        baseline: tuple[float, float] | None = None,
    ) -> pd.DataFrame:
        """See `Board.score_quantiles`."""
        return self._call("score_quantiles", run=run, field=field, by=by, baseline=baseline)

    def files(self) -> pd.DataFrame:
        """See `Board.files`."""
        return self._call("files")

    def unmapped(self) -> pd.DataFrame:
        """See `Board.unmapped`."""
        return self._call("unmapped")

    def checks(self) -> pd.DataFrame:
        """See `Board.checks`."""
        return self._call("checks")

    def sql(self, query: str, *, timeout: float = 10.0, limit: int = 10_000) -> pd.DataFrame:
        """See `Board.sql`."""
        return self._call("sql", query=query, timeout=timeout, limit=limit)

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        loss: str | None = None,
        progress: Callable[[Any], None] | None = None,
    ) -> Any:
        """See `Board.ingest`; progress is shown by the server's own pages."""
        from analysis.ingest.ingestor import Report

        chosen = [paths] if isinstance(paths, str | Path) else list(paths)
        said = self._call("ingest", paths=[str(Path(p).resolve()) for p in chosen], loss=loss)
        files = [
            File(**{**f, "notes": tuple(f["notes"]), "skipped": tuple(Skipped(**s) for s in f["skipped"])})
            for f in said["files"]
        ]
        return Report(tuple(files), tuple(said["runs"]), frozenset(said["changed"]))


def _named(error: urllib.error.HTTPError) -> RewardboardError:
    """The error that the board raised in the other process."""
    with error:
        try:
            said = json.loads(error.read() or b"{}")
        except ValueError:
            said = {}
    kind = getattr(records, str(said.get("error", "")), InputError)
    named = kind if isinstance(kind, type) and issubclass(kind, RewardboardError) else InputError
    return named(said.get("what", str(error)), where=said.get("where", ""), mend=said.get("mend", ""))


def packed(table: Any) -> bytes:
    """A table as an Arrow IPC stream; cells of mixed types, as SQL may give, become text."""
    import pyarrow as pa

    try:
        arrow = pa.Table.from_pandas(table, preserve_index=False)
    except pa.ArrowException:
        mixed = {name: table[name].map(str) for name in table.columns if table[name].dtype == object}
        arrow = pa.Table.from_pandas(table.assign(**mixed), preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return bytes(sink.getvalue())


def plain(answer: Any) -> Any:
    """Plain data of an answer: records as objects, sets as sorted lists, what is no number as null."""
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = asdict(answer)
    if hasattr(answer, "tolist"):
        answer = answer.tolist()
    if isinstance(answer, dict):
        return {str(key): plain(value) for key, value in answer.items()}
    if isinstance(answer, frozenset | set):
        return sorted(plain(value) for value in answer)
    if isinstance(answer, list | tuple):
        return [plain(value) for value in answer]
    if isinstance(answer, float) and not math.isfinite(answer):
        return None
    return answer if answer is None or isinstance(answer, str | int | float) else str(answer)
