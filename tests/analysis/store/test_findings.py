"""Kept diagnoses: the newest of each run, and a history that only grows.

Where an expert would catch it being wrong: a finding that cleared is gone from the history; one that came back looks as
if it had never left; another run's findings are touched; first seen moves with every new row; a deleted run leaves its
diagnosis behind; a store is opened again and knows nothing; JSON changes what was said.
"""

import json
import math

import duckdb
import pytest

from analysis.board import Board
from analysis.diagnosis.finding import Diagnosis, Evidence, Finding, Onset
from analysis.store import findings, schema


def diagnosis(run: str, *found: tuple[str, str]) -> Diagnosis:
    told = tuple(
        Finding(
            f"{run}:{cause}", place + 1, {"run": run}, cause, ("kl_runaway",), severity, 0.9, f"{cause} in words",
            Onset(40.0, 38.0, 45.0), evidence=(Evidence("KL rose", value=math.nan, series="kl.to_reference"),),
        )
        for place, (cause, severity) in enumerate(found)
    )  # fmt: skip
    return Diagnosis(run, f"/logs/{run}", "policy", "trl", "failing" if told else "healthy", "in a sentence", told)


@pytest.fixture
def con():
    with duckdb.connect() as connection:
        schema.prepare(connection)
        yield connection


def keep(con, said: Diagnosis, now: float, rows: int = 10) -> None:
    findings.keep(con, said.document(), rows=rows, code="1", now=now)


def test_a_diagnosis_reads_back_as_it_was_said(con):
    said = diagnosis("a", ("reward_hacking", "critical"))
    keep(con, said, 100.0)
    (read,) = findings.kept(con, ["a", "b"]).values()
    assert read == json.loads(json.dumps(said.document()))
    assert Diagnosis.of(read).findings[0].onset == Onset(40.0, 38.0, 45.0)


def test_first_seen_stays_and_a_cleared_finding_stays_in_the_history(con):
    keep(con, diagnosis("a", ("kl_runaway", "warning")), 100.0)
    keep(con, diagnosis("b", ("kl_runaway", "warning")), 100.0)
    keep(con, diagnosis("a", ("kl_runaway", "critical")), 200.0)
    (row,) = findings.history(con, "a").to_dict("records")
    assert (row["first_seen"], row["severity"]) == (100.0, "critical")
    assert math.isnan(row["cleared"])

    keep(con, diagnosis("a"), 300.0)
    (row,) = findings.history(con, "a").to_dict("records")
    assert (row["first_seen"], row["cleared"]) == (100.0, 300.0)

    keep(con, diagnosis("a", ("kl_runaway", "warning")), 400.0)
    again = findings.history(con, "a")
    assert again["first_seen"].tolist() == [100.0, 400.0]
    assert math.isnan(findings.history(con, "b")["cleared"].iloc[0])


# -- the board


def rows(path, first, last):
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as log:
        for i in range(first, last):
            log.write(json.dumps({"step": i, "objective/kl": 0.01 * i, "objective/scores": 0.1 * (i % 3)}) + "\n")


def test_a_run_is_due_until_it_is_diagnosed_and_again_when_it_grew(tmp_path):
    log = tmp_path / "run" / "metrics.jsonl"
    rows(log, 0, 200)
    with Board.open(tmp_path / "x.duckdb") as board:
        board.ingest(tmp_path / "run")
        assert board.due() == [("run", 400)]
        before = board.version(["run"])
        board.keep_diagnosis(board.diagnose("run"), 400)
        assert board.due() == []
        assert board.version(["run"]) != before, "pages of the run must hear of it"
    with Board.open(tmp_path / "x.duckdb") as board:
        assert board.due() == [], "what was kept holds for the next process"
        assert board.diagnoses(["run"])["run"].run == "run"
        rows(log, 200, 260)
        board.ingest(tmp_path / "run")
        assert board.due() == [("run", 520)]
        board.delete("run")
        assert board.diagnoses(["run"]) == {}
        assert len(board.finding_history("run")) == 0


def test_the_list_of_runs_tells_what_to_look_at_first(tmp_path):
    for name in ("bad", "good", "new"):
        rows(tmp_path / name / "metrics.jsonl", 0, 20)
    with Board.open() as board:
        board.ingest(tmp_path)
        board.keep_diagnosis(diagnosis("bad", ("reward_hacking", "critical"), ("length_hacking", "info")), 20)
        board.keep_diagnosis(diagnosis("good"), 20)
        told = board.runs().set_index("run")[["verdict", "cause", "severity", "finding", "onset"]]
    assert told.loc["bad"].tolist() == [
        "failing", "reward_hacking", "critical", "reward_hacking in words", 40.0,
    ]  # fmt: skip
    assert told.loc["good"].tolist()[:4] == ["healthy", "", "", ""]
    assert told.loc["new"].tolist()[:4] == ["", "", "", ""]
