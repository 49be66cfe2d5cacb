"""Runs with known causes: only what a tool may read is copied into an empty folder, and the command runs there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import mean, median
from typing import Any

from tests.analysis.diagnosis.worlds import INPUTS, LABELLED, truth


def main() -> None:
    """Print cause by cause what was said first, and the summary lines."""
    if not LABELLED.is_dir():
        print("labelled runs: not beside this checkout")
        return
    with tempfile.TemporaryDirectory() as folder:
        copied = copy(Path(folder))
        said = {run["run"].rpartition("/")[2]: run for run in diagnosed(Path(folder))}
    table(copied, said)


def copy(folder: Path) -> list[str]:
    """Copy the files of all trained runs that are marked as input; returns the names of the runs."""
    names = sorted(p.name for p in LABELLED.iterdir() if p.is_dir() and not p.name.startswith("stream"))
    shutil.copy(LABELLED / "pairs.csv", folder)
    for name in names:
        (folder / name).mkdir()
        for file in INPUTS:
            source = LABELLED / name / file
            if source.is_dir():
                shutil.copytree(source, folder / name / file)
            elif source.exists():
                shutil.copy(source, folder / name / file)
    return names


def diagnosed(folder: Path) -> list[dict[str, Any]]:
    """What `rewardboard diagnose FOLDER --json` says."""
    command = [sys.executable, "-m", "analysis.cli", "diagnose", str(folder), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout)["runs"])


def base(cause: str) -> str:
    """A cause without what is after the dot."""
    return cause.partition(".")[0]


def table(names: list[str], said: dict[str, dict[str, Any]]) -> None:
    """One line a run, then the counts."""
    first = third = failures = critical = warnings = healthy = 0
    delays, confusion, sure = [], Counter(), []
    print(f"{'run':12}{'truth':24}{'said first':40}{'conf.':>6}{'visible':>9}{'seen':>7}{'delay':>7}")
    for name in names:
        known = truth(name)
        serious = [f for f in said[name]["findings"] if f["severity"] != "info"]
        accepted = {known["failure"], *known["also_acceptable"]}
        top = serious[0] if serious else None
        told = base(top["cause"]) if top else "healthy"
        confusion[known["failure"], told] += 1
        seen = top["detected"]["value"] if top and top["detected"] else None
        visible, delay = known["first_visible_step"], None
        if known["failure"] == "healthy":
            healthy += 1
            critical += any(f["severity"] == "critical" for f in serious)
            warnings += len(serious)
        else:
            failures += 1
            right = told in accepted
            first += right
            third += any(base(f["cause"]) in accepted for f in serious[:3])
            sure += [(top["confidence"], right)] if top else []
            if right and visible is not None and seen is not None:
                # the first finding whose cause is right counts, as a person would have read it
                delay = min(f["detected"]["value"] for f in serious if base(f["cause"]) in accepted) - visible
                delays.append(delay)
        shown = f"{top['cause']} ({top['severity']})" if top else "-"
        print(
            f"{name:12}{known['failure']:24}{shown:40}{top['confidence'] if top else 0:6.2f}"
            f"{'-' if visible is None else visible:>9}{'-' if seen is None else f'{seen:g}':>7}{'-' if delay is None else f'{delay:+g}':>7}"
        )
    print(f"\ncause right at rank 1: {first} of {failures}; among the first three: {third} of {failures}")
    if delays:
        print(
            f"delay after the first visible step: median {median(delays):g}, longest {max(delays):g} steps ({len(delays)} runs)"
        )
    print(f"healthy runs: {healthy}, with a critical alarm {critical}, warnings in all {warnings}")
    if sure:
        brier = mean((p - right) ** 2 for p, right in sure)
        print(
            f"confidence of the first cause: mean {mean(p for p, _ in sure):.2f}, right {mean(r for _, r in sure):.2f}, Brier {brier:.3f}"
        )
    print("confusions:", ", ".join(f"{t} as {s} {n}" for (t, s), n in confusion.items() if t != s) or "none")
