"""A run of a million points: one of them is a spike, three are no numbers, and fifty thousand steps are missing.

The spike is looked for in the pixels of the screen, not in the data of the chart.
"""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.ui.stories import logs


@pytest.fixture(scope="module")
def tab(reader):
    return reader("/run?run=long-run&rest=false")


def pixels(tab, low: float, high: float) -> np.ndarray:
    """What the screen shows of the first panel between two values, as pixels that are not the ground."""
    box = tab.plot(
        f"(r => ({{x: r.x + g._fullLayout._size.l, width: g._fullLayout.xaxis._length,"
        f" y: r.y + g._fullLayout.yaxis._offset + g._fullLayout.yaxis.d2p({high}),"
        f" height: g._fullLayout.yaxis.d2p({low}) - g._fullLayout.yaxis.d2p({high})}}))(g.getBoundingClientRect())"
    )
    tab.page.mouse.move(5, 5)  # no cursor in the picture
    tab.page.wait_for_timeout(100)
    shown = np.asarray(Image.open(io.BytesIO(tab.page.screenshot(clip=box))).convert("RGB"), float)
    colour = tab.plot("g._fullData.find(t => t.line && t.line.width > 1).line.color")
    hue = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return np.abs(shown - hue).sum(axis=2) < np.abs(shown - 255).sum(axis=2)  # nearer to the line than to the ground


def spike_is_seen(tab) -> bool:
    """Between twice the greatest other value and just below the spike, something of the curve stands on the screen."""
    return bool(pixels(tab, 2.5, 8.0).any(axis=1).mean() > 0.95)


def test_the_spike_is_seen_at_every_zoom(tab):
    tab.open("/run?run=long-run&rest=false")
    assert "buckets" in tab.caption()
    assert spike_is_seen(tab)
    width = logs.LONG
    while width > 300:
        low, high = tab.range()
        width = (high - low) / 8
        tab.does(lambda low=logs.SPIKE_AT - width / 3, high=logs.SPIKE_AT + 2 * width / 3: tab.drag(low, high))
        assert spike_is_seen(tab), width
    assert "each as logged" in tab.caption()
    drawn = tab.curve("Reward (score)").dropna()
    assert drawn["x"].tolist() == list(range(int(drawn["x"].min()), int(drawn["x"].max()) + 1))
    assert drawn.set_index("x")["y"].loc[logs.SPIKE_AT] == logs.SPIKE


def test_the_spike_is_seen_when_the_curve_is_smoothed(tab):
    tab.open("/run?run=long-run&rest=false&smooth=100")
    assert spike_is_seen(tab)


def test_values_that_are_no_numbers_are_marks_in_view(tab):
    tab.open("/run?run=long-run&rest=false")
    assert "3 values NaN or infinite, marked x at the bottom" in tab.caption()
    uids = tab.plot("g._fullData.filter(t => t.marker?.symbol === 'x').map(t => t.uid)")  # a finding has marks too
    marks = tab.page.locator(", ".join(f".st-key-curves .scatterlayer .trace{uid} path.point" for uid in uids))
    found = sorted(tab.plot("g.calcdata.filter(c => c[0].trace.marker?.symbol === 'x').flatMap(c => c.map(p => p.x))"))
    buckets = logs.LONG / 1000
    assert len(found) == marks.count() == 2  # the neighbours share a bucket
    assert found == pytest.approx([logs.BROKEN_AT[0], logs.BROKEN_AT[1]], abs=buckets)
    plot = tab.page.locator(".st-key-curves .plot").bounding_box()
    for i in range(marks.count()):
        box = marks.nth(i).bounding_box()
        assert box["width"] > 5
        assert plot["y"] < box["y"] < plot["y"] + plot["height"]
    tab.open(f"/run?run=long-run&rest=false&zoom-curves=x:{logs.BROKEN_AT[1] - 50}:{logs.BROKEN_AT[1] + 50}")
    found = tab.plot("g.calcdata.filter(c => c[0].trace.marker?.symbol === 'x').flatMap(c => c.map(p => p.x))")
    assert found == list(logs.BROKEN_AT[1:])


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def strokes(path: str) -> list[list[float]]:
    """The x of each unbroken stroke of an SVG path of straight lines (M, L, H, V, Z, absolute)."""
    found: list[list[float]] = []
    for command, numbers in re.findall(r"([MLHVZ])([^MLHVZ]*)", path):
        values = [float(n) for n in NUMBER.findall(numbers)]
        if command == "M":
            found.append([])
        found[-1] += values if command == "H" else values[::2] if command in "ML" else []
    return found


@pytest.mark.parametrize("zoom", ["", "&zoom-curves=x:500000:750000"])
def test_no_line_and_no_band_crosses_the_silence(tab, zoom):
    tab.open(f"/run?run=long-run&rest=false{zoom}")
    left, right = (tab.plot(f"g._fullLayout.xaxis.d2p({x})") for x in logs.SILENT)
    assert right - left > 20
    paths = tab.page.evaluate(
        "() => [...document.querySelectorAll('.st-key-curves .scatterlayer path.js-line, .st-key-curves .scatterlayer path.js-fill')]"
        ".map(path => path.getAttribute('d'))"
    )
    assert len(paths) >= 3
    drawn = 0
    for path in filter(None, paths):
        for stroke in strokes(path):
            drawn += len(stroke)
            assert not (min(stroke) < left + 3 and max(stroke) > right - 3), (min(stroke), max(stroke))
    assert drawn > 20  # plotly.js leaves out points on a straight line
    assert not pixels(tab, 0.0, 1.0)[:, int(left) + 4 : int(right) - 4].any()


def test_nothing_failed_in_all_of_this(tab):
    tab.check()
