"""One process: owns the board, tails the sources, serves the pages and a small HTTP API.

Streamlit runs as an ASGI application, so that reading begins with the process and not with the first visitor.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.host import Host, use
from analysis.memory import loading, settle
from analysis.records import InputError, RewardboardError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from analysis.board import Board

SWITCH_SECONDS = 0.0005
"""After how long a thread lets the next one go on. Answers of pages are hundreds of short calls of DuckDB and Arrow, each
of which gives way; with Python's 5 ms each would wait that long to come back while another window is answered."""

FIRST_PORT, PORTS = 8501, 50

API = frozenset(
    ("runs", "run", "edit", "delete", "ingest", "metrics", "traces", "series", "sparklines", "scorers", "accuracy", "compared", "compared_policies", "diagnosed",
     "pairs", "streams", "score_quantiles", "files", "unmapped", "checks", "sql", "version")
)  # fmt: skip
"""Board methods that another process may call."""

SCHEMA = 1


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

    Parameters
    ----------
    host : address to listen on; anything but this machine's own lets others read the pages
    port : None takes 8501 or the next free one

    Raises
    ------
    InputError
        If the port is in use, no port is free, or the address is not one of this machine.
    """
    import uvicorn

    listener = _listen(host, port)
    chosen = int(listener.getsockname()[1])
    shared = Host(board, paths, loss)
    use(shared)
    url = f"http://{_spoken(host)}:{chosen}"
    token = secrets.token_urlsafe(24)
    sidecar = _write_sidecar(board, url, token)
    with loading():
        app = application(shared, token, host, chosen)
    config = uvicorn.Config(
        app,
        log_level="warning",
        timeout_graceful_shutdown=1,
        ws_max_size=2**26,
    )
    sys.setswitchinterval(SWITCH_SECONDS)
    settle()
    print(f"Rewardboard at {url}  (Ctrl-C stops)", file=sys.stderr, flush=True)  # noqa: T201
    try:
        with listener, _terminated_like_interrupted():
            if open_browser:
                threading.Timer(1.0, webbrowser.open, [url]).start()
            uvicorn.Server(config).run(sockets=[listener])
    finally:
        shared.stop()
        if sidecar is not None:
            sidecar.unlink(missing_ok=True)


@contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """Let SIGTERM end in an exception, as Ctrl-C does, so that the board is closed and the sidecar removed.

    uvicorn shuts down first and then raises the signal again for the handler that was there before.
    """

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def application(shared: Host, token: str, host: str, port: int) -> Any:
    """The ASGI application: Streamlit's pages, the API, and the reading thread in its lifespan."""
    from starlette.middleware import Middleware
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from dashboard import service, site

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[dict[str, Any]]:
        workers = [
            threading.Thread(target=work, name=f"rewardboard-{name}", daemon=True)
            for name, work in (("tail", shared.work), ("diagnose", shared.diagnose))
        ]
        for worker in workers:
            worker.start()
        try:
            yield {}
        finally:
            shared.stop()
            for worker in workers:
                await asyncio.to_thread(worker.join, 1.5)

    async def health(_: Request) -> Response:
        path = shared.board.path
        where = None if path is None else str(path.resolve())
        timings = shared.timings.summary()
        doing = {"reading": shared.reading, "due": shared.due}
        return JSONResponse({"schema": SCHEMA, "pid": os.getpid(), "db": where, **doing, "seconds": timings})

    async def call(request: Request) -> Response:
        return await _call(shared.board, request, token)

    shared.page = secrets.token_urlsafe(24)
    routes = [
        *service.routes(shared),
        Route("/api/health", health, methods=["GET"]),
        Route("/api/board/{method}", call, methods=["POST"]),
    ]
    guard = Middleware(_HostCheck, names={host}, allowed=site.allowed_hosts)
    return site.pages(lifespan, routes, [guard, Middleware(service.Start, shared=shared)], host, port)


class _HostCheck:
    """Refuse requests under a name that is not ours, so that a web page can't reach us through its own DNS name.

    Addresses pass (a rebound name never is one), and localhost, this machine's name, the name that was given,
    and those in Streamlit's setting `server.allowedHosts`.
    """

    def __init__(self, app: Any, names: Collection[str], allowed: Callable[[], Collection[str]]) -> None:
        self.app = app
        self.allowed = allowed
        self.names = {name.lower() for name in (*names, "localhost", socket.gethostname(), socket.getfqdn())}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket") and not self._ours(scope):
            from starlette.responses import PlainTextResponse

            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
                return
            await PlainTextResponse("this name is not one of this server", status_code=421)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _ours(self, scope: Any) -> bool:
        said = next((value.decode("latin-1") for key, value in scope["headers"] if key == b"host"), "")
        name = said.rpartition(":")[0] if said.rpartition(":")[2].isdigit() else said
        name = name.strip("[]").rstrip(".").lower()
        if name in self.names or name in self.allowed():
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


async def _call(board: Board, request: Request, token: str) -> Response:
    """One Board call from another process. The token keeps web pages elsewhere from making it."""
    from starlette.responses import JSONResponse, Response

    from analysis.remote import packed, plain

    def refused(what: str, status: int, mend: str = "", where: str = "", error: str = "InputError") -> Response:
        return JSONResponse({"what": what, "where": where, "mend": mend, "error": error}, status_code=status)

    given = request.headers.get("X-Rewardboard-Token", "").encode()
    if not secrets.compare_digest(given, token.encode()):
        return refused("the token is missing or wrong", 403, "take it from the file beside the store")
    method = request.path_params["method"]
    if method not in API:
        return refused(f"no such call: {method}", 404, f"one of {', '.join(sorted(API))}")
    try:
        document = json.loads(await request.body() or b"{}")
        answer = await asyncio.to_thread(getattr(board, method), **document.get("args", {}))
    except RewardboardError as error:
        return refused(error.what, 400, error.mend, error.where, type(error).__name__)
    except (TypeError, ValueError, AttributeError) as error:
        return refused(str(error), 400, "check the arguments", method)
    if hasattr(answer, "to_dict"):
        body = await asyncio.to_thread(packed, answer)
        return Response(body, media_type="application/vnd.apache.arrow.stream")
    return JSONResponse(plain(answer))


# -- address and sidecar


def _listen(host: str, wanted: int | None) -> socket.socket:
    """A socket that listens on the port asked for, or on the first free one."""
    for port in [wanted] if wanted is not None else range(FIRST_PORT, FIRST_PORT + PORTS):
        try:
            family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        except (socket.gaierror, UnicodeError, OverflowError) as error:
            raise InputError(
                "no such address", where=f"{host}:{port}", mend="give an address of this machine"
            ) from error
        with suppress(PermissionError, OSError):
            return socket.create_server(address[:2], family=family, backlog=128)
    where = f"{host}:{wanted}" if wanted is not None else f"{host}:{FIRST_PORT} to {FIRST_PORT + PORTS - 1}"
    raise InputError("the port is in use or not allowed", where=where, mend="name a free one with --port")


def _spoken(host: str) -> str:
    """The host as it stands in a URL that opens here."""
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1", ""):
        return "localhost"
    return f"[{host}]" if ":" in host else host


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
