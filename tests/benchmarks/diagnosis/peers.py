"""Other tools and this one on the same traces, each at its defaults, in one table; tools that are not installed are named."""

from __future__ import annotations

import importlib.util
import math
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import numpy as np

from analysis.board import Board
from analysis.diagnosis.canonical import canonical
from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.finding import Diagnosis
from analysis.diagnosis.signals import Signals
from tests.analysis.diagnosis.worlds import DEMO, LABELLED, demo, of_demo, truth
from tests.benchmarks.diagnosis.labelled import base, copy

TOOL = LABELLED.parent / "tools" / "peer_detectors.py"
SEEDS, FAULT = range(10), 200
"""The peers' own demo: ten draws, a fault after step 200."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alarms:
    """When a tool told its user something of a run: steps of its warnings and of its criticals, and its first cause."""

    warnings: tuple[float, ...]
    criticals: tuple[float, ...]
    cause: str = ""

    @property
    def every(self) -> tuple[float, ...]:
        """Both, in order."""
        return tuple(sorted((*self.warnings, *self.criticals)))


def main() -> None:
    """Print one table over the labelled policy runs and one over the demo's traces."""
    if not TOOL.is_file():
        print("other tools: no adapters beside this checkout")
        return
    tool = _adapters()
    logs, files = _signals(only_log=True), _signals(only_log=False)
    traces = {run: _rows(signals) for run, signals in logs.items()}
    demos = {(seed, blown): demo(seed, blown=blown) for seed in SEEDS for blown in (False, True)}
    as_rows = {key: _of_columns(trace) for key, trace in demos.items()}
    print(
        "real policy runs with known causes (metrics of the trainer's log; ours a second time with rollouts and arguments)"
    )
    print(
        f"{'tool':26}{'failures: critical':>19}{'any alarm':>11}{'before the fault':>18}{'delay':>7}"
        f"{'healthy: critical':>19}{'any alarm':>11}{'cause right':>13}"
    )
    for name in tool.PEERS:
        _table(name, {run: _peer(tool, name, rows) for run, rows in traces.items()})
    _table("rewardboard, same rows", {run: _ours(diagnose(_bare(signals))) for run, signals in logs.items()})
    _table("rewardboard, all files", {run: _ours(diagnose(signals)) for run, signals in files.items()})
    print(
        "before the fault: runs whose first alarm is earlier than the onset; delay: median steps of the first alarm that is"
    )
    print(
        "not, after the first visible step; cause right: first finding of warning or more (the others name no causes)"
    )
    print(f"\nthe peers' demo, {len(SEEDS)} draws: KL grows by 4 % a step after step {FAULT}")
    print(f"{'tool':26}{'healthy: any alarm':>19}{'blown: found':>14}{'first alarm':>13}{'first critical':>16}")
    for name in tool.PEERS:
        _demo(name, lambda key, n=name: _peer(tool, n, as_rows[key]))
    _demo("rewardboard", lambda key: _ours(diagnose(of_demo(demos[key]))))


