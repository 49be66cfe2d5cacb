"""One process: owns the board, tails the sources, serves the pages and a small HTTP API.

Streamlit runs as an ASGI application, so that reading begins with the process and not with the first visitor.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.records import InputError, RewardboardError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from analysis.board import Board
    from analysis.ingest.ingestor import Progress

POLL_SECONDS = 0.3
"""How often watched files are looked at: with the page's own look every second, a flushed row shows within two."""

TIDY_POLLS = 200
"""Polls between two tidy-ups (a minute): rollups of live runs are merged, logs compared."""

FIRST_PORT, PORTS = 8501, 50

API = frozenset(
    """runs run edit delete ingest metrics traces series sparklines scorers accuracy pairs streams score_quantiles files
    unmapped checks sql version""".split()
)
"""Board methods that another process may call."""

log = logging.getLogger("rewardboard")


class Host:
    """What the pages of this process share: the board, and how far the first reading is."""

    def __init__(self, board: Board, paths: Sequence[Path], loss: str | None) -> None:
        self.board = board
        self.paths = list(paths)
        self.loss = loss
        self.progress: Progress | None = None
        self.reading = False
        self.trouble = ""
        self._stop = threading.Event()
        self._changed: set[str] = set()

    def work(self) -> None:
        """Read the paths, then follow them until `stop`; whatever fails is told, and tried again."""
        self.reading = bool(self.paths)
        if self.paths:
            self._guarded(lambda: self.board.ingest(self.paths, loss=self.loss, progress=self._note))
        self.reading = False
        polls = 0
        while not self._stop.wait(POLL_SECONDS):
            self._guarded(lambda: self._changed.update(self.board.poll()))
            polls += 1
            if polls % TIDY_POLLS == 0 and self._changed:
                changed, self._changed = self._changed, set()
                self._guarded(lambda runs=changed: self.board.tidy(runs))  # type: ignore[misc]

    def stop(self) -> None:
        self._stop.set()

    def _note(self, progress: Progress) -> None:
        self.progress = progress
        if self._stop.is_set():
            raise InputError("stopped while reading", mend="start again; nothing that was read is lost")

    def _guarded(self, work: Any) -> None:
        try:
            work()
            self.trouble = ""
        except RewardboardError as error:
            self.trouble = str(error)
        except Exception as error:  # the tailing thread must outlive any one file
            self.trouble = f"{type(error).__name__}: {error}"
            log.exception("reading failed")


_host: Host | None = None


def host() -> Host:
    """What the page scripts of this process work on; a store named by REWARDBOARD_DB outside of a server."""
    global _host
    if _host is None:
        from analysis.board import Board

        _host = Host(Board.open(os.environ.get("REWARDBOARD_DB")), [], None)
    return _host


def serve(
    board: Board,
    paths: Sequence[Path],
    *,
    host: str = "127.0.0.1",
    port: int | None = None,
    open_browser: bool = True,
    loss: str | None = None,
) -> None:
    """Serve the pages of `board` until interrupted, reading and following `paths` meanwhile.

    Raises
    ------
    InputError
        If the port is in use, or no port is free.
    """
    global _host
    import uvicorn

    chosen = _free_port(host, port)
    _host = Host(board, paths, loss)
    url = f"http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{chosen}"  # noqa: S104
    token = secrets.token_urlsafe(24)
    sidecar = _write_sidecar(board, url, token)
    if open_browser:
        threading.Timer(1.0, webbrowser.open, [url]).start()
    print(f"Rewardboard at {url}  (Ctrl-C stops)", file=sys.stderr, flush=True)  # noqa: T201
    config = uvicorn.Config(
        _application(_host, token), host=host, port=chosen, log_level="warning", timeout_graceful_shutdown=1
    )
    try:
        uvicorn.Server(config).run()
    finally:
        _host.stop()
        if sidecar is not None:
            sidecar.unlink(missing_ok=True)


def _application(shared: Host, token: str) -> Any:
    os.environ.setdefault("STREAMLIT_BROWSER_GATHER_USAGE_STATS", "false")
    os.environ.setdefault("STREAMLIT_SERVER_HEADLESS", "true")
    from starlette.routing import Route
    from streamlit.starlette import App

    import dashboard

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        worker = threading.Thread(target=shared.work, name="rewardboard-tail", daemon=True)
        worker.start()
        try:
            yield {}
        finally:
            shared.stop()
            await asyncio.to_thread(worker.join, 2.0)

    async def health(_: Request) -> Response:
        from starlette.responses import JSONResponse

        path = shared.board.path
        return JSONResponse({"schema": 1, "pid": os.getpid(), "db": None if path is None else str(path.resolve())})

    async def call(request: Request) -> Response:
        return await _call(shared.board, request, token)

    script = Path(dashboard.__file__).parent / "app.py"
    routes = [
        Route("/api/health", health, methods=["GET"]),
        Route("/api/board/{method}", call, methods=["POST"]),
    ]
    return App(script, lifespan=lifespan, routes=routes)


async def _call(board: Board, request: Request, token: str) -> Response:
    """One Board call from another process. The token keeps web pages elsewhere from making it."""
    from starlette.responses import JSONResponse, Response

    if not secrets.compare_digest(request.headers.get("X-Rewardboard-Token", ""), token):
        return JSONResponse({"what": "the token is missing or wrong", "where": "", "mend": "restart"}, status_code=403)
    method = request.path_params["method"]
    if method not in API:
        return JSONResponse({"what": f"no such call: {method}", "where": "", "mend": ""}, status_code=404)
    try:
        arguments = json.loads(await request.body() or b"{}")
        answer = await asyncio.to_thread(getattr(board, method), **arguments)
    except RewardboardError as error:
        return JSONResponse({"what": error.what, "where": error.where, "mend": error.mend}, status_code=400)
    except (TypeError, ValueError) as error:
        return JSONResponse({"what": str(error), "where": method, "mend": "check the arguments"}, status_code=400)
    if hasattr(answer, "to_dict"):
        return Response(_arrow(answer), media_type="application/vnd.apache.arrow.stream")
    return JSONResponse(_plain(answer))


def _arrow(table: Any) -> bytes:
    import pyarrow as pa

    arrow = pa.Table.from_pandas(table, preserve_index=False)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow.schema) as writer:
        writer.write_table(arrow)
    return bytes(sink.getvalue())


def _free_port(host: str, wanted: int | None) -> int:
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
            return port
    where = f"{host}:{wanted}" if wanted is not None else f"{host}:{FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise InputError("the port is in use", where=where, mend="name a free one with --port")


def _write_sidecar(board: Board, url: str, token: str) -> Path | None:
    """Tell other processes of this machine and user where the owner of the store answers."""
    from analysis.remote import sidecar_of

    if board.path is None:
        return None
    path = sidecar_of(board.path)
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"pid": os.getpid(), "url": url, "token": token}, file)
    return path


def _plain(answer: Any) -> Any:
    """Plain data of an answer: records as objects, sets as sorted lists."""
    if is_dataclass(answer) and not isinstance(answer, type):
        answer = asdict(answer)
    if isinstance(answer, dict):
        return {str(key): _plain(value) for key, value in answer.items()}
    if isinstance(answer, frozenset | set):
        return sorted(answer)
    return [_plain(value) for value in answer] if isinstance(answer, list | tuple) else answer
