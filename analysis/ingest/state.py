"""How a run stands: being written, stalled, crashed or ended, and what shows it.

- **writing**: a row came, or may still be on its way, by the pace that the run itself has shown.
- **crashed**: no row comes any more, and something in the logs shows why: the writer says so (a W&B state), the last
  record is cut off, or the run stopped before its last step in a row whose loss or gradient is NaN or infinite.
- **stalled**: no row comes any more, and nothing shows why. The process may hang, wait for a machine, or be dead.
- **ended**: the writer says so (the trainer's totals), its last step is reached, or it has been silent for a day. A run
  that merely stops before its last step has ended early; nothing shows a crash.

Nobody expects the next row of a file of scores, rollouts or traffic, nor of a log that was at rest when it was found and
whose rows carry no times (a copy of an old log looks like one that stopped just now): these are written or ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import pandas as pd

Word = Literal["writing", "stalled", "crashed", "ended"]

HELD_BACK = 120.0
"""Writers of event files hold rows back for up to so many seconds (`flush_secs` of torch, tensorboardX, TensorFlow)."""

PAUSES = 5.0
"""A log is silent for too long after so many of its own longest recurring pause (see `analysis/store/pace.py`), which
an evaluation or a checkpoint sets, not the median row. Replies and evaluations get longer as training goes on: in 47
real logs of TRL, open-instruct and others (112,979 gaps, the first tenth of each log left out) the worst healthy gap
was 3.7 times the pause known by then; five times the median gap would have called 600 of them stalled."""

UNKNOWN = 600.0
"""The silence allowed to a log without a known pace: no times in its rows, or fewer than `LEARNT` of them. A step of a
large policy with its rollouts takes some minutes (the slowest real log here: 234 s)."""

LEARNT = 10
"""Rows after which a log has shown its pace: the first ones come before any evaluation."""

GIVEN_UP = 86_400.0
"""After a day of silence nobody waits for the next row: what queues and nights hold up goes on within it."""

CLOCK = 1e9
"""Times of rows below 2001 are seconds since some start, not a clock."""


@dataclass(frozen=True, slots=True)
class State:
    """word : how the run stands; why : what shows it, a sentence

    until : unix time at which this changes if nothing is written, infinity if it doesn't
    """

    word: Word
    why: str
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the end of a run.

    touched : when its files last changed (unix s), None without files
    newest : the clock of its newest row, None if rows carry none
    grew : when it was last seen growing, None if it never was
    pauses : its longest pauses, longest first (s); rows : how many rows have shown them
    logs : whether a training log is among its files
    said, said_why, said_at : "finished" or "failed" as a writer says, in words, and when that file was written
    cut : where its last record is cut off, "" if it is whole
    reached, planned : steps done and planned, None if not told
    bad : metrics of the optimiser that are NaN or infinite in the last row
    """

    touched: float | None
    newest: float | None = None
    grew: float | None = None
    pauses: Sequence[float] = ()
    rows: float = 0
    logs: bool = True
    said: str = ""
    said_why: str = ""
    said_at: float = -math.inf
    cut: str = ""
    reached: float | None = None
    planned: float | None = None
    bad: Sequence[str] = ()

    @property
    def clock(self) -> float | None:
        """When the newest row was written, by itself."""
        return self.newest if self.newest is not None and self.newest > CLOCK else None

    @property
    def seen(self) -> float | None:
        """When the newest row was written: its own clock, unless the file was seen growing later. A file that was
        only copied here has a new date and old rows.
        """
        if self.touched is None:
            return None
        clock = self.touched if self.clock is None else self.clock
        return max(min(clock, self.touched), self.grew or -math.inf)

    @property
    def patience(self) -> float:
        """Seconds of silence that mean nothing yet."""
        if len(self.pauses) < 2 or self.rows < LEARNT:
            return UNKNOWN
        return HELD_BACK + PAUSES * self.pauses[1]


def state_of(facts: Facts, now: float) -> State:
    """How a run stands at `now` (unix s)."""
    seen = facts.seen
    if seen is None:
        return State("ended", "its files are not known any more")
    goes_on = seen > facts.said_at + HELD_BACK  # rows after the last word: training was resumed
    if facts.said == "finished" and not goes_on:
        return State("ended", facts.said_why + _steps(facts))
    if facts.said == "failed" and not goes_on:
        return State("crashed", facts.said_why + _steps(facts))
    if _complete(facts):
        return State("ended", f"reached its {facts.planned:,.0f} steps")
    if now - seen <= facts.patience:
        return State("writing", "", seen + facts.patience)
    if not facts.logs:
        return State("ended", "scores, rollouts or traffic, no training log")
    evidence = _evidence(facts)
    if evidence:
        return State("crashed", evidence)
    if facts.clock is None and facts.grew is None:
        return State("ended", "its rows carry no times, and it was not seen growing" + _steps(facts))
    if now - seen <= max(GIVEN_UP, facts.patience):
        return State("stalled", _silence(facts), seen + max(GIVEN_UP, facts.patience))
    if facts.planned is None:
        return State("ended", "no row for more than a day; how many steps were planned is not logged")
    return State("ended", "stopped early" + _steps(facts))


