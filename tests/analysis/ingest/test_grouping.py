"""Which files are one run: from paths and names, and from the numbers where these leave it open.

An expert would try: the event files of two restarts, a sweep in one folder, a run that was logged three times,
two seeds with one schedule, a copy with one faulty column, `runs/` as a container and as a log child, a root
that is itself a log child, ranks of one run.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.ingest.grouping import Item, cluster, home, kind_of_name, own_name, run_name

ROOT = Path("/data/experiments")


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("ppo-1/trainer_state.json", "ppo-1"),
        ("ppo-1/checkpoint-500/trainer_state.json", "ppo-1"),
        ("ppo-1/tb/events.out.tfevents.1.host", "ppo-1"),
        ("ppo-1/runs/Nov24_12-00-00_host/events.out.tfevents.1.host", "ppo-1"),
        ("ppo-1/wandb/offline-run-20261123_113133-ewpye4zz/files/config.yaml", "ppo-1"),
        ("runs/ppo-1/events.out.tfevents.1.host", "runs/ppo-1"),
        ("a/b/c/metrics.jsonl", "a/b/c"),
        ("metrics.jsonl", ""),
        ("tb/events.out.tfevents.1.host", ""),
    ],
)
def test_log_children_fold_into_their_run(path, folder):
    assert home(ROOT / path, ROOT) == ROOT / folder


def test_a_root_that_is_a_log_child_is_named_after_its_parent(tmp_path):
    root = tmp_path / "my-run" / "tb"
    root.mkdir(parents=True)
    assert run_name(root, root) == "my-run"


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("trainer_state.json", ""),
        ("metrics.jsonl", ""),
        ("train_metrics.jsonl", ""),
        ("log_history.json", ""),
        ("metrics_rank_0.jsonl", ""),
        ("events.out.tfevents.1795436820.host.18200.0", ""),
        ("seed1_metrics.csv", "seed1"),
        ("run-7yj6c945.history.csv", "run-7yj6c945"),
        ("lr3e-5.tfevents.17", "lr3e-5."),
    ],
)
def test_the_part_of_a_name_that_is_its_own(name, own):
    assert own_name(Path(name)).strip(".") == own.strip(".")


def test_files_of_one_series_have_one_kind_of_name():
    kinds = {kind_of_name(Path(n)) for n in ("rho1.00_seed42.step_logs.json", "rho0.70_seed44.step_logs.json")}
    assert kinds == {"step_logs.json"}


def noise(seed: int) -> dict[str, dict[float, float]]:
    rng = np.random.default_rng(seed)
    steps = [float(s) for s in range(20)]
    schedule = {"learning_rate": {s: 1e-5 * (1 - s / 20) for s in steps}, "epoch": {s: s / 10 for s in steps}}
    return schedule | {name: {s: float(rng.normal()) for s in steps} for name in ("loss", "reward", "kl")}


def clustered(logs: dict[str, tuple[str, dict]]) -> set[frozenset[str]]:
    items = {name: Item((ROOT / name,), source, 10 * rank) for rank, (name, (source, _)) in enumerate(logs.items())}
    groups = cluster(list(items.values()), lambda item: logs[item.name][1])
    return {frozenset(i.name for i in group) for group in groups}


def test_one_run_logged_three_times_is_one_run():
    one = noise(0)
    logs = {
        "trainer_state.json": ("trainer_state", one),
        "events.out.tfevents.1": ("tensorboard", one),
        "metrics.csv": ("table", one),
    }
    assert clustered(logs) == {frozenset(logs)}


def test_a_copy_with_one_faulty_column_is_still_a_copy():
    faulty = noise(0) | {"kl": dict.fromkeys(map(float, range(20)), 9.0)}
    logs = {"trainer_state.json": ("trainer_state", noise(0)), "metrics.csv": ("table", faulty)}
    assert clustered(logs) == {frozenset(logs)}


def test_two_seeds_with_one_schedule_are_two_runs():
    logs = {"trainer_state.json": ("trainer_state", noise(0)), "metrics.csv": ("table", noise(1))}
    assert len(clustered(logs)) == 2


def test_a_sweep_in_one_folder_is_told_apart_by_name():
    logs = {f"seed{i}.log_history.json": ("trainer_state", noise(i)) for i in range(5)}
    assert len(clustered(logs)) == 5


def test_an_export_joins_the_run_it_agrees_with():
    logs = {
        "a.history.json": ("trainer_state", noise(1)),
        "b.history.json": ("trainer_state", noise(2)),
        "b.csv": ("table", noise(2)),
    }
    assert clustered(logs) == {frozenset({"a.history.json"}), frozenset({"b.history.json", "b.csv"})}


def test_a_log_with_other_metrics_belongs_to_the_run_of_the_folder():
    logs = {
        "trainer_state.json": ("trainer_state", noise(0)),
        "gold.csv": ("table", {"gold_mean": {0.0: 1.0, 5.0: 2.0}}),
    }
    assert len(clustered(logs)) == 1
