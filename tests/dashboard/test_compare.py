"""The page Compare: what it says of models whose truth is known, and what stands there when nothing can be told.

An expert would look for: a ranking where only sets of ranks are known, colour as the only mark of what is established, a
difference without its interval, a choice that the address does not keep, 190 differences in one heap, losses compared by value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.board import Board
from analysis.ranking.contest import Contest
from dashboard import look
from dashboard.charts import compare as charts
from tests.analysis.ranking.made import pairs
from tests.dashboard.conftest import scored_pairs, words

RIGHT = {"rm-good": 0.8, "rm-level": 0.79, "rm-poor": 0.6}


def scores(folder: Path, name: str, right: np.ndarray, *, loss: str = "", scale: float = 1.0) -> None:
    n = len(right)
    rng = np.random.default_rng(len(name))
    rejected = rng.normal(size=n)
    (folder / name).mkdir(parents=True)
    pd.DataFrame(
        {
            "pair_id": [f"p{i}" for i in range(n)],
            "category": ["chat", "code", "safety"] * (n // 3),
            "chosen_score": scale * (rejected + np.where(right, 1, -1) * rng.gamma(2, 0.5, n)),
            "rejected_score": scale * rejected,
        }
    ).to_csv(folder / name / "pairs.csv", index=False)
    (folder / name / "rewardboard.toml").write_text(f'loss = "{loss}"\n' if loss else "")


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Iterator[Board]:
    folder = tmp_path_factory.mktemp("models")
    difficulty = np.random.default_rng(0).random(900)
    noise = np.random.default_rng(1)
    for name, share in RIGHT.items():
        right = difficulty + 0.1 * noise.random(900) < share
        if name == "rm-poor":
            right = np.where(np.arange(900) % 3 == 2, noise.random(900) < 0.3, difficulty < 0.75)
        scores(
            folder,
            name,
            right,
            loss={"rm-poor": "hinge"}.get(name, "bradley_terry"),
            scale=4.0 if name == "rm-poor" else 1.0,
        )
    with Board.open() as board:
        board.ingest(folder)
        yield board


def test_the_verdict_stands_first_with_numbers_and_intervals(draw, models):
    page = draw("compare", models)
    assert not page.exception
    assert not page.error
    said = page.markdown[0].value
    assert "differences between 3 models are established" in said
    assert "may each be the best" in said
    assert "adjusted p" in said
    assert "safety" in said


def test_losses_are_named_and_never_compared_by_value(draw, models):
    said = words(draw("compare", models))
    assert "loss values are never compared" in said
    assert "Is it the loss, or the seed?" in said
    assert "two more seeds" in said


def test_a_swap_says_what_beta_keeps_the_pressure(draw, models):
    said = words(draw("compare", models, a="rm-good", b="rm-poor", beta="0.1"))
    assert "Replacing rm-good by rm-poor in the same PPO" in said
    assert "beta 0.1 -\\> 0.4" in said
    assert "keeps the pressure" in said


def test_the_address_chooses_models_and_the_one_beside_which_they_stand(draw, models):
    page = draw("compare", models, model=["rm-good", "rm-poor"], beside="rm-poor")
    said = words(page)
    assert "rm-good ranks better than rm-poor" in said
    assert "rm-level" not in said
    assert page.selectbox(key="beside").value == "rm-poor"


def test_one_chosen_model_asks_for_a_second(draw, models):
    said = words(draw("compare", models, model="rm-good"))
    assert "choose a second one" in said


def test_a_model_that_is_not_there_is_said(draw, models):
    page = draw("compare", models, model=["rm-good", "rm-poor", "gone"])
    assert not page.exception
    assert "gone did not score this" in words(page)


def test_calibration_is_shown_when_asked_for(draw, models):
    assert not draw("compare", models).dataframe[0].value.columns.isin(["temperature"]).any()
    table = draw("compare", models, scales="true").dataframe[0].value
    assert {"temperature", "auroc", "ece", "loss"} <= set(table.columns)
    assert len(table) == 3


def test_one_scorer_alone_can_t_be_compared(draw, tmp_path):
    scored_pairs(tmp_path / "rm-a")
    with Board.open() as board:
        board.ingest(tmp_path)
        said = words(draw("compare", board))
    assert "one reward model has scores (rm-a)" in said.replace("\\", "")


def test_too_few_pairs_say_how_many_are_needed(draw, tmp_path):
    for name in ("a", "b"):
        scores(tmp_path, name, np.array([True, False, True]))
    with Board.open() as board:
        board.ingest(tmp_path)
        page = draw("compare", board)
    assert not page.exception
    assert "6 prompts or more are needed" in words(page)


def test_a_broken_model_stands_apart_with_its_reason(draw, models, tmp_path):
    scores(tmp_path, "rm-a", np.random.default_rng(0).random(300) < 0.7)
    scores(tmp_path, "rm-b", np.random.default_rng(1).random(300) < 0.7)
    (tmp_path / "rm-tied").mkdir()
    pd.DataFrame({"pair_id": [f"p{i}" for i in range(300)], "chosen_score": 1.0, "rejected_score": 1.0}).to_csv(
        tmp_path / "rm-tied" / "pairs.csv", index=False
    )
    with Board.open() as board:
        board.ingest(tmp_path)
        page = draw("compare", board)
    assert not page.exception
    assert not page.error, words(page)
    assert "the same in every pair" in words(page)


def test_twenty_models_show_the_leader_first_and_fold_the_rest(draw, tmp_path):
    rng = np.random.default_rng(3)
    for i in range(20):
        scores(tmp_path, f"rm-{i:02d}", rng.random(300) < 0.5 + 0.02 * i)
    with Board.open() as board:
        board.ingest(tmp_path)
        page = draw("compare", board)
        assert "190 differences" in words(page)
        assert page.toggle(key="all").label == "All 190 differences"
        assert len(page.dataframe) == 1
        table = draw("compare", board, all="true").dataframe[0].value
    assert len(table) == 190


# -- charts, pure


def contest(**models) -> Contest:
    scored = [pairs(n, m, categories=["a", "b"] * (len(m) // 2)) for n, m in models.items()]
    return Contest.of(scored, {n: n for n in models})


@pytest.fixture(scope="module")
def found() -> Contest:
    rng = np.random.default_rng(0)
    made = {
        name: np.where(rng.random(600) < share, 1.0, -1.0)
        for name, share in (("high", 0.85), ("near", 0.84), ("low", 0.5))
    }
    return contest(**made)


@pytest.mark.parametrize("theme", look.THEMES.values(), ids=look.THEMES)
def test_what_is_established_is_told_by_mark_word_and_colour(found, theme):
    figure = charts.differences(found.comparison().pairs, theme)
    notes = [note["text"] for note in figure["layout"]["annotations"]]
    assert sum("not established" in note for note in notes) == 1
    assert sum(f"{charts.ESTABLISHED} established" in note for note in notes) == 2
    markers = [t["marker"] for t in figure["data"] if t["mode"] == "markers"]
    assert len({m["color"] for m in markers}) == 2
    json.dumps(figure)


def test_every_difference_has_its_interval_and_the_better_model_first(found):
    comparison = found.comparison()
    figure = charts.differences(comparison.pairs, look.LIGHT)
    bars = [t["x"] for t in figure["data"] if t["mode"] == "lines"]
    dots = [t["x"][0] for t in figure["data"] if t["mode"] == "markers"]
    assert all(low < dot < high for (low, high), dot in zip(bars, dots, strict=True))
    assert all(dot >= 0 for dot in dots)
    assert sorted(dots) == pytest.approx(sorted(100 * abs(d.difference) for d in comparison.pairs))


def test_seen_from_one_model_a_difference_may_be_negative(found):
    comparison = found.comparison()
    about = [d for d in comparison.pairs if "low" in (d.a, d.b)]
    figure = charts.differences(about, look.LIGHT, against="low")
    assert all(t["x"][0] < 0 for t in figure["data"] if t["mode"] == "markers")


def test_rank_sets_are_drawn_from_best_to_worst(found):
    comparison = found.comparison()
    marks = {n: look.mark(i) for i, n in enumerate(found.names)}
    figure = charts.models(found.names, found.accuracies(), comparison.rank_sets, {"high": "hinge"}, marks, look.LIGHT)
    bars = [t["x"] for t in figure["data"] if t.get("xaxis") == "x2"]
    assert [(round(a + 0.3), round(b - 0.3)) for a, b in bars] == [(1, 2), (1, 2), (3, 3)]
    assert "hinge" in figure["layout"]["yaxis"]["ticktext"][0]
    assert "loss not told" in figure["layout"]["yaxis"]["ticktext"][1]


def test_a_model_without_labels_says_so_and_leaves_the_others_their_chart(draw, tmp_path):
    right = np.random.default_rng(0).random(300) < 0.7
    scores(tmp_path, "rm-one", right)
    scores(tmp_path, "rm-other", ~right)
    scores(tmp_path, "rm-unlabelled", right)
    table = pd.read_csv(tmp_path / "rm-unlabelled" / "pairs.csv")
    table = table.rename(columns={"chosen_score": "variant_a_score", "rejected_score": "variant_b_score"})
    table.to_csv(tmp_path / "rm-unlabelled" / "pairs.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        page = draw("compare", board)
        names = list(board.scorers()["run"])
        found = board.compare(names)
    assert not page.error
    marks = {n: look.mark(i) for i, n in enumerate(found.names)}
    comparison, theme = found.comparison(), look.LIGHT
    figure = charts.models(found.names, found.accuracies(), comparison.rank_sets, {}, marks, theme)
    json.dumps(figure, allow_nan=False)
    dots = [trace for trace in figure["data"] if trace["mode"] == "markers"]
    assert len(dots) == 2
    told = [note["text"] for note in figure["layout"]["annotations"]]
    assert told.count("not computable: no labels") == 1


def test_cells_that_are_not_established_are_grey(found):
    cells = found.categories("high")
    figure = charts.categories(cells, ["near", "low"], look.DARK)
    grid = figure["data"][0]["z"]
    assert grid[1] == [0, 0]
    assert grid[0] == [1, 1]
    texts = figure["data"][1]["text"]
    assert sum(charts.ESTABLISHED in text for text in texts) == 2


def test_a_name_is_no_markup(found):
    bad = contest(**{"<b>x</b>": np.tile([1.0, -1.0], 20), "y": np.ones(40)})
    text = json.dumps(charts.differences(bad.comparison().pairs, look.LIGHT))
    assert "<b>x</b>" not in text


def test_the_swap_keeps_one_in_sight(found):
    swap = found.swap("high", "low", beta=0.05)
    figure = charts.swap(swap, look.LIGHT)
    low, high = (10**end for end in figure["layout"]["xaxis"]["range"])
    assert low < min(1, swap.scale.low)
    assert high > max(1, swap.scale.high)
