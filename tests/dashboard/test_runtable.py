"""The table of the Overview. An expert would catch: a spike that the small curve loses; a gap that it bridges; NaN that
it hides; KL of different units on one scale; an old crash that still asks for somebody; a name that only its id tells
apart; rows that an update forgets.
"""

from __future__ import annotations

import base64
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import host
from analysis.board import Board
from analysis.diagnosis.finding import Diagnosis, Finding, Onset
from dashboard import requests, runtable
from dashboard.standing import standing
from tests.generate import long_name, write_run

DAY = 86_400


def write(folder: Path, rows: list[dict], *, old: float = 0) -> None:
    folder.mkdir(parents=True)
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    os.utime(path, (time.time() - old,) * 2)


def document(folder: Path, runs: list[str] | None = None) -> dict:
    with Board.open() as board:
        board.ingest(folder)
        return runtable.document(board, board.runs(), runs)


def row_of(folder: Path, run: str = "run") -> dict:
    return next(row for row in document(folder)["rows"] if row["id"] == run)


def points(curve: dict) -> list[np.ndarray]:
    """Means, and least and greatest values if they are sent, on the curve's own scale; NaN where a point has none."""
    raw = np.frombuffer(base64.b64decode(curve["points"]), np.uint8).astype(float)
    values = curve["low"] + raw / 254 * (curve["high"] - curve["low"])
    return list(np.where(raw == runtable.MISSING, np.nan, values).reshape(-1, curve["n"]))


# -- curves


def test_a_short_curve_is_sent_as_it_was_logged(tmp_path):
    rewards = [0.0, 1.0, 0.5, -2.0, 3.0]
    write(tmp_path / "run", [{"step": i, "reward": v} for i, v in enumerate(rewards)])
    curve = row_of(tmp_path)["reward"]
    (mean,) = points(curve)
    assert mean == pytest.approx(rewards, abs=5 / 254)
    assert (curve["text"], curve["unit"], curve["last"]) == ("3", "reward", 3.0)


def test_a_spike_of_one_row_in_ten_thousand_is_seen(tmp_path):
    write(tmp_path / "run", [{"step": i, "reward": 100.0 if i == 4321 else math.sin(i)} for i in range(10_000)])
    curve = row_of(tmp_path)["reward"]
    mean, _, high = points(curve)
    assert curve["high"] == 100.0
    assert len(mean) <= 64
    assert high.max() == 100.0
    assert np.argmax(high) == pytest.approx(0.4321 * len(high), abs=1)


def test_nan_is_a_gap_and_a_mark(tmp_path):
    rows = [{"step": i, "reward": math.nan if 20 <= i < 30 else float(i)} for i in range(50)]
    write(tmp_path / "run", rows)
    curve = row_of(tmp_path)["reward"]
    (mean,) = points(curve)
    assert np.flatnonzero(np.isnan(mean)).tolist() == curve["bad"] == list(range(20, 30))


def test_a_value_that_is_not_finite_is_marked_among_finite_ones(tmp_path):
    write(tmp_path / "run", [{"step": i, "reward": math.inf if i == 777 else 1.0} for i in range(2000)])
    curve = row_of(tmp_path)["reward"]
    assert len(curve["bad"]) == 1
    assert not np.isnan(points(curve)[0]).any()


def test_a_curve_without_a_finite_value_says_nan(tmp_path):
    write(tmp_path / "run", [{"step": i, "reward": math.nan, "kl": 0.1 * i} for i in range(30)])
    row = row_of(tmp_path)
    assert row["reward"]["text"] == "NaN"
    assert "points" not in row["reward"]
    assert row["kl"]["points"]


@pytest.mark.parametrize("value", [0.0, 3.7, -1e308])
def test_a_curve_that_never_moves_lies_in_the_middle(tmp_path, value):
    write(tmp_path / "run", [{"step": i, "reward": value} for i in range(30)])
    raw = base64.b64decode(row_of(tmp_path)["reward"]["points"])
    assert set(raw) == {127}


def test_a_curve_may_span_more_than_a_float_holds(tmp_path):
    write(tmp_path / "run", [{"step": i, "reward": v} for i, v in enumerate([-1.7e308, 0.0, 1.7e308])])
    raw = base64.b64decode(row_of(tmp_path)["reward"]["points"])
    assert list(raw) == [0, 127, 254]


