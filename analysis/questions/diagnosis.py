"""Questions about what is wrong with runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from analysis.store import readings, scores

if TYPE_CHECKING:
    import pandas as pd

    from analysis.diagnosis.examined import Examined
    from analysis.diagnosis.finding import Diagnosis
    from analysis.diagnosis.signals import Signals
    from analysis.ranking.categories import CategoryDifference
    from analysis.ranking.contest import Contest
    from analysis.ranking.evaluate import Evaluation
    from analysis.ranking.features import Features
    from analysis.ranking.scored import ScoredPairs

RIVALS = 5
"""Other scorers that a weak category is held against: each one more makes every difference harder to establish."""


class Diagnoses:
    """The part of a board that knows what is wrong."""

    _con: duckdb.DuckDBPyConnection

    if TYPE_CHECKING:

        def run(self, run: str) -> dict[str, Any]: ...

        def runs(self, *, archived: bool = False) -> pd.DataFrame: ...

        def scorers(self) -> pd.DataFrame: ...

        def evaluate(self, run: str, *, dataset: str | None = None) -> Evaluation: ...

        def looked_into(self, run: str, *, dataset: str | None = None) -> tuple[ScoredPairs, Features | None]: ...

        def compare(self, runs: Sequence[str], *, dataset: str | None = None, data: str | None = None) -> Contest: ...

    def signals(self, run: str) -> Signals:
        """All that a diagnosis of a run reads. Raises InputError if there is no such run."""
        from analysis.diagnosis.canonical import canonical
        from analysis.diagnosis.signals import WHOLE, Series, Signals

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
                self._examined(run, labelled), said["config"], said["links"],
            )
        )  # fmt: skip

    def _examined(self, run: str, pairs: pd.DataFrame) -> Examined | None:
        """What the pairs of a run say; of several data sets the largest."""
        from analysis.diagnosis.examined import Examined

        if not len(pairs):
            return None
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


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