def _adapters() -> ModuleType:
    spec = importlib.util.spec_from_file_location("peer_detectors", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def _table(name: str, said: Mapping[str, Alarms | str]) -> None:
    first = next(iter(said.values()))
    if isinstance(first, str):
        print(f"{name:26}{first}")
        return
    critical = found = early = false = alarms = right = failures = healthy = 0
    delays: list[float] = []
    for run, told in said.items():
        assert isinstance(told, Alarms)
        known = truth(run)
        if known["failure"] == "healthy":
            healthy += 1
            false += bool(told.criticals)
            alarms += bool(told.every)
            continue
        failures += 1
        onset, visible = known["onset_step"], known["first_visible_step"]
        assert isinstance(onset, (int, float))
        critical += bool(told.criticals)
        found += bool(told.every)
        early += bool(told.every) and told.every[0] < onset
        right += told.cause in {known["failure"], *known["also_acceptable"]}  # type: ignore[misc]
        after = [step for step in told.every if step >= onset]
        if after and isinstance(visible, (int, float)):
            delays.append(after[0] - visible)
    late = f"{median(delays):+g}" if delays else "-"
    cause = f"{right} of {failures}" if name.startswith("rewardboard") else "-"
    print(
        f"{name:26}{f'{critical} of {failures}':>19}{found:>11}{early:>18}{late:>7}"
        f"{f'{false} of {healthy}':>19}{alarms:>11}{cause:>13}"
    )


def _demo(name: str, said: Callable[[tuple[int, bool]], Alarms | str]) -> None:
    noisy, first, worst = 0, [], []
    for seed in SEEDS:
        calm, blown = said((seed, False)), said((seed, True))
        if isinstance(calm, str) or isinstance(blown, str):
            print(f"{name:26}{calm}")
            return
        noisy += bool(calm.every)
        first += [step - FAULT for step in blown.every if step > FAULT][:1]
        worst += [step - FAULT for step in blown.criticals if step > FAULT][:1]
    shown = [f"{median(steps):+g}" if steps else "-" for steps in (first, worst)]
    print(f"{name:26}{f'{noisy} of {len(SEEDS)}':>19}{len(first):>14}{shown[0]:>13}{shown[1]:>16}")


def _peer(tool: ModuleType, name: str, rows: list[Row]) -> Alarms | str:
    answer = tool.run_peer(name, rows, every=True)
    found = answer[0] if isinstance(answer, tuple) else answer
    if "skipped" in found[0]:
        return f"not installed here ({found[0]['skipped']})"
    steps: dict[str, list[float]] = {"warning": [], "critical": []}
    for alert in found:
        if alert.get("severity") in steps:
            steps[alert["severity"]].append(float(alert["step"]))
    return Alarms(tuple(sorted(steps["warning"])), tuple(sorted(steps["critical"])))


def _ours(said: Diagnosis) -> Alarms:
    events = [e for f in said.findings for e in f.events if e.change != "cleared"]
    warnings, criticals = (
        tuple(sorted(e.at for e in events if e.severity == severity)) for severity in ("warning", "critical")
    )
    serious = [f for f in said.findings if f.severity != "info"]
    return Alarms(warnings, criticals, base(serious[0].cause) if serious else "")


def _signals(*, only_log: bool) -> dict[str, Signals]:
    """The policy runs; from the trainer's log alone, or from all files that a tool may read."""
    known = {path.name for path in LABELLED.iterdir() if not path.name.startswith(("rm-", "stream-"))}
    with tempfile.TemporaryDirectory() as folder, Board.open() as board:
        for name in copy(Path(folder)):
            if name in known:
                board.ingest(Path(folder) / name / ("trainer_state.json" if only_log else ""))
        found = {Path(str(board.run(run)["path"])).name: board.signals(run) for run in board.runs()["run"]}
    return {name: signals for name, signals in sorted(found.items()) if name in known}


def _bare(signals: Signals) -> Signals:
    """What the other tools are given and no more: their metrics, without arguments."""
    series = {name: s for name, s in signals.series.items() if name in DEMO.values()}
    return canonical(
        Signals(signals.run, signals.kind, trainer=signals.trainer, framework=signals.framework, series=series)
    )


def _rows(signals: Signals) -> list[Row]:
    keys = {key: signals.get(metric) for key, metric in DEMO.items()}
    steps = np.unique(np.concatenate([s.steps for s in keys.values() if s is not None]))
    rows: dict[float, Row] = {float(step): {"step": int(step)} for step in steps}
    for key, series in keys.items():
        if series is not None:
            for step, value in zip(series.steps, series.values, strict=True):
                rows[float(step)][key] = float(value)
            for step in series.bad:
                rows.setdefault(float(step), {"step": int(step)})[key] = math.nan
    return [rows[step] for step in sorted(rows)]


def _of_columns(trace: dict[str, list[float]]) -> list[Row]:
    steps = range(len(trace["kl"]))
    return [{"step": step, **{key: column[step] for key, column in trace.items()}} for step in steps]