def test_only_one_unit_shares_a_scale(tmp_path):
    for number, name in enumerate(("grpo", "ppo", "dpo")):
        write_run(tmp_path / name, number)
    rows = {row["id"]: row for row in document(tmp_path)["rows"]}
    assert rows["grpo"]["kl"]["scale"] != rows["ppo"]["kl"]["scale"]
    assert {rows["grpo"]["kl"]["unit"], rows["ppo"]["kl"]["unit"]} == {"nats/token", "nats/seq"}
    assert rows["grpo"]["reward"]["scale"] == rows["ppo"]["reward"]["scale"] == ""  # each reward model has its own unit
    assert rows["dpo"]["reward"]["scale"] == "accuracy"


def test_what_was_not_logged_is_said_in_a_word(tmp_path):
    write(tmp_path / "run", [{"step": i, "kl": 0.1 * i, "entropy": 1.0} for i in range(20)])
    row = row_of(tmp_path)
    assert row["reward"] is None
    assert row["instead"]["reward"] == "not logged"


# -- how runs stand


def cut(folder: Path, age: float) -> None:
    write_run(folder, 1, until=time.time() - age, ends='\n{"step')


def test_who_needs_somebody_stands_in_the_sentence_and_on_top(tmp_path):
    cut(tmp_path / "broken", 3600)
    write_run(tmp_path / "silent", 1, until=time.time() - 3600)
    write_run(tmp_path / "live", 1)
    write_run(tmp_path / "done", 1, until=time.time() - 30 * DAY)
    said = document(tmp_path)
    assert said["verdict"] == "2 of 4 runs need you: broken crashed and silent stalled. 1 is being written."
    needs = {row["id"]: row["need"] for row in said["rows"]}
    assert needs == {"broken": 2, "silent": 1, "live": 0, "done": 0}
    row = next(row for row in said["rows"] if row["id"] == "broken")
    assert "cut off" in row["wrong"]
    assert row["since"] == 100
    with Board.open() as board:
        board.ingest(tmp_path)
        assert [run["run"] for run in runtable.by_need(board.runs(), time.time())] == [
            "broken",
            "silent",
            "live",
            "done",
        ]


def test_an_old_crash_needs_nobody_now(tmp_path):
    cut(tmp_path / "broken", 8 * DAY)
    said = document(tmp_path)
    assert said["verdict"].startswith("The one run does not need you.")
    assert (said["rows"][0]["state"], said["rows"][0]["need"]) == ("crashed", 0)


def diagnosed(board: Board, run: str, verdict: str, cause: str = "", severity: str = "", onset: float = 40.0) -> None:
    first = Finding(
        f"{run}:{cause}", 1, {"run": run}, cause, (), severity, 0.9, "In one sentence.", Onset(onset, onset, onset)
    )
    board.keep_diagnosis(Diagnosis(run, "", "policy", "trl", verdict, "", (first,) if cause else ()), 1)


def test_a_finding_asks_for_somebody_before_a_crash_however_old_its_run_is(tmp_path):
    cut(tmp_path / "broken", 3600)
    for name in ("hacked", "doubtful", "fine"):
        write_run(tmp_path / name, 1, until=time.time() - 30 * DAY)
    with Board.open() as board:
        board.ingest(tmp_path)
        diagnosed(board, "hacked", "failing", "mid_run_fault.reward_changed", "critical", 91.0)
        diagnosed(board, "doubtful", "watch", "kl_runaway", "warning")
        diagnosed(board, "fine", "healthy")
        said = runtable.document(board, board.runs())
        order = [run["run"] for run in runtable.by_need(board.runs(), time.time())]
    assert order == ["hacked", "broken", "doubtful", "fine"]
    assert said["verdict"].startswith(
        "3 of 4 runs need you: hacked (mid run fault: reward changed), broken crashed and doubtful (KL runaway)."
    )
    assert said["note"] == "3 runs diagnosed, 1 still to come."
    rows = {row["id"]: row for row in said["rows"]}
    assert (rows["hacked"]["needs"], rows["hacked"]["since"], rows["hacked"]["wrong"]) == (
        "failing", 91.0, "In one sentence.",
    )  # fmt: skip
    assert (rows["broken"]["needs"], rows["broken"]["cause"]) == ("crashed", "")
    assert (rows["fine"]["needs"], rows["fine"]["wrong"], rows["fine"]["since"]) == ("", "", None)


