"""What a diagnosis says on the Run page.

Wrong would be: a mark on a panel that the evidence is not about, or none on one that it is about, under whatever name the
evidence was read; a mark along another axis than step; a note drawn as loudly as a fault; a healthy run without a word
of what was checked; a run that nobody can diagnose called healthy; certainty where there is none; a name out of a log
that is read as markup; a fault that disappears once it has cleared.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.board import Board
from analysis.diagnosis.finding import (
    Alternative,
    Detected,
    Diagnosis,
    Event,
    Evidence,
    Finding,
    Next,
    NotChecked,
    Onset,
    Size,
    Undecided,
)
from dashboard import figures, findings, look, opening
from dashboard.charts import traces
from tests.dashboard.conftest import words

LOGGED = pd.DataFrame(
    [
        ("kl.to_reference", "train", "objective/kl", 0),
        ("reward.rm_score_mean", "train", "train/objective/scores", 0),
        ("reward.total_mean", "train", "rlhf_reward", 0),
        ("reward.kl_penalty_mean", "train", "non_score_reward", 0),
        ("response.length_mean", "train", "completions/mean_length", 0),
        ("value.loss", "train", "loss/value_avg", 3),
        ("rm.loss", "train", "loss", 0),
        ("rm.loss", "eval", "eval/loss", 0),
        ("kl", "train", "my/kl", 0),
    ],
    columns=["metric", "split", "tag", "nonfinite"],
).assign(run="a")


def finding(**more: Any) -> Finding:
    said: dict[str, Any] = {
        "id": "a:kl_runaway",
        "rank": 1,
        "scope": {"run": "a"},
        "cause": "kl_runaway",
        "symptoms": ("kl_jump",),
        "severity": "critical",
        "confidence": 0.81,
        "summary": "KL to the reference ran away.",
        "onset": Onset(40, 30, 45),
        "detected": Detected(60),
        "evidence": (Evidence("KL rose from 2 to 90.", series="objective/kl", range=(20, 60)),),
    }
    return Finding(**{**said, **more})


def diagnosis(*found: Finding, run: str = "a", **more: Any) -> Diagnosis:
    worst = {f.severity for f in found}
    verdict = "failing" if "critical" in worst else "watch" if "warning" in worst else "healthy"
    said: dict[str, Any] = {
        "run": run,
        "path": "",
        "kind": "policy",
        "framework": "",
        "verdict": verdict,
        "summary": found[0].summary if found else "Nothing found: 2 things were checked, 1 could not be.",
        "findings": found,
        "checked": ("whether KL jumps", "whether entropy falls"),
        "not_checked": (NotChecked("whether gradients grow", "no gradient norm is logged"),),
    }
    return Diagnosis(**{**said, **more})


# -- which panels a finding stands on


@pytest.mark.parametrize(
    ("series", "metrics"),
    [
        ("objective/kl", {"kl.to_reference"}),
        ("objective/scores", {"reward.rm_score_mean"}),
        ("kl.to_reference", {"kl.to_reference"}),
        ("objective/kl, divided by length", {"kl.to_reference"}),
        ("rlhf_reward - non_score_reward", {"reward.total_mean", "reward.kl_penalty_mean"}),
        ("rollouts: length", {"response.length_mean"}),
        ("score", {"reward.rm_score_mean"}),
        ("kl.per_sequence", {"kl.to_reference"}),
        ("value.mse", {"value.loss"}),
        ("eval/rm.loss", {"rm.loss"}),
        ("entropy.sequence", set()),
        ("rollouts", set()),
        ("pairs", set()),
        ("KL coefficient from the configuration", set()),
        ("", set()),
    ],
)
def test_evidence_is_led_to_the_curve_it_was_read_from(series, metrics):
    assert set(findings.concerned(series, LOGGED)) == metrics


def test_values_that_are_not_finite_are_marked_wherever_they_were_logged():
    dead = finding(symptoms=("non_finite",), evidence=(Evidence("Dead.", series="objective/kl"),))
    assert findings.metrics_of(dead, LOGGED) == {"kl.to_reference", "value.loss"}
    assert findings.metrics_of(finding(), LOGGED) == {"kl.to_reference"}


def test_faults_are_marked_and_notes_are_not():
    note = finding(id="a:x", severity="info")
    marks = findings.noted({"a": diagnosis(finding(severity="warning"), note, finding(id="a:y"))}, LOGGED)
    assert [mark.severity for mark in marks] == ["critical", "warning"]
    assert (marks[0].onset, marks[0].detected) == ((40, 30, 45), 60)


def test_a_time_that_is_no_step_is_not_drawn_along_steps():
    by_day = finding(onset=Onset(3, 2, 4, axis="day"), detected=Detected(5, axis="day"))
    assert findings.noted({"a": diagnosis(by_day)}, LOGGED) == ()


def test_runs_over_each_other_are_told_apart_by_their_marks():
    both = pd.concat([LOGGED, LOGGED.assign(run="b")])
    found = {"a": diagnosis(finding()), "b": diagnosis(finding(), run="b")}
    marks = findings.noted(found, both, {"a": "first", "b": "second"})
    assert [mark.label for mark in marks] == ["first: KL runaway", "second: KL runaway"]
    assert findings.noted({"a": found["a"]}, both, {"a": "first"})[0].label == "KL runaway"


# -- words


def test_no_health_where_nothing_could_be_checked_and_none_before_the_diagnosis():
    words_of = {
        "healthy": findings.drawn_as(diagnosis(), "policy")[1],
        "failing": findings.drawn_as(diagnosis(finding()), "policy")[1],
        "blind": findings.drawn_as(diagnosis(checked=()), "policy")[1],
        "few": findings.drawn_as(diagnosis(verdict="not_enough_data"), "policy")[1],
        "pending": findings.drawn_as(None, "policy")[1],
        "other": findings.drawn_as(None, "stream")[1],
    }
    assert words_of == {
        "healthy": "healthy",
        "failing": "failing",
        "blind": "not enough data",
        "few": "not enough data",
        "pending": "not diagnosed yet",
        "other": "not diagnosed",
    }


def test_every_verdict_has_icon_word_and_colour():
    keys = [findings.drawn_as(found, "policy")[0] for found in (None, diagnosis(), diagnosis(finding()))]
    assert len({look.SEVERITY[key] for key in keys}) == 3


@pytest.mark.parametrize(
    ("confidence", "said"), [(1.0, "above 0.99"), (0.9971, "above 0.99"), (0.93, "0.93"), (0.0, "below 0.01")]
)
def test_confidence_never_claims_certainty(confidence, said):
    assert findings.sure(confidence) == said


def test_times_hold_the_interval_only_where_there_is_one():
    assert findings.times(finding()) == ["since step 40 (30 to 45)", "seen at step 60", "confidence 0.81"]
    sharp = finding(onset=Onset(1234, 1234, 1234), detected=None)
    assert findings.times(sharp) == ["since step 1,234", "confidence 0.81"]


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        (Evidence("x", value=2.5, low=2.0, high=3.0, unit="SD"), "2.5 SD (2 to 3)"),
        (Evidence("x", value=0.1, high=0.2, unit="of the start's"), "0.1 of the start's (up to 0.2)"),
        (Evidence("x", value=0.0, low=-1.0, high=1.0), "0 (-1 to 1)"),
        (Evidence("x", value=7.0, unit="times"), ""),
        (Evidence("x"), ""),
    ],
)
def test_an_estimate_stands_with_its_interval(evidence, said):
    assert findings.interval(evidence) == said


def test_advice_tells_its_size():
    assert findings.size(Next("a", "b", Size("kl_coefficient", 0.03, 0.18))) == "kl coefficient 0.03 to 0.18"
    assert findings.size(Next("a", "b", Size("checkpoint", None, 90))) == "checkpoint 90"
    assert findings.size(Next("a", "b")) == ""


def test_history_tells_what_became_of_a_finding():
    events = (
        Event(10, "raised", "kl_runaway", "warning"),
        Event(20, "renamed", "reward_hacking", "critical"),
        Event(30, "cleared", "reward_hacking", "critical"),
    )
    lines = findings.history(events)
    assert lines[0] == "step 10: found as KL runaway, warning"
    assert "explained anew as reward hacking" in lines[1]
    assert lines[2] == "step 30: cleared"


# -- the page


def curves(steps: int = 80) -> list[Mapping[str, float]]:
    return [{"step": i, "reward": 0.01 * i, "kl": 0.02 * i, "entropy": 3 - 0.01 * i} for i in range(1, steps + 1)]


@pytest.fixture
def told(tmp_path):
    """A board with one run, of which `tell` says what was found."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in curves()))
    with Board.open() as board:
        board.ingest(tmp_path)
        yield board, lambda found: board.keep_diagnosis(found, 240)


