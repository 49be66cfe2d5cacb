"""The board of another process, called over its HTTP API: same names, same answers, same errors."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records import InputError, Skipped, StoreError
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
    """The server that owns a store, None if none answers."""
    try:
        said = json.loads(sidecar_of(db).read_text())
        board = RemoteBoard(said["url"], said["token"])
        with urllib.request.urlopen(f"{board.url}/api/health", timeout=3) as answer:
            return board if json.load(answer).get("db") == str(Path(db).resolve()) else None
    except (OSError, ValueError, KeyError):
        return None


class RemoteBoard:
    """The part of `Board` that other processes may use."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url.replace("//localhost", "//127.0.0.1")
        self._token = token

    def _call(self, method: str, **arguments: Any) -> Any:
        request = urllib.request.Request(
            f"{self.url}/api/board/{method}",
            data=json.dumps(arguments).encode(),
            headers={"X-Rewardboard-Token": self._token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                body, kind = answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            said = json.loads(error.read() or b"{}")
            raise InputError(said.get("what", str(error)), where=said.get("where", ""), mend=said.get("mend", "")) from error
        except OSError as error:
            raise StoreError("the server does not answer", where=self.url, mend="restart it") from error
        if "arrow" in kind:
            import pyarrow as pa

            return pa.ipc.open_stream(body).read_pandas()
        return json.loads(body)

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
        archived: bool | None = None,
    ) -> None:
        """See `Board.edit`."""
        self._call("edit", run=run, name=name, tags=tags, note=note, archived=archived)

    def delete(self, run: str) -> None:
        """See `Board.delete`."""
        self._call("delete", run=run)

    def unmapped(self) -> pd.DataFrame:
        """See `Board.unmapped`."""
        return self._call("unmapped")

    def sql(self, query: str, *, timeout: float = 10.0, limit: int = 10_000) -> pd.DataFrame:
        """See `Board.sql`."""
        return self._call("sql", query=query, timeout=timeout, limit=limit)

    def ingest(
        self,
        paths: Sequence[str | Path],
        *,
        loss: str | None = None,
        progress: Callable[[Any], None] | None = None,
    ) -> Any:
        """See `Board.ingest`; progress is shown by the server's own pages."""
        from analysis.ingest.ingestor import Report

        said = self._call("ingest", paths=[str(Path(p).resolve()) for p in paths], loss=loss)
        files = [
            File(**{**f, "notes": tuple(f["notes"]), "skipped": tuple(Skipped(**s) for s in f["skipped"])})
            for f in said["files"]
        ]
        return Report(tuple(files), tuple(said["runs"]), frozenset(said["changed"]))
