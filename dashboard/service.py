"""What pages ask of their server by themselves: figures, lists and news, without a run of the page's script.

A chart that zooms or follows a log fetches its own numbers here, and one socket a window tells it when to. Calls carry
the token that the page was given, so that no other web page can make them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from analysis.records import RewardboardError
from dashboard import libraries, look, opening, requests

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.websockets import WebSocket

    from analysis.host import Host

FOREVER = "public, max-age=31536000, immutable"
"""For what never changes under its name."""

NEWS_SECONDS = 0.15
"""News are gathered for so long: writers of a hundred runs flush one after the other."""

log = logging.getLogger("rewardboard")


def routes(shared: Host) -> list[BaseRoute]:
    """The HTTP and socket routes of the pages of this process."""
    from starlette.responses import FileResponse
    from starlette.routing import Route, WebSocketRoute

    scripts = libraries.files()

    async def library(request: Request) -> Response:
        return FileResponse(scripts[request.url.path], media_type="text/javascript", headers={"Cache-Control": FOREVER})

    async def answer(request: Request) -> Response:
        return await _answer(shared, request)

    async def news(socket: WebSocket) -> None:
        await _news(shared, socket)

    return [
        *(Route(address, library, methods=["GET"]) for address in scripts),
        Route("/page/{what}", answer, methods=["POST"]),
        WebSocketRoute("/page/news", news),
    ]


def _known(shared: Host, token: str) -> bool:
    return bool(shared.page) and secrets.compare_digest(token.encode(), shared.page.encode())


async def _answer(shared: Host, request: Request) -> Response:
    """One request of a page: its name in the path, its arguments as JSON; `have` is the version the page has."""
    from starlette.responses import JSONResponse, Response, StreamingResponse

    if not _known(shared, request.headers.get("X-Rewardboard-Page", "")):
        return JSONResponse({"what": "this page is of an earlier server; reload it"}, status_code=403)
    call = requests.CALLS.get(request.path_params["what"])
    if call is None:
        return JSONResponse({"what": "no such request"}, status_code=404)
    try:
        asked = json.loads(await request.body())
        with shared.timings.timed("request"):
            body, kind, at = await asyncio.to_thread(call, shared, asked)
    except RewardboardError as error:
        return JSONResponse({"what": error.what, "mend": error.mend}, status_code=400)
    except Exception as error:  # the page says it in the chart's place and goes on
        log.exception("%s can't be answered", request.path_params["what"])
        return JSONResponse({"what": f"{type(error).__name__}: {error}"}, status_code=500)
    if body is None:
        return Response(status_code=204)
    headers = {"X-Rewardboard-Version": at, "Cache-Control": "no-store"}
    if isinstance(body, bytes):
        return Response(body, media_type=kind, headers=headers)
    return StreamingResponse(body, media_type=kind, headers=headers)


async def _news(shared: Host, socket: WebSocket) -> None:
    """Tell a window which runs changed since it was told last; silent as long as nothing does."""
    from starlette.websockets import WebSocketDisconnect

    await socket.accept()
    try:
        if not _known(shared, await socket.receive_text()):
            await socket.close(1008)
            return
    except WebSocketDisconnect:
        return
    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(woken.set)

    shared.listeners.add(wake)
    teller = asyncio.create_task(_tell(shared, socket, woken))
    try:
        while True:
            await socket.receive_text()
    except WebSocketDisconnect:
        pass
    finally:
        shared.listeners.discard(wake)
        teller.cancel()


async def _tell(shared: Host, socket: WebSocket, woken: asyncio.Event) -> None:
    told = shared.board.changes()
    # what changed between the page's own look and this one is in nobody's news: `first` lets the page compare
    await socket.send_json({**_state(shared, []), "first": shared.board.version()})
    while True:
        await woken.wait()
        await asyncio.sleep(NEWS_SECONDS)
        woken.clear()
        now = shared.board.changes()
        changed = [run for run, at in now.items() if told.get(run) != at]
        told = now
        await socket.send_json(_state(shared, changed))


def _state(shared: Host, changed: list[str]) -> dict[str, Any]:
    done = shared.progress
    progress = [done.files_done, done.files_total, done.bytes_done, done.bytes_total, done.rows] if done else None
    said = {"changed": changed, "reading": shared.reading, "progress": progress, "trouble": shared.trouble}
    return {**said, "windows": len(shared.listeners)}


class Start:
    """Put into the first HTML what Streamlit's own start leaves to later.

    Its client looks for the server below the page's path first, which costs two failed requests and console errors on
    every page but the first; the drawing library loads beside the client instead of after it; and the Run page draws its
    first picture without waiting for the client.
    """

    def __init__(self, app: Any, shared: Host) -> None:
        self.app = app
        self.shared = shared

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        scope = {**scope, "headers": plain} if "." not in scope["path"] else scope  # a page, to be written into
        begun: dict[str, Any] = {}
        parts: list[bytes] = []

        async def through(message: Any) -> None:
            if message["type"] == "http.response.start" and _is_html(message):
                begun.update(message)
            elif begun and message["type"] == "http.response.body":
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    await _send_html(begun, b"".join(parts), self.shared.page, send)
            else:
                await send(message)

        await self.app(scope, receive, through)


HEAD = (
    "<script>window.__streamlit={...window.__streamlit,BACKEND_BASE_URL:location.origin+'/'};"
    # not rel=preload: the browser warns of it on pages without a chart
    f"fetch('{libraries.BASIC}').then((script)=>script.blob())</script>"
    f"<style>{look.CSS}</style>"
)


def _is_html(message: Any) -> bool:
    headers = dict(message["headers"])
    return message["status"] == 200 and headers.get(b"content-type", b"").startswith(b"text/html")


async def _send_html(begun: dict[str, Any], body: bytes, page: str, send: Callable[[Any], Any]) -> None:
    body = opening.into(body.decode().replace("<head>", "<head>" + HEAD, 1), page).encode()
    kept = [(name, value) for name, value in begun["headers"] if name not in (b"content-length", b"etag")]
    await send({**begun, "headers": [*kept, (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
