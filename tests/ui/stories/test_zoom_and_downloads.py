"""Somebody looks closer and takes the numbers and the picture along: they are those of the log, and of what is in view."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from tests.ui.stories import logs

A = logs.policy("ppo-a")
NAMES = {
    "reward.rm_score_mean": "reward",
    "kl.to_reference": "kl",
    "entropy.token_mean": "entropy",
    "loss.total": "loss",
}


@pytest.fixture(scope="module")
def tab(reader):
    return reader("/run?run=ppo-a&rest=false")


def test_a_drag_zooms_the_address_keeps_it_and_a_double_click_goes_back(tab):
    tab.open("/run?run=ppo-a&rest=false")
    whole = tab.range()
    asked = tab.does(lambda: tab.drag(40, 80))
    assert asked["window"] == pytest.approx([40, 80], abs=1)
    zoomed = tab.range()
    tab.until(lambda: "zoom-curves=" in tab.query)
    drawn = tab.curve("Reward (score)")
    assert drawn["x"].min() >= 39
    assert drawn["x"].max() <= 81
    panels, caption = tab.labels(), tab.caption()

    with tab.page.expect_request("**/page/curves") as again:
        tab.page.reload()
    tab.settle()
    tab.drawn()
    assert again.value.post_data_json["window"] == pytest.approx(asked["window"], rel=1e-6)
    assert tab.range() == pytest.approx(zoomed, rel=1e-5)
    assert (tab.labels(), tab.caption()) == (panels, caption)

    box = tab.page.locator(".st-key-curves .nsewdrag").first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    assert tab.does(lambda: tab.page.mouse.dblclick(*middle))["window"] is None
    assert tab.range() == pytest.approx(whole)
    tab.until(lambda: "zoom-curves=" not in tab.query)


def test_a_link_to_a_zoom_on_a_time_axis_shows_the_same_minutes(tab):
    first, last = logs.START + 30 * 50, logs.START + 30 * 90
    tab.open(f"/run?run=ppo-a&rest=false&x=time&zoom-curves=x:{first}:{last}")
    drawn = tab.curve("Entropy")["x"] / 1000
    assert drawn.tolist() == pytest.approx(A["time"][(A["time"] >= first) & (A["time"] <= last)].tolist())


def test_another_metric_keeps_the_steps_and_not_the_values_that_were_zoomed_into(tab):
    tab.open("/run?run=ppo-a&rest=false&metrics=entropy&zoom-curves=x:40:80;y:1:2")
    assert tab.range("yaxis") == pytest.approx([1, 2])
    box = tab.page.get_by_role("textbox", name="Find metrics")
    box.fill("response_length")
    tab.does(lambda: box.press("Enter"))
    assert tab.range() == pytest.approx([40, 80])
    low, high = tab.range("yaxis")
    assert low < 52 < 64 < high  # what was logged from step 40 to 80
    tab.until(lambda: "y%3A" not in tab.query and "zoom-curves=x" in tab.query)


def test_the_numbers_are_those_of_the_log(tab):
    tab.open("/run?run=ppo-a&rest=false")
    told = tab.numbers()
    for metric, tag in NAMES.items():
        mine = told[told["metric"] == metric]
        assert mine["run"].unique().tolist() == ["ppo-a"]
        assert mine["x"].tolist() == A["step"].tolist()
        assert mine["mean"].tolist() == pytest.approx(A[tag].tolist())
        assert mine["low"].tolist() == pytest.approx(mine["high"].tolist())


def test_nan_is_told_as_missing_and_counted(tab):
    tab.open("/run?run=ppo-b&rest=false&metrics=reward")
    told = tab.numbers().set_index("x")
    assert told.index[told["nonfinite"] > 0].tolist() == [logs.NAN_AT]
    assert np.isnan(told.loc[logs.NAN_AT, "mean"])


def test_what_is_zoomed_into_is_what_is_downloaded(tab):
    tab.open("/run?run=ppo-a&rest=false&zoom-curves=x:40:80")
    told = tab.numbers()
    assert (told["x"].min(), told["x"].max()) == (40, 80)


def test_the_pictures_show_the_chart(tab):
    tab.open("/run?run=ppo-a&rest=false")
    width, height = tab.plot("[g.getBoundingClientRect().width, g.getBoundingClientRect().height]")
    picture = Image.open(io.BytesIO(tab.download("PNG")))
    assert picture.size == pytest.approx((2 * width, 2 * height), abs=3)
    assert len(picture.convert("RGB").getcolors(1 << 20)) > 20
    drawing = ET.fromstring(tab.download("SVG"))
    assert drawing.tag.endswith("svg")
    lines = [path.get("d", "") for path in drawing.iter() if path.get("class") == "js-line"]
    assert len([line for line in lines if line]) == 6
    assert max(len(line) for line in lines) > 500  # the loss swings; what is straight needs few points
    words = " ".join(text for element in drawing.iter() for text in [element.text] if text)
    assert "Reward (score)" in words
    assert "nats" in words


def test_every_chart_hands_out_its_numbers_and_pictures(tab):
    charts = {
        "/run?run=ppo-a&details=Distributions": ".st-key-spread",
        "/reward-models?scorer=rm-good": ".st-key-accuracy",
        "/drift?stream=deployed": ".st-key-categories",
    }
    for path, chart in charts.items():
        tab.open(path)
        for each in tab.page.locator(".chart").all():
            assert each.locator(".tools button").all_inner_texts() == ["CSV", "Parquet", "PNG", "SVG"], path
        assert len(tab.numbers(chart)) > 2
        assert tab.download("PNG", chart).startswith(b"\x89PNG")
        assert b"<svg" in tab.download("SVG", chart)[:300]


def test_the_numbers_of_a_distribution_are_those_of_the_rollouts(tab):
    tab.open("/run?run=ppo-a&details=Distributions")
    told = tab.numbers(".st-key-spread")
    rows = logs.rollouts("ppo-a")
    field = "score" if "score" in tab.page.get_by_role("combobox", name="Distribution").input_value() else "length"
    assert told.groupby("first_step")["n"].first().to_dict() == rows.groupby("step").size().to_dict()
    medians = rows.groupby("step")[field].apply(lambda values: values.sort_values().iloc[len(values) // 2 - 1])
    assert told.groupby("first_step")["q50"].first().to_dict() == pytest.approx(medians.to_dict())
    assert told.groupby("first_step")["share"].sum().tolist() == pytest.approx([1] * 6)


def test_nothing_failed_in_all_of_this(tab):
    tab.check()
