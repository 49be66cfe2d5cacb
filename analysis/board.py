"""Board: open a store, read logs into it, ask it. The one façade of server, command line, dashboard and notebooks.

from analysis import Board

with Board.open() as board:
    board.ingest("runs/")
    print(board.runs()[["run", "kind", "last_step"]])
    curve = board.series("ppo-1", "kl.to_reference")
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import duckdb
import numpy as np
import pandas as pd

from analysis import comparison, vocabulary
from analysis.distribution import Distribution
from analysis.drift.quantiles import by_place
from analysis.ingest.ingestor import Ingestor, Progress, Report
from analysis.ingest.meaning import give_meaning
from analysis.ingest.state import Facts, facts_of, standings
from analysis.policy.smoothing import smoothed
from analysis.questions.answers import Answers
from analysis.questions.diagnosis import Diagnoses
from analysis.questions.rankings import Rankings
from analysis.records import InputError, RunInfo
from analysis.rows import Ask, Name
from analysis.store import cohort, distributions, listings, places, schema, scores, sparklines, sqlbox, streams, traces
from analysis.store.compact import compact
from analysis.store.connect import connect
from analysis.store.distributions import BINS, STEPS, Source
from analysis.store.kept import Kept
from analysis.store.writer import Writer
from analysis.table import Table, texts_in

T = TypeVar("T")


class Board(Rankings, Diagnoses):
    """A store of runs and what can be asked of it. Open it with `Board.open`; safe to use from several threads."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path | None) -> None:
        self._con = connection
        self.path = path
        self._lock = threading.RLock()
        schema.prepare(connection)
        self._writer = Writer(connection, give_meaning)
        self._ingestor = Ingestor(self._writer)
        self._listed: dict[bool, tuple[tuple[int, int], Any, dict[str, Facts]]] = {}
        self._epoch = f"{time.time_ns():x}"
        self._kept = Kept()
        self._cohort_curves = {}
        self._answers = Answers()
        self._scored = {}

    @classmethod
    def open(cls, db: str | Path | None = None) -> Self:
        """Open the store in the file `db`, made if it does not exist; without one, a throw-away store in memory.

        Raises
        ------
        StoreHeldError
            If another process owns the file.
        StoreError
            If the file is no Rewardboard store, or can't be opened.
        """
        path = None if db is None else Path(db)
        return cls(connect(path), path)

    def close(self) -> None:
        """Finish writing and let go of the file; nothing happens if it is closed already."""
        with self._lock, suppress(duckdb.ConnectionException):
            self._con.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def version(self, runs: Sequence[str] | None = None) -> str:
        """A text that changes when the data of these runs change (without `runs`: any data)."""
        versions = self.changes()
        chosen = list(versions.values()) if runs is None else [versions.get(run, 0) for run in runs]
        return f"{self._epoch}-{sum(chosen)}-{len(versions) if runs is None else ''}"

    def changes(self) -> dict[str, int]:
        """How often the data of each run changed since this board was opened."""
        return dict(self._writer.versions)

    # -- reading logs

    def ingest(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        loss: str | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """Read every log, score file and stream below `paths`; what was read before is not read again.

        Parameters
        ----------
        loss : name of the ranking loss, for reward models whose logs don't say it
        progress : called after every chunk

        Raises
        ------
        InputError
            If a path does not exist. Files that can't be read are listed in the report.
        """
        chosen = _absolute(paths)
        self.watch(chosen, loss=loss)
        with self._lock:
            report = self._guarded(lambda: self._ingestor.ingest(progress, chosen))
            self.tidy(report.changed)
        return report

    def watch(self, paths: str | Path | Sequence[str | Path], *, loss: str | None = None) -> None:
        """Remember what `poll` looks at. Raises InputError if a path does not exist."""
        with self._lock:
            self._ingestor.loss = loss or self._ingestor.loss
            self._ingestor.watch(_absolute(paths))

    def poll(self) -> set[str]:
        """Read what was added to watched files since the last call; returns the runs that changed."""
        with self._lock:
            return self._guarded(self._ingestor.poll)

    def tidy(self, runs: Sequence[str] | frozenset[str] | set[str]) -> None:
        """Merge rollups that came in small parts, and compare logs that tell the same metric."""
        with self._lock:
            compact(self._con)
            if runs:
                listings.compare_logs(self._con, sorted(runs))

    def _guarded(self, work: Callable[[], T]) -> T:
        """After a failed transaction the writer's memory is ahead of the store: start it anew from the store."""
        try:
            return work()
        except BaseException:
            roots, loss = self._ingestor._roots, self._ingestor.loss
            with suppress(duckdb.Error):
                self._writer = Writer(self._con, give_meaning)
                self._ingestor = Ingestor(self._writer, loss)
                self._ingestor._roots = roots
            raise

    # -- runs

    def runs(self, *, archived: bool = False) -> pd.DataFrame:
        """One row a run: names, kind, framework, loss, extent of its data, and how it stands.

        `state` is writing, stalled, crashed or ended, `state_why` says what shows it, `state_until` when it changes by
        itself (unix s, infinity: never); `last_seen` is when its newest row was written. See `analysis.ingest.state`.
        """
        at, table, facts = self._listed.get(archived, ((-1, -1), None, {}))
        now = (self._writer.commits, self._writer.notes)
        if at != now:  # every page asks for this list, most of them several times
            con = self._con.cursor()
            if at[0] != now[0]:
                table = listings.runs(con, self._writer.catalogue, archived=archived)
                facts = facts_of(table, listings.endings(con), lambda runs: listings.not_finite_at_the_end(con, runs))
            table = table.assign(**listings.said(con, table["run"].tolist()))
            self._listed[archived] = now, table, facts
        return table.assign(**standings(table["run"].tolist(), facts, time.time()))

    def run(self, run: str) -> dict[str, Any]:
        """All that is known of a run, its configuration, links and files. Raises InputError if there is none."""
        found = listings.run(self._con.cursor(), run)
        if found is None:
            raise InputError("no such run", where=run, mend="`rewardboard runs` lists them")
        return found

    def edit(
        self,
        run: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        note: str | None = None,
        loss: str | None = None,
        archived: bool | None = None,
    ) -> None:
        """Set what a person says about a run; logs no longer change it. Raises InputError if there is none."""
        with self._lock:
            self.run(run)
            old = self._writer.runs[run]
            changes: dict[str, Any] = {
                "name": name,
                "tags": None if tags is None else tuple(tags),
                "note": note,
                "loss": loss,
                "archived": archived,
            }
            said = {key: value for key, value in changes.items() if value is not None}
            self._writer.put_run(replace(old, **said, user_set=tuple(dict.fromkeys((*old.user_set, *said)))))
            self._guarded(self._writer.commit)

    def delete(self, run: str) -> None:
        """Forget a run and all of its rows. Its files stay; a later ingest of them brings it back."""
        with self._lock:
            self.run(run)
            self._guarded(lambda: self._writer.delete(run))

    # -- curves

    def metrics(self, runs: Sequence[str], *, only: Sequence[str] | None = None) -> pd.DataFrame:
        """One row for every metric of these runs (or `only` some), with what the vocabulary says of it."""
        table = listings.metrics(self._con.cursor(), self._writer.catalogue.of(runs, only))
        concepts = vocabulary.load().concepts
        known = [concepts.get(c) if isinstance(c, str) else None for c in table["concept"].tolist()]
        labels = [
            vocabulary.label(c.label if c else None, metric, component)
            for c, metric, component in zip(known, table["metric"].tolist(), table["component"].tolist(), strict=True)
        ]
        return table.assign(
            label=np.array(labels, object), direction=np.array([c.direction if c else "none" for c in known], object)
        )

    def traces(
        self,
        runs: Sequence[str],
        metrics: Sequence[str],
        *,
        x: traces.Axis = "step",
        window: tuple[float, float] | None = None,
        buckets: int = 1200,
    ) -> pd.DataFrame:
        """Curves in at most `buckets` buckets with their extremes; see `analysis.store.traces.traces`."""
        con, catalogue = self._con.cursor(), self._writer.catalogue
        return traces.traces(con, catalogue, runs, metrics, x=x, window=window, buckets=buckets)

    def smooth(self, trace: pd.DataFrame, span: int) -> pd.DataFrame:
        """`trace` with a column `smooth`: the trailing mean of each curve over `span` points."""
        return smoothed(trace, span)

    def series(self, run: str, metric: str, *, split: str | None = None) -> pd.DataFrame:
        """All points of a metric, the last attempt of each step: split, attempt, step, wall_time, value."""
        return traces.series(self._con.cursor(), run, metric, split)

    def cohort(
        self,
        groups: Mapping[str, str],
        metrics: Sequence[str],
        *,
        window: tuple[float, float] | None = None,
        buckets: int = 120,
    ) -> pd.DataFrame:
        """How groups of runs (run -> group) are spread along the steps; see `analysis.store.cohort.cohort`."""
        return cohort.cohort(self._con.cursor(), groups, metrics, window=window, buckets=buckets)

    def sparklines(self, runs: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
        """A few dozen points of each curve: run, metric, x, mean, low, high, nonfinite."""
        return sparklines.sparklines(self._con.cursor(), self._writer.catalogue, runs, metrics)

    # -- reward models

    def pairs(
        self, run: str, *, dataset: str | None = None, category: str | None = None, limit: int = 200, offset: int = 0
    ) -> pd.DataFrame:
        """Pairs of a scorer's last checkpoint, the most wrong first."""
        table = self.table("pairs", [run], dataset=dataset)
        ask = Ask(sort="margin", categories=() if category is None else (category,))
        columns = [column.name for column in table.facts().columns]
        return pd.DataFrame(
            table.page(ask, columns, offset=offset, limit=limit).rows, columns=["file", "row", *columns]
        )

    def pair_text(self, run: str, pair_id: str) -> dict[str, Any] | None:
        """Texts of a pair, read from the user's own file; None if no text file knows the id."""
        place = places.of_pair(self._con.cursor(), run, pair_id)
        return None if place is None else texts_in(*place)

    def table(self, name: Name, runs: Sequence[str], *, dataset: str | None = None) -> Table:
        """The rollouts of some runs, or the pairs of one scorer, to look through row by row; see `Table`."""
        return Table(self._con.cursor, self._kept, self.version(runs), name, tuple(runs), dataset)

    def compared_policies(self, runs: Sequence[str]) -> dict[str, Any]:
        """Policy runs at equal KL, as `rewardboard compare --json` prints it; see `analysis.comparison`."""
        names = {run: str(self.run(run)["name"] or run) for run in runs}
        return comparison.document(comparison.at_equal_kl(self, list(runs), names), names)

    # -- streams

    def streams(self) -> pd.DataFrame:
        """Scored streams and rollouts: run, axis, first, last, n, categories, fields."""
        return streams.streams(self._con.cursor())

    def score_quantiles(
        self,
        run: str,
        *,
        field: str = "score",
        by: str | None = None,
        baseline: tuple[float, float] | None = None,
    ) -> pd.DataFrame:
        """Quantiles of a score by day or step, beside those of all rows in the `baseline` window (ends included).

        Returns
        -------
        x (unix seconds of the day, or step), category, n, q05 ... q95, and with a baseline base_n and
        base_q05 ... base_q95, which are NaN where the window holds no row.
        """
        counted = streams.counts(self._con.cursor(), run, field, by)
        return by_place(counted, streams.QUANTILES, baseline)

    def distributions(self, runs: Sequence[str]) -> pd.DataFrame:
        """What spreads over steps in these runs: run, tag, source, dataset, n_steps, first, last."""
        return distributions.distributions(self._con.cursor(), runs)

    def distribution(
        self,
        run: str,
        tag: str,
        *,
        source: Source | None = None,
        dataset: str | None = None,
        values: tuple[float, float] | None = None,
        steps: int = STEPS,
        bins: int = BINS,
    ) -> Distribution:
        """One of `distributions` on common bins; see `analysis.store.distributions.distribution`."""
        return distributions.distribution(
            self._con.cursor(), run, tag, source=source, dataset=dataset, values=values, steps=steps, bins=bins
        )

    def versions(self, run: str) -> pd.DataFrame:
        """When each reward-model and policy version was first seen: x, field, value."""
        return streams.versions(self._con.cursor(), run)

    # -- what was read

    def files(self) -> pd.DataFrame:
        """The ledger: every file, what was read of it, what was skipped and why."""
        return listings.files(self._con.cursor())

    def unmapped(self) -> pd.DataFrame:
        """Tags that the vocabulary does not know; they are kept under their own name."""
        return listings.unmapped(self._con.cursor())

    def checks(self) -> pd.DataFrame:
        """Metrics that several logs of a run tell, and at how many steps they disagree."""
        return listings.checks(self._con.cursor())

    def overlaps(self, runs: Sequence[str]) -> pd.DataFrame:
        """Steps of these runs that were logged by more than one attempt."""
        return listings.overlaps(self._con.cursor(), runs)

    def joined_to_texts(self) -> pd.DataFrame:
        """How many scored pairs have their texts: run, n, with_text."""
        return scores.joined_to_texts(self._con.cursor())

    def tell(self, info: RunInfo) -> None:
        """Say something about a run, as `rewardboard.toml` does."""
        with self._lock:
            self.run(info.run)
            self._writer.tell(info.run, replace(info, run=""), by_user=True)
            self._guarded(self._writer.commit)

    def sql(self, query: str, *, timeout: float = 10.0, limit: int = 10_000) -> pd.DataFrame:
        """Answer one read-only SELECT. Raises InputError on anything else, on errors and after `timeout` s."""
        return sqlbox.query(self._con.cursor(), query, timeout=timeout, limit=limit)


def _absolute(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """Paths that mean the same whatever the working directory is: the ledger knows files by them."""
    chosen = [paths] if isinstance(paths, str | Path) else paths
    return [Path(os.path.abspath(path)) for path in chosen]
