"""One score file a checkpoint is one run with steps.

An expert would try: names with and without a keyword, folders, shards and seeds and model sizes that only look like
steps, a stage folder `step2` with a log of its own, a step column that says otherwise, a checkpoint that comes later.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import Board
from analysis.ingest.checkpoints import step_in_name, without_step


@pytest.mark.parametrize(
    ("path", "step"),
    [
        ("rm/scores-100.csv", 100),
        ("rm/eval_scores_2500.jsonl.gz", 2500),
        ("rm/checkpoint-200/scores.csv", 200),
        ("rm/checkpoint-200/eval/scores.csv", 200),
        ("rm/step_5/scores.parquet", 5),
        ("rm/global_step40/pairs.csv", 40),
        ("bt-step7.csv", 7),
        ("bt_ckpt-300_scores.csv", 300),
        ("rm/scores.csv", None),
        ("scores-1.csv", None),
        ("scores-00012-of-00100.csv", None),
        ("scores-00100.csv", None),
        ("rm-13.csv", None),
        ("skywork-27b.csv", None),
        ("llama-3.1-70.csv", None),
        ("seed-11.csv", None),
        ("part-10.csv", None),
        ("footstep100x.csv", None),
        ("exp_step_2_of_bt/scores.csv", None),
    ],
)
def test_what_a_name_tells(path, step):
    assert step_in_name(Path("/data") / path) == step


@pytest.mark.parametrize(
    ("path", "own"),
    [("bt-step7.csv", "bt"), ("bt_ckpt-300_scores.csv", "bt"), ("scores-100.csv", ""), ("eval_scores.csv", "")],
)
def test_what_is_left_of_a_name_without_its_step(path, own):
    assert without_step(Path(path)) == own


def write(path: Path, seed: int = 0, **more) -> None:
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    table = {"pair_id": [f"p{i}" for i in range(50)], "chosen_score": rng.normal(0.5 + seed, 1, 50)}
    pd.DataFrame(table | {"rejected_score": rng.normal(size=50)} | more).to_csv(path, index=False)


def runs(board: Board) -> dict[str, list[float]]:
    """Run -> steps of its checkpoints."""
    return {run: board.checkpoints(run)["step"].tolist() for run in board.scorers()["run"]}


@pytest.mark.parametrize(
    "files",
    [
        ("rm/scores-100.csv", "rm/scores-200.csv"),
        ("rm/checkpoint-100/scores.csv", "rm/checkpoint-200/scores.csv"),
        ("rm/step_100/scores.csv", "rm/step_200/scores.csv"),
        ("rm/checkpoint-100/eval/scores.csv", "rm/checkpoint-200/eval/scores.csv"),
    ],
)
def test_files_of_checkpoints_are_one_run_with_steps(tmp_path, files):
    for seed, file in enumerate(files):
        write(tmp_path / file, seed)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert runs(board) == {"rm": [100, 200]}
        table = board.checkpoints("rm")
        assert table["n"].tolist() == [50, 50]
        assert table["common"].tolist() == [0, 50]
        assert board.evaluate("rm").accuracy.accuracy == table["accuracy"].iloc[1]


def test_a_checkpoint_that_comes_later_joins_its_run(tmp_path):
    write(tmp_path / "rm" / "step_100" / "scores.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        write(tmp_path / "rm" / "step_200" / "scores.csv", 1)
        board.poll()
        assert runs(board) == {"rm": [100, 200]}
        board.ingest(tmp_path)
        assert board.checkpoints("rm")["n"].tolist() == [50, 50]


def test_several_series_in_one_folder_are_told_apart_by_name(tmp_path):
    for name in ("bt-step100", "bt-step200", "hinge-step100", "hinge-step200"):
        write(tmp_path / "sweep" / f"{name}.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        assert runs(board) == {"sweep/bt": [100, 200], "sweep/hinge": [100, 200]}


def test_a_later_checkpoint_of_a_series_finds_it(tmp_path):
    write(tmp_path / "sweep" / "bt-step100.csv")
    write(tmp_path / "sweep" / "hinge-step100.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        write(tmp_path / "sweep" / "bt-step200.csv", 1)
        board.poll()
        assert runs(board) == {"sweep/bt": [100, 200], "sweep/hinge": [100]}


def test_models_and_pieces_stay_apart_as_before(tmp_path):
    for name in ("rm-1", "rm-2"):
        write(tmp_path / "models" / f"{name}.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        assert runs(board) == {"models/rm-1": [], "models/rm-2": []}


def test_scores_of_checkpoints_belong_to_the_run_whose_log_lies_there(tmp_path):
    write(tmp_path / "rm" / "checkpoint-100" / "scores.csv")
    write(tmp_path / "rm" / "checkpoint-200" / "scores.csv", 1)
    pd.DataFrame({"step": range(1, 30), "loss": np.linspace(0.7, 0.5, 29)}).to_csv(
        tmp_path / "rm" / "log.csv", index=False
    )
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.runs()["run"].tolist() == ["rm"]
        assert runs(board) == {"rm": [100, 200]}


def test_a_stage_with_a_log_of_its_own_stays_a_run(tmp_path):
    """DeepSpeed-Chat keeps SFT, reward model and PPO in step1, step2, step3."""
    write(tmp_path / "chat" / "step2" / "scores.csv")
    for stage in ("step2", "step3"):
        folder = tmp_path / "chat" / stage
        folder.mkdir(parents=True, exist_ok=True)
        pd.DataFrame({"step": range(1, 30), "loss": np.linspace(0.7, 0.5, 29)}).to_csv(folder / "log.csv", index=False)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert board.scorers()["run"].tolist() == ["chat/step2"]


def test_a_step_column_is_believed_before_the_name(tmp_path):
    write(tmp_path / "rm" / "scores-100.csv", step=7)
    with Board.open() as board:
        board.ingest(tmp_path)
        assert list(runs(board).values()) == [[7]]


def test_where_the_step_comes_from_is_said(tmp_path):
    write(tmp_path / "rm" / "checkpoint-100" / "scores.csv")
    with Board.open() as board:
        board.ingest(tmp_path)
        (notes,) = board.files()["notes"]
        assert "step 100 is read from the file's place" in " ".join(notes)
