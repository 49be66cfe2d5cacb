"""Past good runs that a user chose. An expert would catch: a cohort of three, the run in its own cohort, other units, runs of another
length, a spread that is a guess, and an alarm that chance alone raises in many metrics.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np

from analysis.board import Board
from analysis.diagnosis.detectors.unlike_cohort import UnlikeCohort
from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import left_open, noise, signals

STEPS = 200


def curves(rng, *, kl=1.0, length=1.0, n=STEPS):
    """A PPO run that learns; runs of one configuration differ by a few per cent."""
    t = np.arange(1, n + 1) / STEPS
    own = 1 + 0.05 * rng.standard_normal(3)
    return {
        "reward": own[0] * (1 - np.exp(-4 * t)) + 0.05 * noise(rng, n, 0.3),
        "kl": kl * own[1] * 6 * (1 - np.exp(-3 * t)) + 0.1 * np.abs(noise(rng, n, 0.3)),
        "response_length": length * own[2] * 60 + noise(rng, n, 0.3),
    }


def write(folder, name, columns, *, tags=()):
    (folder / name).mkdir()
    n = len(next(iter(columns.values())))
    rows = ({"step": i + 1, **{key: float(v[i]) for key, v in columns.items()}} for i in range(n))
    (folder / name / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / name / "rewardboard.toml").write_text(f'kind = "policy"\ntags = {json.dumps(list(tags))}\n')


def said(folder, name):
    with Board.open() as board:
        board.ingest(folder)
        return board.diagnose(name)


def cohort(folder, n=6, seed=0):
    rng = np.random.default_rng(seed)
    for i in range(n):
        write(folder, f"good-{i}", curves(rng), tags=["baseline"])
    return rng


def found(diagnosis):
    return [f for f in diagnosis.findings if "unlike_cohort" in f.symptoms]


def test_a_run_with_twice_the_kl_of_the_tagged_ones_is_told_with_the_numbers(tmp_path):
    rng = cohort(tmp_path)
    write(tmp_path, "new", curves(rng, kl=2.5))
    told = found(said(tmp_path, "new"))
    assert [f.severity for f in told] == ["warning"]
    assert "outside" in told[0].evidence[0].statement
    assert "6 runs" in told[0].evidence[0].statement
    assert told[0].evidence[0].value > told[0].evidence[0].high


def test_one_more_of_them_is_like_them(tmp_path):
    rng = cohort(tmp_path)
    write(tmp_path, "new", curves(rng))
    diagnosis = said(tmp_path, "new")
    assert found(diagnosis) == []
    assert any("as the runs tagged 'baseline' went" in check for check in diagnosis.checked)


def test_a_run_of_the_cohort_is_held_against_the_others(tmp_path):
    rng = cohort(tmp_path, 5)
    write(tmp_path, "odd", curves(rng, kl=6), tags=["baseline"])
    assert found(said(tmp_path, "odd"))


def test_a_short_run_is_held_against_what_the_others_were_at_its_steps(tmp_path):
    rng = cohort(tmp_path)
    write(tmp_path, "new", curves(rng, n=40))  # KL is a third of where the others ended
    assert found(said(tmp_path, "new")) == []


def test_three_are_no_cohort_and_the_mend_is_named(tmp_path):
    rng = cohort(tmp_path, 3)
    write(tmp_path, "new", curves(rng, kl=3))
    diagnosis = said(tmp_path, "new")
    assert found(diagnosis) == []
    assert "4 good ones or more" in left_open(diagnosis, "tagged 'baseline'")


def test_other_units_are_not_compared():
    rng = np.random.default_rng(2)
    one = signals(kl__to_reference=6 + 0.1 * noise(rng, 100, 0), kl_unit="nats per sequence")
    others = tuple(
        signals(kl__to_reference=0.1 + 0.01 * noise(rng, 100, 0), kl_unit="nats per token").series for _ in range(6)
    )
    view = replace(one, cohort=others)
    assert "at the same steps and in the same unit" in left_open(diagnose(view), "tagged 'baseline'")


def test_chance_alone_makes_a_run_unlike_its_cohort_no_more_often_than_stated():
    """400 further runs of a cohort of five, looked at at their end; three metrics each."""
    rng, alarms, detector = np.random.default_rng(8), 0, UnlikeCohort()
    for _ in range(400):
        runs = [
            signals(reward__rm_score_mean=rng.normal(2, 1) + 0.1 * noise(rng, 40, 0), grad_norm=np.exp(rng.normal() + 0.1 * noise(rng, 40, 0)), kl__policy_update=np.exp(rng.normal(-4, 0.5) + 0.1 * noise(rng, 40, 0)))
            for _ in range(6)
        ]  # fmt: skip
        sight = detector.look(replace(runs[0], cohort=tuple(r.series for r in runs[1:])))
        alarms += not isinstance(sight, str) and sight.there
    assert alarms <= 8  # 1 % over all looks of a run; this is one of them


def test_a_new_cohort_makes_kept_diagnoses_due(tmp_path):
    rng = cohort(tmp_path, 4)
    write(tmp_path, "new", curves(rng))
    with Board.open() as board:
        board.ingest(tmp_path)
        for run, rows in board.due():
            board.keep_diagnosis(board.diagnose(run), rows)
        assert board.due() == []
        board.edit("good-0", tags=["seed 3"])
        assert {run for run, _ in board.due()} >= {"new"}


def test_a_run_that_lost_its_tag_is_no_yardstick_any_more_and_is_let_go(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(6):
        write(tmp_path, f"good-{i}", curves(rng), tags=["baseline"])
    write(tmp_path, "new", curves(rng))
    with Board.open() as board:
        board.ingest(tmp_path)
        assert len(board.signals("new").cohort) == 6
        board.edit("good-0", tags=[])
        assert len(board.signals("new").cohort) == 5
        assert set(board._cohort_curves["policy"]) == {f"good-{i}" for i in range(1, 6)}
