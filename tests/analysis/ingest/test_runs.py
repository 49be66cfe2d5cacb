"""What a run is, through the board: restarts, ranks, checkpoints, sweeps, moved folders, several logs of one run.

An expert would try: the event file of a restart, two ranks that write at once, the checkpoints of one run, a folder
that was renamed, a copy that disagrees in one column, an evaluation log with the same tags, add_scalars.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from analysis.board import Board

torch_events = pytest.importorskip("torch.utils.tensorboard")


@pytest.fixture
def board():
    with Board.open() as board:
        yield board


def write_events(folder: Path, steps: range, *, start: float, value=lambda s: s / 10, tag: str = "train/loss") -> None:
    """An event file as torch writes it, a row a second from `start` on."""
    writer = torch_events.SummaryWriter(str(folder), filename_suffix=f".{start:.0f}")
    for i, step in enumerate(steps):
        writer.add_scalar(tag, value(step), step, walltime=start + i)
    writer.close()


def write_rows(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_the_event_file_of_a_restart_goes_on_as_a_new_attempt(tmp_path, board):
    write_events(tmp_path / "run" / "tb", range(50), start=1000)
    write_events(tmp_path / "run" / "tb", range(30, 80), start=5000, value=lambda s: s / 5)
    board.ingest(tmp_path)
    loss = board.series("run", "train/loss").set_index("step")
    assert len(loss) == 80
    assert loss["value"][29] == pytest.approx(2.9)
    assert loss["value"][30] == pytest.approx(6.0)
    assert set(loss["attempt"]) == {0, 1}


def test_two_ranks_that_write_at_once_are_no_restart(tmp_path, board):
    write_events(tmp_path / "run" / "tb", range(50), start=1000)
    write_events(tmp_path / "run" / "tb", range(50), start=1003, value=lambda s: s / 10 + 1)
    board.ingest(tmp_path)
    assert board.runs()["run"].tolist() == ["run"]
    loss = board.series("run", "train/loss")
    assert len(loss) == 50
    assert set(loss["attempt"]) == {0}
    (check,) = board.checks().to_dict("records")
    assert (check["compared"], check["disagree"]) == (50, 50)


def test_of_several_checkpoints_the_newest_state_is_read(tmp_path, board):
    def state(n: int) -> str:
        return json.dumps({"global_step": n, "log_history": [{"step": s, "loss": s / 2} for s in range(1, n + 1)]})

    for n in (10, 20, 30):
        folder = tmp_path / "run" / f"checkpoint-{n}"
        folder.mkdir(parents=True)
        (folder / "trainer_state.json").write_text(state(n))
    board.ingest(tmp_path)
    assert len(board.series("run", "loss")) == 30
    newer = tmp_path / "run" / "checkpoint-40"
    newer.mkdir()
    (newer / "trainer_state.json").write_text(state(40))
    board.ingest(tmp_path)
    loss = board.series("run", "loss")
    assert len(loss) == 40
    assert set(loss["attempt"]) == {0}
    assert sorted(board.files()["state"]) == ["read", "replaced", "replaced", "replaced"]


def test_a_folder_that_was_moved_is_the_same_run(tmp_path, board):
    rows = [{"step": i, "reward": i / 3} for i in range(30)]
    write_rows(tmp_path / "a" / "ppo" / "metrics.jsonl", rows)
    board.ingest(tmp_path / "a")
    board.edit("ppo", note="the good one")
    (tmp_path / "b").mkdir()
    shutil.move(tmp_path / "a" / "ppo", tmp_path / "b" / "renamed")
    with (tmp_path / "b" / "renamed" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 30, "reward": 10}\n')
    board.ingest(tmp_path / "b")
    assert board.runs()["run"].tolist() == ["ppo"]
    run = board.run("ppo")
    assert run["note"] == "the good one"
    assert run["path"] == str(tmp_path / "b" / "renamed")
    assert board.series("ppo", "reward")["step"].tolist() == list(range(31))


def test_a_copy_that_disagrees_is_told_and_drawn_once(tmp_path, board):
    rows = [{"step": i, "loss": i / 7, "kl": i / 3, "reward": i % 5} for i in range(40)]
    folder = tmp_path / "run"
    write_rows(folder / "metrics.jsonl", rows)
    faulty = [row | ({"kl": 9.0} if row["step"] > 35 else {}) for row in rows]
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 39, "log_history": faulty}))
    board.ingest(tmp_path)
    assert board.runs()["run"].tolist() == ["run"]
    checks = board.checks().set_index("metric")
    assert checks.loc["kl.to_reference", "disagree"] == 4
    assert checks.loc["kl.to_reference", "first_step"] == 36
    assert checks["disagree"].sum() == 4
    assert board.series("run", "kl")["value"].iloc[-1] == 9.0


def test_a_log_that_reaches_further_is_read_until_the_state_catches_up(tmp_path, board):
    rows = [{"step": i, "loss": i / 7} for i in range(40)]
    folder = tmp_path / "run"
    write_rows(folder / "metrics.jsonl", rows)
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 19, "log_history": rows[:20]}))
    board.ingest(tmp_path)
    assert len(board.series("run", "loss")) == 40
    (folder / "trainer_state.json").write_text(json.dumps({"global_step": 39, "log_history": rows}))
    board.ingest(tmp_path)
    assert board.metrics(["run"])["source"].tolist() == ["trainer_state"]


def test_an_evaluation_log_with_the_same_tags_is_a_split(tmp_path, board):
    write_rows(tmp_path / "run" / "train.jsonl", [{"step": i, "loss": 1 / (i + 1)} for i in range(30)])
    write_rows(tmp_path / "run" / "eval.jsonl", [{"step": i, "loss": 2 / (i + 1)} for i in range(0, 30, 5)])
    board.ingest(tmp_path)
    assert board.runs()["run"].tolist() == ["run"]
    assert set(board.series("run", "loss.total")["split"]) == {"train", "eval"}


def test_add_scalars_comes_back_to_its_run(tmp_path, board):
    writer = torch_events.SummaryWriter(str(tmp_path / "run"))
    for step in range(10):
        writer.add_scalar("kl", step / 10, step)
        writer.add_scalars("reward", {"proxy": step, "gold": -step}, step)
    writer.close()
    board.ingest(tmp_path)
    assert board.runs()["run"].tolist() == ["run"]
    assert board.series("run", "reward/gold")["value"].iloc[-1] == -9


def test_a_late_log_finds_its_run(tmp_path, board):
    rows = [{"step": i, "loss": i / 7, "reward": i % 5} for i in range(40)]
    write_rows(tmp_path / "run" / "metrics.jsonl", rows)
    board.ingest(tmp_path)
    (tmp_path / "run" / "trainer_state.json").write_text(json.dumps({"global_step": 39, "log_history": rows}))
    board.ingest(tmp_path)
    assert board.runs()["run"].tolist() == ["run"]
    assert len(board.checks()) == 2


def test_runs_of_one_name_below_two_roots_are_two(tmp_path, board):
    for place, factor in (("x", 1), ("y", 2)):
        write_rows(tmp_path / place / "ppo" / "metrics.jsonl", [{"step": i, "reward": i * factor} for i in range(5)])
        board.ingest(tmp_path / place)
    assert board.runs()["run"].tolist() == ["ppo", "ppo-2"]
    assert board.series("ppo-2", "reward")["value"].iloc[-1] == 8


def test_a_deleted_run_comes_back_with_the_next_ingest(tmp_path, board):
    write_rows(tmp_path / "ppo" / "metrics.jsonl", [{"step": i, "reward": i} for i in range(5)])
    board.ingest(tmp_path)
    board.delete("ppo")
    assert board.runs().empty
    assert board.sql("SELECT count(*) AS n FROM points")["n"].iloc[0] == 0
    board.ingest(tmp_path)
    assert board.series("ppo", "reward")["value"].tolist() == [0, 1, 2, 3, 4]