FULL = finding(
    evidence=tuple(
        Evidence(f"Sign {i} of kl_runaway.", series="kl", range=(20, 60), method="by hand") for i in range(5)
    ),
    against=(Evidence("Entropy keeps its path.", "refuted", series="entropy"),),
    next=(Next("Raise the KL coefficient.", "It is weak.", Size("kl_coefficient", 0.03, 0.18)),),
    alternatives=(Alternative("lr_too_high", 0.14, "learning rate too high"), Alternative("x", 0.0, "never")),
    events=(Event(60, "raised", "kl_runaway", "critical"),),
)


def test_a_card_tells_since_when_why_how_sure_and_what_next(draw, told):
    board, tell = told
    tell(diagnosis(FULL))
    page = draw("run", board, run="a")
    assert not page.exception
    assert not page.error
    said = words(page).replace("\\", "")
    assert "**failing**" in said
    assert "KL to the reference ran away." in said
    assert "Since step 40 (30 to 45), seen at step 60, confidence 0.81." in said
    assert all(f"Sign {i} of kl_runaway." in said for i in range(5))
    assert "Entropy keeps its path. :small[(would be expected, and is not so)]" in said
    assert "Raise the KL coefficient." in said
    assert "kl coefficient 0.03 to 0.18" in said
    assert "learning rate too high: 0.14" in said
    assert "never" not in said
    assert "by hand; read from kl; steps 20 to 60" in said
    assert "whether gradients grow: :small[no gradient norm is logged]" in said


