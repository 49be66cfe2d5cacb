"""What a trainer died of. An expert would catch prose that mentions an error, a traceback of an attempt that was resumed since, the cause
of an exception taken for the exception, a tensor that is printed into the message.
"""

from __future__ import annotations

import json
import os
import time

import pytest

from analysis.board import Board
from tests.analysis.diagnosis.worlds import serious

SAMPLER = "RuntimeError: probability tensor contains either `inf`, `nan` or element < 0"
TRACEBACK = f"""Traceback (most recent call last):
  File "train.py", line 9, in <module>
    trainer.train()
{SAMPLER}
"""


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "ppo"
    folder.mkdir()
    rows = (
        {"step": i, "objective/kl": 0.01 * i, "objective/scores": 0.02 * i, "loss/value_avg": 0.1} for i in range(1, 61)
    )
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def read(folder):
    with Board.open() as board:
        report = board.ingest(folder.parent)
        state = board.runs().set_index("run").loc["ppo"]
        return board.run("ppo")["config"].get("exception"), state, board.diagnose("ppo"), report


@pytest.mark.parametrize("name", ["crash.txt", "stderr_traceback.err", "whatever.txt"])
def test_a_traceback_is_told_as_the_end_of_the_run(run, name):
    (run / name).write_text(TRACEBACK)
    told, state, said, _ = read(run)
    assert told == SAMPLER
    assert (state["state"], SAMPLER in state["state_why"]) == ("crashed", True)
    assert serious(said)[0] == ("critical", "numeric_divergence")
    assert said.findings[0].detected.value == 60  # the log shows nothing before its end
    assert "nan" in said.findings[0].summary


def test_the_last_line_alone_is_enough_where_the_name_says_what_it_is(run):
    (run / "crash.txt").write_text(SAMPLER)
    assert read(run)[0] == SAMPLER


def test_of_chained_exceptions_the_last_one_counts(run):
    chained = f"{TRACEBACK}\nDuring handling of the above exception, another exception occurred:\n\n{TRACEBACK.replace(SAMPLER, 'ValueError: no checkpoint')}"
    (run / "crash.txt").write_text(chained)
    assert read(run)[0] == "ValueError: no checkpoint"


def test_look_alike_memory_that_ran_out(run):
    (run / "crash.txt").write_text(
        TRACEBACK.replace(SAMPLER, "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB")
    )
    told, state, said, _ = read(run)
    assert told.startswith("torch.cuda.OutOfMemoryError")
    assert state["state"] == "crashed"
    assert "numeric_divergence" not in {cause for _, cause in serious(said)}


def test_look_alike_a_run_that_was_resumed_since(run):
    (run / "crash.txt").write_text(TRACEBACK)
    long_ago = time.time() - 30 * 86_400
    os.utime(run / "crash.txt", (long_ago, long_ago))
    _, state, said, _ = read(run)
    assert state["state"] != "crashed"
    assert "numeric_divergence" not in {cause for _, cause in serious(said)}


def test_prose_about_errors_is_none(run):
    (run / "error_notes.txt").write_text("We saw a RuntimeError: it was about nan, and went away.\n")
    told, _, said, report = read(run)
    assert told is None
    assert serious(said) == []
    assert all(not f.error for f in report.files)


def test_a_message_without_end_is_kept_short(run):
    (run / "crash.txt").write_text("ValueError: nan in " + "0.1, " * 9000)
    assert len(read(run)[0]) == 500


def test_without_a_log_it_makes_no_run(tmp_path):
    (tmp_path / "alone").mkdir()
    (tmp_path / "alone" / "crash.txt").write_text(TRACEBACK)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.runs().empty