def test_a_run_that_needs_nobody_says_whether_anything_was_looked_at(tmp_path):
    for name in ("fine", "short", "new"):
        write_run(tmp_path / name, 1, until=time.time() - 30 * DAY)
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "metrics.jsonl").write_text('{"step": 1, "apples": 2.0}\n{"step": 2, "apples": 2.5}\n')
    with Board.open() as board:
        board.ingest(tmp_path)
        diagnosed(board, "fine", "healthy")
        diagnosed(board, "short", "not_enough_data")
        rows = {row["name"]: row for row in runtable.document(board, board.runs())["rows"]}
    assert {name: row["calm"] for name, row in rows.items()} == {
        "fine": "nothing wrong found", "short": "too few rows to tell", "new": "", "prices": "",
    }  # fmt: skip


def test_a_run_that_crashed_while_it_was_failing_is_failing(tmp_path):
    cut(tmp_path / "broken", 3600)
    with Board.open() as board:
        board.ingest(tmp_path)
        diagnosed(board, "broken", "failing", "numeric_divergence", "critical")
        (row,) = runtable.document(board, board.runs())["rows"]
    assert (row["needs"], row["cause"], row["state"]) == ("failing", "numeric divergence", "crashed")


def test_a_sentence_stays_readable_with_long_names(tmp_path):
    for number in range(6):
        cut(tmp_path / long_name(number), 3600)
    assert len(document(tmp_path)["verdict"]) < 320


def test_runs_of_one_name_are_told_apart_by_their_id(tmp_path):
    for folder in ("sweep-a/run", "sweep-b/run"):
        write(tmp_path / folder, [{"step": i, "reward": 1.0} for i in range(9)])
        (tmp_path / folder / "rewardboard.toml").write_text('name = "best"\n')
    names = [row["name"] for row in document(tmp_path)["rows"]]
    assert sorted(names) == ["sweep-a/run", "sweep-b/run"]


# -- requests


@pytest.fixture
def live(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, [{"step": i, "reward": 1.0 * i} for i in range(20)])
    with Board.open() as board:
        board.ingest(tmp_path)
        board.poll()
        yield host.Host(board, [], None), tmp_path


def append(folder: Path) -> None:
    with (folder / "log.jsonl").open("a") as log:
        log.write(json.dumps({"step": 20, "reward": 20.0}) + "\n")


def test_nothing_is_sent_twice(live):
    shared, _ = live
    body, kind, version = requests.overview(shared, {})
    assert kind == "application/json"
    assert len(json.loads(body)["rows"]) == 2
    assert requests.overview(shared, {"have": version}) == (None, "", version)


def test_an_update_brings_the_runs_that_were_asked_for(live):
    shared, folder = live
    _, _, version = requests.overview(shared, {})
    append(folder / "a")
    assert shared.board.poll() == {"a"}
    said = json.loads(requests.overview(shared, {"runs": ["a", "gone"]})[0])
    assert [row["id"] for row in said["rows"]] == ["a"]
    assert said["of"] == ["a", "gone"]
    assert said["rows"][0]["reward"]["last"] == 20
    assert requests.overview(shared, {"have": version})[0] is not None


def test_an_archived_run_is_gone(live):
    shared, _ = live
    shared.board.edit("a", archived=True)
    said = json.loads(requests.overview(shared, {"runs": ["a"]})[0])
    assert (said["rows"], said["of"]) == ([], ["a"])


def test_time_alone_changes_a_state(live, monkeypatch):
    shared, folder = live
    append(folder / "a")
    shared.board.poll()
    before = standing(shared.board)
    assert before is standing(shared.board)
    assert dict(zip(before.table["run"], before.table["state"], strict=True))["a"] == "writing"
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    after = standing(shared.board)
    assert after.version != before.version
    assert dict(zip(after.table["run"], after.table["state"], strict=True))["a"] == "stalled"
    assert requests.runs(shared, {"have": before.version})[0] is not None


def test_the_list_holds_plain_values(live):
    shared, _ = live
    for row in json.loads(requests.overview(shared, {})[0])["rows"]:
        assert row["until"] is None or row["until"] > 0
        assert isinstance(row["tags"], list)
        assert pd.notna(row["seen"])


@pytest.mark.parametrize("bad", [7, "a", [1, 2]])
def test_what_is_no_list_of_runs_is_said(live, bad):
    with pytest.raises(Exception, match="no list of runs"):
        requests.overview(live[0], {"runs": bad})