def test_the_first_card_is_open_and_the_others_are_not(draw, told):
    board, tell = told
    tell(diagnosis(FULL, finding(id="a:other", cause="entropy_collapse", rank=2, severity="warning")))
    cards = [card for card in draw("run", board, run="a").expander if "since step" in card.label]
    assert [card.proto.expanded for card in cards] == [True, False]
    assert "KL runaway" in cards[0].label
    assert "entropy collapse" in cards[1].label


def test_a_healthy_run_names_what_was_checked_and_has_no_card(draw, told):
    board, tell = told
    note = finding(id="a:n", severity="info", summary="Cleared at step 70: KL ran away.")
    tell(diagnosis(note, summary="Nothing found: 2 things were checked, 1 could not be."))
    page = draw("run", board, run="a")
    said = words(page)
    assert "**healthy**" in said
    assert "whether entropy falls" in said
    assert "Cleared at step 70: KL ran away." in said.replace("\\", "")
    assert [card.label for card in page.expander if "check" in card.label] == [
        "Nothing found in 2 checks; 1 could not be made"
    ]
    assert not any("since step" in card.label for card in page.expander)


def test_what_the_data_do_not_decide_is_told_with_what_would(draw, told):
    board, tell = told
    tell(diagnosis(undecided=(Undecided("whether the score rises", "The score is 0.1 SD above its start.", 640),)))
    page = draw("run", board, run="a")
    assert "Nothing found in 2 checks; 1 not established either way; 1 could not be made" in [
        e.label for e in page.expander
    ]
    assert "About 640 rows in all would tell." in words(page).replace("\\", "")


