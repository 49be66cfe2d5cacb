"""Questions about what is wrong with runs."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb

from analysis.sources.crash import EXCEPTION
from analysis.store import findings, readings, scores

if TYPE_CHECKING:
    import pandas as pd

    from analysis.diagnosis.examined import Examined
    from analysis.diagnosis.finding import Diagnosis
    from analysis.diagnosis.signals import Judge, Series, Signals
    from analysis.ranking.categories import CategoryDifference
    from analysis.ranking.contest import Contest
    from analysis.ranking.evaluate import Evaluation
    from analysis.ranking.features import Features
    from analysis.ranking.scored import ScoredPairs
    from analysis.store.writer import Writer

RIVALS = 5
"""Other scorers that a weak category is held against: each one more makes every difference harder to establish."""


T = TypeVar("T")

DIAGNOSED = ("policy", "reward_model")
"""Kinds of runs that have detectors."""

COHORT = 16
"""Past good runs that a run is held against: more would narrow the interval of a further one by less than 3 %."""

GROWN = 1 / 32
"""A run that is being written is diagnosed anew when it has grown by so much: looks are that far apart."""


class Diagnoses:
    """The part of a board that knows what is wrong."""

    _con: duckdb.DuckDBPyConnection
    _lock: AbstractContextManager[Any]
    _writer: Writer
    _cohort_curves: dict[str, Mapping[str, tuple[str, Mapping[str, Series]]]]

    if TYPE_CHECKING:

        def _guarded(self, work: Callable[[], T]) -> T: ...

        def run(self, run: str) -> dict[str, Any]: ...

        def runs(self, *, archived: bool = False) -> pd.DataFrame: ...

        def scorers(self) -> pd.DataFrame: ...

        def version(self, runs: Sequence[str] | None = None) -> str: ...

        def evaluate(self, run: str, *, dataset: str | None = None) -> Evaluation: ...

        def looked_into(self, run: str, *, dataset: str | None = None) -> tuple[ScoredPairs, Features | None]: ...

        def compare(self, runs: Sequence[str], *, dataset: str | None = None, data: str | None = None) -> Contest: ...

    def signals(self, run: str) -> Signals:
        """All that a diagnosis of a run reads. Raises InputError if there is no such run."""
        mine = self._own_signals(run)
        good = self._curves_of(mine.kind)
        cohort = tuple(curves for other, (_, curves) in good.items() if other != run)
        return replace(mine, cohort=cohort, judge=self._judge(mine.links))

    def _cohort(self, kind: str) -> list[str]:
        """The newest runs of a kind that the user calls good, by their tag."""
        from analysis.diagnosis.detectors.unlike_cohort import TAG

        table = self.runs()
        good = [
            (-float(seen), str(run))
            for run, its, tags, seen in zip(table["run"], table["kind"], table["tags"], table["last_seen"], strict=True)
            if its == kind and TAG in tags
        ]
        return [run for _, run in sorted(good)[:COHORT]]

    def _curves_of(self, kind: str) -> Mapping[str, tuple[str, Mapping[str, Series]]]:
        """Version and curves of each good run of a kind, read once for each state of its data."""
        held = self._cohort_curves.get(kind, {})
        now: dict[str, tuple[str, Mapping[str, Series]]] = {}
        for run in self._cohort(kind):
            version = self.version([run])
            known = held.get(run)
            now[run] = known if known and known[0] == version else (version, self._own_signals(run).series)
        self._cohort_curves[kind] = now
        return now

    def _judge(self, links: Mapping[str, str]) -> Judge | None:
        """How the linked reward model ranks held-out pairs, if it is here and has any."""
        from analysis.diagnosis.signals import Judge

        name = links.get("reward_model")
        if not name:
            return None
        table = self.runs(archived=True)
        here = table[(table["run"] == name) | (table["name"] == name)]
        here = here[here["n_pairs"] > 0]
        if not len(here):
            return None
        accuracy = self.evaluate(str(here["run"].iloc[0])).accuracy
        return Judge(name, accuracy.accuracy, accuracy.low, accuracy.high, accuracy.n)

    def _own_signals(self, run: str) -> Signals:
        """Signals of a run without what other runs say of it."""
        from analysis.diagnosis.canonical import canonical
        from analysis.diagnosis.signals import WHOLE, Series, Signals
        from analysis.vocabulary.settings import settings

        said = self.run(run)
        con = self._con.cursor()
        rows, bad = readings.curves(con, run, WHOLE)
        series = {}
        wrong = {key: part["step"].to_numpy(float) for key, part in bad.groupby(["metric", "split"])}
        for (metric, split), part in rows.groupby(["metric", "split"], sort=False):
            first, kept = part.iloc[0], part[part["value"].notna()]
            name = metric if split == "train" else f"{split}/{metric}"
            values = kept["value"].to_numpy(float)
            if first["sign"] < 0:  # the complement of a share, or the negative of a number
                values = 1 - values if first["unit"] == "fraction" else -values
            series[name] = Series(
                name, kept["step"].to_numpy(float), values, _text(first["unit"]),
                _text(first["estimator"]), _text(first["tag"]), float(first["scale"] or 1.0),
                **({"bad": wrong[metric, split]} if (metric, split) in wrong else {}),
            )  # fmt: skip
        rollouts = readings.rollouts(con, run)
        pairs = scores.pairs(con, run, None)
        labelled = pairs[pairs["label_source"] != "unlabelled"] if len(pairs) else pairs
        return canonical(
            Signals(
                run, _text(said["kind"]), _text(said["framework"]), _text(said["trainer"]), _text(said["path"]), series,
                rollouts if len(rollouts) else None, labelled if len(labelled) else None,
                self._examined(run, labelled), settings(said["config"]), said["links"], self._exception(run, said["config"]),
            )
        )  # fmt: skip

    def _exception(self, run: str, config: Mapping[str, Any]) -> str:
        """What the trainer died of; "" where it went on since."""
        told = _text(config.get(EXCEPTION))
        if not told:
            return ""
        states = self.runs(archived=True).set_index("run")["state"]
        return told if states.get(run) == "crashed" else ""

    def _examined(self, run: str, pairs: pd.DataFrame) -> Examined | None:
        """What the pairs of a run say; of several data sets the largest."""
        if not len(pairs):
            return None
        from analysis.diagnosis.examined import Examined  # here, as a board opens without scipy

        sets = pairs["dataset"].value_counts()
        dataset = None if len(sets) < 2 else str(sets.index[0])
        return Examined(
            self.evaluate(run, dataset=dataset),
            lambda: self.looked_into(run, dataset=dataset),
            lambda: self._beside(run, str(sets.index[0])),
        )

    def _beside(self, run: str, dataset: str) -> tuple[CategoryDifference, ...]:
        """A scorer less each of a few others on the same pairs, by category."""
        table = self.scorers()
        there = table[(table["data"] == "pairs") & (table["dataset"] == dataset) & (table["n_unlabelled"] < table["n"])]
        others = [other for other in there.sort_values(["n", "run"], ascending=[False, True])["run"] if other != run]
        if not others:
            return ()
        contest = self.compare([run, *others[:RIVALS]], dataset=dataset, data="pairs")
        mine = next(name for name, other in contest.runs.items() if other == run)
        return contest.categories(mine)

    def diagnose(self, run: str) -> Diagnosis:
        """What is wrong with a run, since when, why, how sure; see `analysis.diagnosis`.

        Raises
        ------
        InputError
            If there is no such run.
        """
        from analysis.diagnosis.engine import diagnose

        return diagnose(self.signals(run))

    def diagnosed(self, runs: Sequence[str]) -> list[dict[str, Any]]:
        """Diagnoses of several runs, as `rewardboard diagnose --json` prints them."""
        return [self.diagnose(run).document() for run in runs]

    # -- kept diagnoses: what pages read

    def due(self) -> list[tuple[str, int]]:
        """Runs to diagnose with their number of rows, those that were written to last first.

        Due is a run without a kept diagnosis, one that has grown since (see `GROWN`), and one diagnosed by other code.
        """
        table = self.runs()
        table = table[table["kind"].isin(DIAGNOSED)].sort_values("last_seen", ascending=False, kind="stable")
        held = findings.read_rows(self._con.cursor())
        code = {kind: self._made_by(kind) for kind in DIAGNOSED}
        due = []
        for run, kind, state, rows in zip(table["run"], table["kind"], table["state"], _rows(table), strict=True):
            read, by = held.get(run, (0, ""))
            grown = rows != read and (rows < read or rows >= read * (1 + GROWN) or state != "writing")
            if by != code[kind] or grown:
                due.append((run, rows))
        return due

    def keep_diagnosis(self, diagnosis: Diagnosis, rows: int) -> None:
        """Keep a diagnosis of the first `rows` rows of a run; the one before joins the history."""
        with self._lock:
            document = diagnosis.document()
            self._guarded(
                lambda: findings.keep(
                    self._con.cursor(), document, rows=rows, code=self._made_by(diagnosis.kind), now=time.time()
                )
            )
            self._writer.touch(diagnosis.run)

    def _made_by(self, kind: str) -> str:
        """What makes a diagnosis of this kind: the code, and the runs that others are held against."""
        return f"{made_by()} {zlib.crc32(' '.join(self._cohort(kind)).encode()):08x}"

    def diagnoses(self, runs: Sequence[str]) -> dict[str, Diagnosis]:
        """The kept diagnosis of each of these runs that has one."""
        from analysis.diagnosis.finding import Diagnosis

        return {run: Diagnosis.of(said) for run, said in findings.kept(self._con.cursor(), runs).items()}

    def finding_history(self, run: str) -> pd.DataFrame:
        """Every finding that a run ever had: cause, severity, summary, first_seen, cleared (unix s, NaN: it holds)."""
        return findings.history(self._con.cursor(), run)


@cache
def made_by() -> str:
    """What makes a diagnosis: the program's version and the detectors and causes that are there."""
    from analysis import __version__, registry

    names = sorted((*registry.leaves("detector"), *registry.leaves("cause")))
    return f"{__version__} {zlib.crc32(' '.join(names).encode()):08x}"


def _rows(table: pd.DataFrame) -> list[int]:
    counts = table[["n_points", "n_pairs", "n_ranked", "n_rollouts"]]
    return [int(rows) for rows in counts.sum(axis=1)]


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
