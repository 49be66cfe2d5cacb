"""Somebody looks at a run: finds metrics and runs, changes how they are drawn, and comes back to the same view by its address."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.ui.stories import logs

A, B = logs.policy("ppo-a"), logs.policy("ppo-b")


@pytest.fixture(scope="module")
def tab(reader):
    """One tab for the whole module; every story begins at its own address."""
    return reader("/run?run=ppo-a&rest=false")


def rows(tab) -> list[str]:
    return tab.page.locator(".runs .run .name").all_text_contents()


def test_every_metric_is_found_by_its_tag(tab):
    tab.open("/run?run=ppo-a&rest=false")
    logged = [name for name in A if name not in ("step", "time")]
    assert tab.page.get_by_text(f"Further metrics: {len(logged)} are logged").is_visible()
    box = tab.page.get_by_role("textbox", name="Find metrics")
    for tag in logged:
        box.fill(f"^{tag}$| {tag}$")
        tab.does(lambda: box.press("Enter"))
        said = re.compile(r"^-?[\d.,]+(e[+-]?\d+)?$")  # the value stands beside the end of the line
        tab.until(lambda said=said: said.match(tab.labels()[-1]))
        assert float(tab.labels()[-1].replace(",", "")) == pytest.approx(A[tag].iloc[-1], rel=5e-3), tag
        assert tab.plot("Object.keys(g._fullLayout).filter(k => /^yaxis\\d?$/.test(k)).length") == 1, tag


def test_a_search_that_finds_nothing_says_so_and_is_cleared(tab):
    tab.open("/run?run=ppo-a&metrics=nosuchmetric")
    assert tab.page.get_by_text("No metrics match").is_visible()
    tab.page.get_by_role("button", name="Clear the filter").click()
    tab.page.wait_for_selector(".st-key-curves .main-svg")
    tab.settle()
    assert "metrics=" not in tab.query


def test_a_further_metric_is_added_below_the_first_six(tab):
    tab.open("/run?run=ppo-a&rest=false")
    panels = "Object.keys(g._fullLayout).filter(k => /^yaxis\\d?$/.test(k)).length"
    assert tab.plot(panels) == 6
    tab.page.get_by_role("combobox", name="Further metrics").click()
    tab.page.keyboard.type("tokens")
    tab.does(lambda: tab.page.get_by_role("option", name="tokens.total").click())
    assert tab.plot(panels) == 7
    assert "metric=tokens.total" in tab.query


def test_runs_are_chosen_by_regular_expression(tab):
    tab.open("/run?run=ppo-live&rest=false")
    find = tab.page.get_by_label("Find runs by regular expression")
    find.fill("^ppo-[ab]")
    assert sorted(rows(tab)) == ["ppo-a", "ppo-b"]
    assert tab.page.locator(".runs .count").inner_text().startswith("2 of ")
    tab.does(lambda: tab.page.get_by_label("Choose all that match").check())
    assert {"ppo-a 1.63", "ppo-b 1.96"} <= set(tab.labels())
    assert "find=%5Eppo" in tab.query
    find.fill("nothing like this")
    assert tab.page.get_by_text("No run matches.").is_visible()
    tab.page.locator(".runs .empty button").click()
    assert len(rows(tab)) > 6


def test_a_pinned_run_stays_on_top(tab):
    tab.open("/run?run=ppo-a&rest=false")
    assert rows(tab)[0] == "ppo-a"
    tab.page.locator(".runs .run", has_text="grpo-seed2").hover()
    tab.page.get_by_role("button", name="Pin grpo-seed2").click()
    tab.until(lambda: "pin=grpo-seed2" in tab.query)
    tab.page.reload()
    tab.settle()
    tab.page.wait_for_selector(".runs .run")
    assert rows(tab)[0] == "grpo-seed2"


def test_seeds_are_drawn_as_their_mean_with_students_interval(tab):
    seeds = "&".join(f"run={run}" for run in logs.SEEDS)
    tab.open(f"/run?{seeds}&rest=false&metrics=entropy")
    tab.page.get_by_role("button", name="View").click()
    tab.does(lambda: tab.page.get_by_text("mean over seeds").click())
    tab.page.keyboard.press("Escape")
    values = np.array([logs.policy(run)["entropy"] for run in logs.SEEDS])
    drawn = tab.curve("Entropy grpo")
    mean = values.mean(axis=0)
    assert len(drawn) > 50
    assert drawn["y"].iloc[-1] == pytest.approx(mean[-1], rel=0.01)
    half = stats.t.ppf(0.975, 2) * values[:, -1].std(ddof=1) / np.sqrt(3)
    assert tab.plot("g._fullData.find(t => t.name === 'Entropy grpo').customdata.at(-1)")[1] == pytest.approx(
        half, rel=0.02
    )
    assert "Bold: mean over seeds with its 95 % t interval" in tab.caption()


def test_smoothing_trails_and_keeps_what_was_logged(tab):
    tab.open("/run?run=ppo-a&rest=false&metrics=grad_norm")
    tab.does(lambda: tab.choose("Smoothing, points", "20"))
    raw, smooth = (
        pd.DataFrame(points, columns=["x", "y"])
        for points in tab.plot("g.calcdata.filter(c => c.length > 100).map(c => c.map(p => [p.x, p.y]))")
    )
    assert raw["y"].tolist() == pytest.approx(A["grad_norm"].tolist(), abs=1e-6)
    assert abs(smooth["y"].iloc[-1] - A["grad_norm"].tail(40).mean()) < 0.2
    assert smooth["y"].iloc[60:].std() < raw["y"].iloc[60:].std() / 2
    assert smooth["y"].iloc[0] == pytest.approx(raw["y"].iloc[0])  # nothing before it, nothing after it
    assert "trailing mean of 20 points" in tab.plot("g._fullLayout.xaxis.title.text")


def test_a_log_axis_where_all_is_positive(tab):
    tab.open("/run?run=ppo-a&rest=false&metrics=entropy%7Closs")
    tab.page.get_by_role("button", name="View").click()
    tab.does(lambda: tab.page.get_by_role("button", name="y", exact=True).click())
    tab.page.keyboard.press("Escape")
    types = tab.plot("[g._fullLayout.yaxis.type, g._fullLayout.yaxis2.type]")
    assert sorted(types) == ["linear", "log"]  # the loss goes below 0
    assert "Panels with values at or below 0 keep a linear axis." in tab.caption()
    assert "log=y" in tab.query


@pytest.mark.parametrize(
    ("word", "title", "x"),
    [
        ("time", "time (UTC)", A["time"] * 1000),
        ("tokens", "tokens", A["num_tokens"]),
        ("KL", "KL to reference", A["kl"]),
    ],
)
def test_along_time_tokens_and_kl(tab, word, title, x):
    tab.open("/run?run=ppo-a&rest=false&metrics=response_length")
    tab.does(
        lambda: (
            tab.page.get_by_role("radio", name=word, exact=True)
            .or_(tab.page.get_by_role("button", name=word, exact=True))
            .first.click()
        )
    )
    assert tab.plot("g._fullLayout.xaxis.title.text").startswith(title)
    drawn = tab.curve("Response length")
    assert drawn["x"].tolist() == pytest.approx(x.tolist())
    assert drawn["y"].tolist() == pytest.approx(A["response_length"].tolist(), rel=1e-6)
    assert f"x={word}" in tab.query


def test_the_cursor_lists_the_values_of_all_runs_in_all_panels(tab):
    tab.open("/run?run=ppo-a&run=ppo-b&rest=false")
    x, y = tab.plot(
        "(r => [r.x + g._fullLayout._size.l + g._fullLayout.xaxis.d2p(100), r.y + g._fullLayout._size.t + 40])"
        "(g.getBoundingClientRect())"
    )
    tab.page.mouse.move(x - 5, y)
    tab.page.mouse.move(x, y)
    tab.page.wait_for_selector(".hoverlayer .legendtext")
    title = tab.page.locator(".hoverlayer .legendtitletext").text_content()
    assert title.startswith("step ")
    at = int(title.split()[1])
    assert abs(at - 100) <= 1
    said = dict(text.split(" : ") for text in tab.page.locator(".hoverlayer .legendtext").all_text_contents())
    for run, table in (("ppo-a", A), ("ppo-b", B)):
        for label, tag in (("Reward (score)", "reward"), ("KL to reference", "kl"), ("Entropy", "entropy")):
            near = table[tag].iloc[at - 2 : at + 1]  # between two steps each curve tells its nearer one
            assert near.min() * 0.999 <= float(said[f"{label} {run}"]) <= near.max() * 1.001
    spikes = tab.page.locator(".st-key-curves .spikeline")
    assert spikes.count() >= 1
    tall = max(box["height"] for box in (spikes.nth(i).bounding_box() for i in range(spikes.count())) if box)
    assert tall > 700  # through all six panels


def test_settings_that_differ_stand_first(tab):
    tab.open("/run?run=ppo-a&run=ppo-b&details=Configuration")
    assert tab.page.get_by_text("1 setting differs: first in the list.").is_visible()
    cells = tab.cells('[data-testid="stDataFrame"]', 3)
    assert cells[:3] == ["config.learning_rate", "1e-05", "3e-05"]


def test_note_and_tags_are_edited_in_place_and_stay(tab):
    tab.open("/run?run=grpo-seed3&details=Notes")
    for label, text in (("Tags of grpo-seed3", "keeper, ablation"), ("Note on grpo-seed3", "the one for the paper")):
        box = tab.page.get_by_label(label)
        box.fill(text)
        box.press("Enter")
        tab.page.get_by_text("Saved for grpo-seed3").first.wait_for()
        tab.page.wait_for_timeout(1500)  # the words of the edit before may stand there still
        tab.settle()
    tab.page.reload()
    tab.settle()
    assert tab.page.get_by_label("Tags of grpo-seed3").input_value() == "keeper, ablation"
    assert tab.page.get_by_label("Note on grpo-seed3").input_value() == "the one for the paper"
    tab.page.get_by_label("Find runs by regular expression").fill("keeper")
    assert rows(tab) == ["grpo-seed3"]


def test_reloading_gives_the_same_view(tab):
    path = "/run?run=ppo-b&run=ppo-a&x=KL&smooth=20&log=y&rest=false&metrics=entropy%7Ckl&details=Metrics"
    with tab.page.expect_request("**/page/curves") as first:
        tab.open(path)

    def controls() -> list[object]:
        page = tab.page
        return [
            page.locator(
                '[data-testid="stButtonGroup"] [aria-checked="true"], [data-testid="stButtonGroup"] [aria-pressed="true"]'
            ).all_inner_texts(),
            page.get_by_role("combobox", name="Smoothing").input_value(),
            page.get_by_role("textbox", name="Find metrics").input_value(),
            page.locator(".runs .run input:checked").count(),
            tab.labels(),
            tab.caption(),
        ]

    before, asked = controls(), first.value.post_data_json
    assert (asked["x"], asked["span"], asked["log"], asked["runs"]) == ("kl", 20, ["y"], ["ppo-b", "ppo-a"])
    with tab.page.expect_request("**/page/curves") as second:
        tab.page.reload()
    tab.settle()
    tab.drawn()
    assert second.value.post_data_json == asked
    assert controls() == before


def test_nothing_failed_in_all_of_this(tab):
    tab.check()