def test_before_the_diagnosis_the_page_says_that_it_is_on_its_way(draw, told):
    said = words(draw("run", told[0], run="a"))
    assert "**not diagnosed yet**" in said
    assert "healthy" not in said


def test_names_out_of_a_log_are_shown_as_they_are(draw, told):
    board, tell = told
    evil = "loss/*avg*_x is `NaN` <b>now</b> :red[x]"
    tell(diagnosis(finding(summary=evil, evidence=(Evidence(evil, series="kl"),))))
    said = words(draw("run", board, run="a"))
    assert look.literal(evil) in said
    assert evil not in said


def test_evidence_is_drawn_once_it_is_asked_for(draw, told):
    board, tell = told
    tell(diagnosis(FULL))
    page = draw("run", board, run="a")
    assert not [box for box in page.selectbox if "steps that were read" in box.label]
    page.toggle(key="curves-a:kl_runaway").set_value(True).run()
    assert not page.exception
    assert not page.error
    (box,) = [box for box in page.selectbox if "steps that were read" in box.label]
    assert [option for option in box.options if "steps 20 to 60" in option]


def marks(figure: Mapping[str, Any]) -> dict[str, list[Mapping[str, Any]]]:
    """Upright shapes by the axis of their panel."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for shape in figure["layout"]["shapes"]:
        if str(shape.get("yref", "")).endswith(" domain"):
            found.setdefault(shape["yref"].split()[0], []).append(shape)
    return found


@pytest.mark.parametrize("theme", look.THEMES)
def test_the_figure_that_is_fetched_again_marks_the_panels_concerned_and_no_other(told, theme):
    board, tell = told
    view = figures.Curves(runs=("a",), slots=(0,), theme=theme)
    before = figures.curves(board, view)
    assert before.figure is not None
    assert marks(before.figure) == {}
    version = board.version(["a"])
    tell(diagnosis(finding(evidence=(Evidence("KL.", series="kl"), Evidence("H.", series="entropy")))))
    assert board.version(["a"]) != version  # a window that asks again is told
    after = figures.curves(board, figures.Curves.of(view.asked())).figure
    assert after is not None
    headings = {a["text"].split("</b>")[0]: a["y"] for a in after["layout"]["annotations"] if "<b>" in a["text"]}
    order = sorted(headings, key=headings.get, reverse=True)
    concerned = {"y" if not i else f"y{i + 1}" for i, name in enumerate(order) if "KL" in name or "Entropy" in name}
    assert set(marks(after)) == concerned
    assert len(concerned) == 2
    for shapes in marks(after).values():
        assert [(s["x0"], s["x1"]) for s in shapes if s["type"] == "rect"] == [(30, 45)]
        lines = [s for s in shapes if s["type"] == "line" and s["line"]["width"] > 0]
        assert [(s["x0"], s["line"].get("dash", "solid")) for s in lines] == [(40, "solid"), (60, "dash")]
        assert {s["line"]["color"] for s in lines} == {look.THEMES[theme].critical}


@pytest.mark.parametrize("along", ["time", "kl"])
def test_along_another_axis_nothing_is_marked(told, along):
    board, tell = told
    tell(diagnosis(finding(evidence=(Evidence("R.", series="reward"),))))
    found = figures.curves(board, figures.Curves(runs=("a",), slots=(0,), x=along)).figure
    assert found is None or marks(found) == {}


def test_what_a_finding_rests_on_is_drawn_though_it_is_none_of_the_usual_panels(tmp_path):
    rows = [
        {"step": i, "reward": 0.01 * i, "kl": 0.02 * i, "entropy": 3 - 0.01 * i, "policy_loss": 0.1, "response_length": 50.0 + i,
         "clip_fraction": 0.1, "value_loss": 1 / i, "grad_norm": 1.0, "learning_rate": 1e-5} for i in range(1, 81)
    ]  # fmt: skip
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with Board.open() as board:
        board.ingest(tmp_path)
        view = figures.Curves(runs=("a",), slots=(0,))
        usual = [panel.metric for panel in figures.shown_panels(board, view)[0]]
        assert not {"learning_rate", "value.loss", "grad_norm"} & set(usual)
        said = [
            finding(
                severity=severity,
                rank=rank,
                evidence=(Evidence("It jumped.", series=series), Evidence("Too.", series="entropy")),
            )
            for rank, (severity, series) in enumerate(
                (("warning", "grad_norm"), ("critical", "learning_rate"), ("warning", "value_loss"), ("warning", "kl"))
            )
        ]
        board.keep_diagnosis(diagnosis(*said), 720)
        shown = [panel.metric for panel in figures.shown_panels(board, view)[0]]
        assert shown == [*usual, "learning_rate", "grad_norm"]  # the worst first, two at most
        assert [p.metric for p in figures.shown_panels(board, replace(view, metrics=("entropy.token_mean",)))[0]] == [
            "entropy.token_mean"
        ]
        assert figures.curves(board, view).figure["layout"]["height"] == traces.height(len(shown))


def test_curves_below_cards_are_not_drawn_before_the_page(told):
    from analysis.host import Host

    board, tell = told
    asked = {"runs": ["a"], "theme": "light"}
    tell(diagnosis())
    assert opening.wanted(Host(board, [], None), asked) is not None
    tell(diagnosis(finding()))
    assert opening.wanted(Host(board, [], None), asked) is None


def test_steps_that_were_read_come_back_from_the_browser():
    view = figures.Curves(runs=("a",), slots=(0,), read=(20.0, 60.0))
    assert figures.Curves.of(json.loads(json.dumps(view.asked()))) == view


# -- reward over sqrt(KL)


def over_kl(tmp_path, score, kl) -> Board:
    (tmp_path / "a").mkdir()
    rows = [
        {"step": i + 1, "objective/scores": s, "objective/kl": k, "objective/rlhf_reward": s}
        for i, (s, k) in enumerate(zip(score, kl, strict=True))
    ]
    (tmp_path / "a" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    board = Board.open()
    board.ingest(tmp_path)
    return board


def test_a_peak_is_marked_where_it_was_made(tmp_path, draw):
    rng = np.random.default_rng(4)
    d = np.linspace(0.05, 6, 120)
    with over_kl(tmp_path, d * (2 - d / 3) + rng.normal(0, 0.05, 120), d**2) as board:  # 2 / (2/3) = 3
        page = draw("run", board, run="a", details="Reward over KL")
        assert not page.exception
        assert not page.error
        assert "The score has a peak over sqrt(KL)" in words(page).replace("\\", "")
        path = findings_path(board)
        assert path.fit.peak.low < 3 < path.fit.peak.high
        assert np.corrcoef(path.fitted, np.interp(path.fitted_at, d, d * (2 - d / 3)))[0, 1] > 0.99


def test_a_score_that_still_rises_has_no_peak_drawn(tmp_path):
    from dashboard.charts import distance

    rng = np.random.default_rng(5)
    d = np.linspace(0.05, 6, 120)
    with over_kl(tmp_path, d + rng.normal(0, 0.05, 120), d**2) as board:
        path = findings_path(board)
        drawn = distance.figure([distance.Panel("a", "a", path)], {"a": look.mark(0)}, look.LIGHT)
    assert path.fit.state != "established"
    assert drawn["layout"]["shapes"] == []


def test_without_kl_the_part_says_what_is_missing(tmp_path, draw):
    with over_kl(tmp_path, [0.1 * i for i in range(30)], [math.nan] * 30) as board:
        said = words(draw("run", board, run="a", details="Reward over KL"))
    assert "can't be computed" in said
    assert "no KL per sequence is logged" in said


def findings_path(board: Board) -> Any:
    from dashboard import travelled

    found = travelled.path(board, "a")
    assert not isinstance(found, str), found
    return found
