"""Figures in the browser that keep their zoom while rows arrive.

Streamlit's own chart is mounted anew whenever its figure changes, and forgets where the reader looked. This one is
told the new figure and goes on; it draws with the plotly.js that the plotly package ships.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import streamlit as st

from dashboard import data

CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d", "sendChartToCloud"],
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "rewardboard"},
}

_JS = """
const loading = {};
function library(url) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading[url] ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => done(window.Plotly);
    script.onerror = failed;
    document.head.appendChild(script);
  });
  return loading[url];
}
export default function ({ data, parentElement }) {
  const place = parentElement.querySelector(".plot");
  const figure = JSON.parse(data.figure);
  place.style.minHeight = `${figure.layout.height}px`;
  place.setAttribute("role", "figure");
  place.setAttribute("aria-label", data.alt);
  library(data.library)
    .then((Plotly) => Plotly.react(place, figure.data, figure.layout, data.config))
    .then(() => {
      if (place.widthWatched) return;
      place.widthWatched = new ResizeObserver(() => { if (place.offsetWidth) window.Plotly.Plots.resize(place); });
      place.widthWatched.observe(place);
    })
    .catch(() => { place.textContent = "The drawing library could not be loaded; reload the page."; });
}
"""

_component = st.components.v2.component(
    "rewardboard_plot", html="<div class='plot'></div>", js=_JS, isolate_styles=False
)


def plot(figure: dict[str, Any], key: str, alt: str) -> None:
    """Draw a figure; colours are its own. `key` names its place on the page, `alt` says what it shows."""
    library = data.here().plotly
    if not library:  # outside of our server nobody hands out plotly.js
        st.plotly_chart(figure, key=key, theme=None, config=CONFIG, alt=alt)
        return
    mounted = {"figure": serialised(figure), "config": CONFIG, "alt": alt, "library": library}
    _component(key=key, data=mounted, height="content")


def serialised(figure: dict[str, Any]) -> str:
    """JSON of a figure, arrays as base64: a third of the size of digits, and nothing is checked twice."""
    return json.dumps(figure, default=_array, allow_nan=False)


def _array(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "iuf" or value.dtype.itemsize > 8 or value.dtype in (np.int64, np.uint64):
            value = value.astype(np.float64)  # plotly.js has no 64-bit integers
        return {"dtype": value.dtype.str[1:], "bdata": base64.b64encode(np.ascontiguousarray(value)).decode()}
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a figure can't hold {type(value).__name__}")
