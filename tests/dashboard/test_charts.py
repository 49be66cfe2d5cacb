"""Scores, drift and the way a figure goes to the browser."""

from __future__ import annotations

import base64
import json

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest

from dashboard import look
from dashboard.charts import drift, scores, traces
from dashboard.panels import Panel
from dashboard.serialise import serialised
from tests.dashboard.conftest import stretches
from tests.dashboard.test_look import contrast

MARKS = {run: look.mark(slot) for run, slot in look.marks(["a", "b"]).items()}


def rows(*accuracy: float, n: int = 100) -> pd.DataFrame:
    return pd.DataFrame(
        {"category": [f"c{i}" for i in range(len(accuracy))], "n": n, "ties": 1, "missing": 0, "accuracy": accuracy,
         "low": np.array(accuracy) - 0.1, "high": np.array(accuracy) + 0.1,
         "low50": np.array(accuracy) - 0.03, "high50": np.array(accuracy) + 0.03}
    )  # fmt: skip


def quantiles(days: int = 20, categories: tuple[str, ...] = ("",), baseline: bool = True) -> pd.DataFrame:
    parts = []
    for name in categories:
        part = pd.DataFrame({"x": 86_400.0 * np.arange(days), "category": name, "n": 50})
        for i, q in enumerate(("q05", "q25", "q50", "q75", "q95")):
            part[q] = i + np.sin(np.arange(days))
            if baseline:
                part[f"base_{q}"] = float(i)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


NO_VERSIONS = pd.DataFrame({"x": [], "field": [], "value": []})


def fan(table: pd.DataFrame, versions: pd.DataFrame = NO_VERSIONS, axis: str = "day") -> dict:
    return drift.fan(table, versions, (0.0, 5 * 86_400.0), look.LIGHT, axis=axis, title="Score", unit="u")


def histogram() -> pd.DataFrame:
    edges = np.linspace(-1, 1, 11)
    parts = [
        pd.DataFrame({"side": s, "left": edges[:-1], "right": edges[1:], "count": 3})
        for s in ("chosen", "rejected", "margin")
    ]
    return pd.concat(parts, ignore_index=True)


def curve() -> pd.DataFrame:
    y = np.arange(50.0)
    return pd.DataFrame(
        {"run": "a", "metric": "m", "split": "train", "attempt": 0, "superseded": False, "x": y, "low": y - 1,
         "high": y + 1, "mean": y, "last": y, "n": 2, "nonfinite": (y == 7).astype(int)}
    )  # fmt: skip


FIGURES = {
    "traces": lambda theme: traces.figure(curve(), [Panel("m", "M", "u", ("a",))], MARKS, {}, theme),
    "accuracy": lambda theme: scores.accuracy({"a": rows(0.6, 0.7), "b": rows(0.5, 0.9)}, MARKS, {}, theme),
    "distributions": lambda theme: scores.distributions(histogram(), theme),
    "fan": lambda theme: fan(quantiles()),
    "categories": lambda theme: drift.categories(
        quantiles(categories=("p", "q", "r", "s")), theme, axis="day", unit="u"
    ),
}


@pytest.mark.parametrize("theme", look.THEMES.values(), ids=look.THEMES)
@pytest.mark.parametrize("name", FIGURES)
def test_plotly_knows_every_property(name, theme):
    go.Figure(FIGURES[name](theme))  # raises on a name or value that plotly.js would drop in silence


@pytest.mark.parametrize("theme", look.THEMES.values(), ids=look.THEMES)
@pytest.mark.parametrize("name", FIGURES)
def test_every_line_is_told_from_the_ground(name, theme):
    """3:1 (WCAG 2.2, 1.4.11), opacity counted; fills carry no line of their own, bands are outlined."""
    figure = FIGURES[name](theme)
    drawn = [t for t in figure["data"] if t["type"] == "scatter" and "lines" in t["mode"] and t["line"].get("width")]
    assert drawn
    for trace in drawn:
        assert blended(trace["line"]["color"], theme.ground, trace.get("opacity", 1.0)) >= 3, trace.get("name")
    for shape in figure["layout"].get("shapes", ()):
        assert blended(shape["line"]["color"], theme.ground) >= 3


