"""Other tools on the same traces, at their defaults, as far as they are installed here."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from analysis.board import Board
from analysis.diagnosis.signals import Signals
from tests.analysis.diagnosis.worlds import DEMO, LABELLED, truth

TOOL = LABELLED.parent / "tools" / "peer_detectors.py"


def main() -> None:
    """Print how many failures each tool raises a critical alarm on, how many after they are visible, and how many healthy runs."""
    if not TOOL.is_file():
        print("other tools: no adapters beside this checkout")
        return
    spec = importlib.util.spec_from_file_location("peer_detectors", TOOL)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    traces = _traces()
    print(f"{'tool':18}{'failures: critical':>20}{'not too early':>15}{'healthy: critical':>19}{'any alarm':>11}")
    for name in tool.PEERS:
        hit = early = false = alarms = failures = healthy = 0
        skipped = ""
        for run, rows in traces.items():
            answer = tool.run_peer(name, rows, every=True)
            found = answer[0] if isinstance(answer, tuple) else answer
            if "skipped" in found[0]:
                skipped = found[0]["skipped"]
                break
            steps = [a["step"] for a in found if a.get("severity") == "critical"]
            known = truth(run)
            if known["failure"] == "healthy":
                healthy += 1
                false += bool(steps)
                alarms += any(a.get("severity") in ("critical", "warning") for a in found)
            else:
                failures += 1
                hit += bool(steps)
                visible = known["first_visible_step"]
                early += bool(steps) and (visible is None or min(steps) >= visible)
        if skipped:
            print(f"{name:18}not installed here ({skipped})")
        else:
            print(f"{name:18}{f'{hit} of {failures}':>20}{early:>15}{f'{false} of {healthy}':>19}{alarms:>11}")
    print("None of them names a cause among several; an alarm before anything is visible is a false one.")


def _traces() -> dict[str, list[dict[str, Any]]]:
    """The policy runs as rows in the peers' keys."""
    traces = {}
    with Board.open() as board:
        for path in sorted(LABELLED.iterdir()):
            state = path / "trainer_state.json"
            if not path.name.startswith("rm-") and state.exists():
                board.ingest(state)
        for run in board.runs()["run"]:
            traces[Path(str(board.run(run)["path"])).name] = _rows(board.signals(run))
    known = {p.name for p in LABELLED.iterdir()}
    return {name: rows for name, rows in traces.items() if name in known}


def _rows(signals: Signals) -> list[dict[str, Any]]:
    keys = {key: signals.get(metric) for key, metric in DEMO.items()}
    steps = np.unique(np.concatenate([s.steps for s in keys.values() if s is not None]))
    rows: dict[float, dict[str, Any]] = {float(step): {"step": int(step)} for step in steps}
    for key, series in keys.items():
        if series is not None:
            for step, value in zip(series.steps, series.values, strict=True):
                rows[float(step)][key] = float(value)
            for step in series.bad:
                rows.setdefault(float(step), {"step": int(step)})[key] = float("nan")
    return [rows[step] for step in sorted(rows)]
