"""The pages as an ASGI application: Streamlit, and how it is set for this server."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from streamlit import config
from streamlit.components.v2 import manifest_scanner
from streamlit.starlette import App
from streamlit.web import bootstrap

WHOLE_MESSAGES = 1e12
"""Bytes from which Streamlit sends a part of the page that the browser had before by its name alone. The browser forgets such
parts after two runs of the script: who clicks faster than the server answers is sent a name that it has just forgotten,
and loses the page. Parts of our pages have tens of kilobytes, since curves come by requests of their own."""


def pages(lifespan: Any, routes: Sequence[Any], middleware: Sequence[Any], host: str, port: int) -> Any:
    """The application that serves the pages' script beside `routes`."""
    own_components_only()
    app = App(Path(__file__).parent / "app.py", lifespan=lifespan, routes=routes, middleware=middleware)
    # read the settings beside the script again, whatever this process read before; these belong to the process
    bootstrap.load_config_options(
        {
            "server.headless": True,
            "server.port": port,
            "server.address": host,
            "server.fileWatcherType": "none",
            "global.minCachedMessageSize": WHOLE_MESSAGES,
        }
    )
    return app


def own_components_only() -> None:
    """Let Streamlit look for no components in installed packages; ours are in the script.

    It would read the metadata of every package that is installed: a quarter of a second for a hundred, each time it starts.
    """
    manifest_scanner.scan_component_manifests = list


def allowed_hosts() -> Collection[str]:
    """Names that the user's settings let this server be called by."""
    hosts: Collection[str] = config.get_option("server.allowedHosts")
    return hosts