def blended(colour: str, ground: str, opacity: float = 1.0) -> float:
    """Contrast of a colour that may be transparent, to the ground that shines through."""
    if not colour.startswith("#"):
        *parts, alpha = (float(part) for part in colour[colour.index("(") + 1 : -1].split(","))
        colour, opacity = "#" + "".join(f"{int(part):02x}" for part in parts), opacity * alpha
    pairs = zip(*([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (colour, ground)), strict=True)
    return contrast("#" + "".join(f"{round(a * opacity + b * (1 - opacity)):02x}" for a, b in pairs), ground)


@pytest.mark.parametrize("name", FIGURES)
def test_figures_stand_on_the_page_and_have_a_height(name):
    layout = FIGURES[name](look.DARK)["layout"]
    assert layout["height"] > 100
    assert layout["template"]["layout"]["paper_bgcolor"] == "rgba(0,0,0,0)"


def test_accuracy_draws_two_levels_without_caps_and_marks_chance():
    figure = scores.accuracy({"a": rows(0.6, 0.7)}, MARKS, {}, look.LIGHT)
    wide, narrow, dots = figure["data"]
    assert wide["line"]["width"] < narrow["line"]["width"]
    assert wide["x"][:2].tolist() == pytest.approx([50, 70])
    assert narrow["x"][:2].tolist() == pytest.approx([57, 63])
    assert dots["x"].tolist() == pytest.approx([60, 70])
    assert figure["layout"]["shapes"][0]["x0"] == 50
    assert figure["layout"]["xaxis"]["range"][0] < 50


def test_a_trivial_rule_is_a_tick_and_widens_the_axis():
    figure = scores.accuracy({"a": rows(0.6, 0.7).assign(rule=[0.2, 0.9])}, MARKS, {}, look.LIGHT)
    tick = next(t for t in figure["data"] if t.get("marker", {}).get("symbol") == "line-ns")
    assert list(tick["x"]) == pytest.approx([20, 90])
    low, high = figure["layout"]["xaxis"]["range"]
    assert low < 20
    assert high > 90


def test_models_lie_beside_each_other_within_a_category():
    figure = scores.accuracy({"a": rows(0.6, 0.7), "b": rows(0.5, 0.9)}, MARKS, {}, look.LIGHT)
    a, b = (t["y"] for t in figure["data"] if t["mode"] == "markers")
    assert (a > b).all()
    assert np.abs(a - b).max() < 1


def test_unlabelled_sides_are_only_first_and_second():
    text = serialised(scores.distributions(histogram(), look.LIGHT, labelled=False))
    assert "first minus second" in text
    assert "chosen" not in text
    assert "below zero" not in text


def test_the_fan_shows_the_baseline_and_its_window():
    figure = fan(quantiles())
    names = [t.get("name") for t in figure["data"]]
    assert "baseline median" in names
    assert figure["layout"]["shapes"][0]["x1"] == 5 * 86_400_000
    assert "baseline median" not in [t.get("name") for t in fan(quantiles(baseline=False))["data"]]


def test_a_day_without_rows_is_a_gap_in_line_and_bands():
    table = quantiles(20)
    table = table[~table["x"].isin(86_400.0 * np.array([7, 8, 12, 14]))]  # two days, and day 13 alone
    drawn = fan(table)["data"]
    (median,) = [t for t in drawn if t.get("name") == "median"]
    day = 86_400_000
    assert stretches(median) == [(0, 6 * day), (9 * day, 11 * day), (13 * day, 13 * day), (15 * day, 19 * day)]
    dots = dict(zip(median["x"], median["marker"]["size"], strict=True))
    assert dots[13 * day] > 0 == dots[3 * day]  # a day alone has no line: it is a dot
    (wide, _) = [t for t in drawn if t.get("fill") and "0,114,178" in t["fillcolor"]]
    assert stretches(wide) == [(0, 6 * day), (9 * day, 11 * day), (15 * day, 19 * day)]


def test_only_changes_of_version_are_marked():
    versions = pd.DataFrame(
        {
            "x": [0.0, 0.0, 864_000.0],
            "field": ["model_version", "policy_version", "model_version"],
            "value": ["m1", "p1", "m2"],
        }
    )
    figure = fan(quantiles(), versions)
    ticks = [s for s in figure["layout"]["shapes"] if s["y0"] == 0]
    assert [t["x0"] for t in ticks] == [864_000_000]
    assert "m2" in [a["text"] for a in figure["layout"]["annotations"]]


def test_steps_are_no_dates():
    assert fan(quantiles(), axis="step")["layout"]["xaxis"]["type"] == "linear"


def test_categories_share_their_scale():
    figure = drift.categories(quantiles(categories=("p", "q", "r", "s")), look.LIGHT, axis="day", unit="u")
    axes = {k: v for k, v in figure["layout"].items() if k.startswith("yaxis")}
    assert len(axes) == 4
    assert all(v["matches"] == "y" for k, v in axes.items() if k != "yaxis")


@pytest.mark.parametrize(("days", "axis", "told"), [(45, "day", "%b %-d"), (900, "day", "%b %Y"), (45, "step", None)])
def test_small_panels_name_days_or_months_in_one_line(days, axis, told):
    """Left to itself, Plotly writes one month and its year below six weeks."""
    figure = drift.categories(quantiles(days, categories=("p", "q")), look.LIGHT, axis=axis, unit="u")
    assert {figure["layout"][name].get("tickformat") for name in ("xaxis", "xaxis2")} == {told}


def test_arrays_arrive_as_they_were():
    values = np.array([1.5, np.nan, np.inf])
    back = json.loads(serialised({"data": [{"y": values, "x": np.array([1, 2**40])}], "layout": {}}))
    y, x = back["data"][0]["y"], back["data"][0]["x"]
    np.testing.assert_array_equal(np.frombuffer(base64.b64decode(y["bdata"]), y["dtype"]), values)
    assert x["dtype"] == "f8"
    assert np.frombuffer(base64.b64decode(x["bdata"]), "f8")[1] == 2**40


def test_tables_of_cells_keep_their_shape():
    z = np.arange(6.0).reshape(2, 3).T  # not contiguous, as a heat map gives it
    told = json.loads(serialised({"data": [{"z": z}], "layout": {}}))["data"][0]["z"]
    back = np.frombuffer(base64.b64decode(told["bdata"]), told["dtype"]).reshape(
        [int(n) for n in told["shape"].split(",")]
    )
    np.testing.assert_array_equal(back, z)


def test_what_is_no_figure_is_refused():
    with pytest.raises(TypeError, match="DataFrame"):
        serialised({"data": pd.DataFrame(), "layout": {}})