def _complete(facts: Facts) -> bool:
    return facts.planned is not None and facts.reached is not None and facts.reached >= facts.planned


def _evidence(facts: Facts) -> str:
    """What shows a crash, "" if nothing does."""
    if facts.cut:
        return f"{facts.cut}: the writer was killed, or this copy is not whole" + _steps(facts)
    if facts.bad and facts.planned is not None and not _complete(facts):
        names = ", ".join(facts.bad[:2]) + (" and others" if len(facts.bad) > 2 else "")
        return f"stopped early{_steps(facts)}, its last row without a finite {names}"
    return ""


def _steps(facts: Facts) -> str:
    if facts.reached is None or facts.planned is None:
        return ""
    return f" at step {facts.reached:,.0f} of {facts.planned:,.0f}"


def _silence(facts: Facts) -> str:
    if len(facts.pauses) < 2 or facts.rows < LEARNT:
        return "no row for more than 10 minutes" + _steps(facts)
    return f"silent for more than {PAUSES:.0f} of its usual pauses ({_duration(facts.pauses[1])})" + _steps(facts)


def _duration(seconds: float) -> str:
    for size, word in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {word}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


_USED = ("run", "last_seen", "last_time", "last_step", "n_points", "n_metrics")


def facts_of(
    table: pd.DataFrame,
    endings: Sequence[Mapping[str, Any]],
    not_finite: Callable[[list[str]], Mapping[str, Sequence[str]]],
) -> dict[str, Facts]:
    """The facts of each run of `listings.runs`.

    Parameters
    ----------
    endings : of `listings.endings`; a run that a file names inside shares those of the file's run
    not_finite : asked for the runs that stopped before their last step (`listings.not_finite_at_the_end`)
    """
    told = {row["run"]: row for row in endings}
    rows = [dict(zip(_USED, row, strict=True)) for row in zip(*(table[name].tolist() for name in _USED), strict=True)]
    facts = {row["run"]: _facts(row, _owner(row["run"], told)) for row in rows}
    early = [run for run, known in facts.items() if known.planned is not None and not _complete(known)]
    bad = not_finite(early) if early else {}
    return facts | {run: replace(facts[run], bad=tuple(names)) for run, names in bad.items()}


def standings(runs: Iterable[str], facts: Mapping[str, Facts], now: float) -> dict[str, list[Any]]:
    """Columns `state`, `state_why`, `state_until` and `last_seen` for these runs."""
    known = [facts[run] for run in runs]
    states = [state_of(one, now) for one in known]
    return {
        "state": [state.word for state in states],
        "state_why": [state.why for state in states],
        "state_until": [state.until for state in states],
        "last_seen": [math.nan if one.seen is None else one.seen for one in known],
    }


def _owner(run: str, told: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What is told of the run whose files hold this one: itself, or the nearest one that it is a part of."""
    words = run.split("/")
    return next((told[name] for n in range(len(words), 0, -1) if (name := "/".join(words[:n])) in told), None)


def _facts(row: Mapping[str, Any], files: Mapping[str, Any] | None) -> Facts:
    touched, own = _known(row["last_seen"]), _known(row["last_time"])
    rows = row["n_points"] / max(row["n_metrics"], 1)
    if files is None:
        return Facts(touched, newest=own, rows=rows, logs=row["n_metrics"] > 0)
    planned, reached, last = _known(files["planned"]), _known(files["reached"]), _known(row["last_step"])
    if planned is not None and last is not None and (reached or 0) < last <= planned:
        reached = last  # the log is ahead of the checkpoint that told the plan
    shared = files["run"] != row["run"]
    return Facts(
        touched=touched,
        newest=own if shared and own is not None else _known(files["newest"]),
        grew=None if shared else _known(files["grew"]),
        pauses=tuple(files["pauses"] or ()),
        rows=rows,
        logs=bool(files["logs"]),
        said=files["said"] or "",
        said_why=files["said_why"] or "",
        said_at=-math.inf if files["said_at"] is None else files["said_at"],
        cut="" if shared else files["cut"] or "",
        reached=reached,
        planned=planned,
    )


def _known(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
