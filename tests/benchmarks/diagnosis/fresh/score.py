"""The rules of the labelled runs on freshly trained ones: what ranks first among warnings and criticals."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.diagnosis.labelled import base, diagnosed


def main(folder: Path) -> None:
    """One line a run, then the counts."""
    said = {run["run"].rpartition("/")[2]: run for run in diagnosed(folder / "runs")}
    right = failures = healthy = critical = warned = 0
    for path in sorted((folder / "truth").glob("*.json")):
        known, name = json.loads(path.read_text()), path.stem
        if name not in said:
            print(f"{name:6}{known['truth']:28}NOT A RUN")
            failures += known["truth"] != "healthy"
            continue
        serious = [f for f in said[name]["findings"] if f["severity"] != "info"]
        top = f"{serious[0]['cause']} ({serious[0]['severity']}, {serious[0]['confidence']:.2f})" if serious else "-"
        if known["truth"] == "healthy":
            healthy += 1
            critical += any(f["severity"] == "critical" for f in serious)
            warned += bool(serious)
            mark = "  " if not serious else "FA"
        else:
            failures += 1
            hit = bool(serious) and base(serious[0]["cause"]) in {known["truth"], *known["also"]}
            right += hit
            mark = "  " if hit else "XX"
        gold = known["measured"].get("gold_harm") or known["measured"].get("gold_accuracy")
        others = ", ".join(f"{f['cause']}/{f['severity'][0]}" for f in said[name]["findings"][1:4])
        print(f"{mark} {name:6}{known['truth']:28}{top:58}{gold!s:18}{others}")
    print(f"\ncause right at rank 1: {right} of {failures}; healthy {healthy}: critical {critical}, warned {warned}")
