"""Questions about reward models: what they scored, how well they rank, and which of several ranks better."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.questions.answers import Answers
from analysis.ranking import accuracy as ranking
from analysis.ranking import checkpoints
from analysis.ranking.contest import Contest
from analysis.ranking.document import document
from analysis.ranking.evaluate import SAMPLE, Evaluation, ListEvaluation, evaluate, evaluate_lists
from analysis.ranking.features import Features, column_features, length_feature, text_features, together
from analysis.ranking.histogram import score_histogram
from analysis.ranking.scored import RankedLists, ScoredPairs, labelled
from analysis.records import InputError
from analysis.store import pairtexts, scores

T = TypeVar("T")


class Rankings:
    """The part of a board that knows reward models."""

    _con: duckdb.DuckDBPyConnection
    _answers: Answers
    _scored: dict[str, tuple[str, pd.DataFrame]]

    if TYPE_CHECKING:

        def run(self, run: str) -> dict[str, Any]: ...

        def runs(self, *, archived: bool = False) -> pd.DataFrame: ...

        def version(self, runs: Sequence[str] | None = None) -> str: ...

    def scorers(self) -> pd.DataFrame:
        """What each reward model scored: run, name, loss, data, dataset, n, and how far ids repeat."""
        known = scores.runs(self._con.cursor())
        versions = {run: f"{self.version([run])} {said}" for run, said in known.items()}
        new = [run for run, version in versions.items() if self._scored.get(run, ("", None))[0] != version]
        if new:  # ids of a million pairs take a second to count, so runs that did not change are not counted again
            found = scores.scorers(self._con.cursor(), new)
            self._scored |= {run: (versions[run], found[found["run"] == run]) for run in new}
        parts = [self._scored[run][1] for run in versions]
        return pd.concat(parts, ignore_index=True) if parts else scores.scorers(self._con.cursor(), [])

    def accuracy(self, run: str, *, dataset: str | None = None, by: str | None = None) -> pd.DataFrame:
        """Ranking accuracy of a scorer, overall or by category, each pair once; empty if no pair is labelled."""
        return ranking.table(scores.pairs(self._con.cursor(), run, dataset), by=by)

    def scored_pairs(self, run: str, *, dataset: str | None = None) -> ScoredPairs:
        """Labelled pairs of a scorer's last checkpoint, each once, as the statistics of `analysis.ranking` take them."""
        said = self.run(run)
        return ScoredPairs.from_frame(self._labelled(run, dataset), run, loss=said["loss"], seed=said["seed"])

    def ranked_lists(self, run: str, *, dataset: str | None = None) -> RankedLists:
        """Lists of candidates of a scorer's last checkpoint, as the statistics of `analysis.ranking` take them."""
        said = self.run(run)
        frame = scores.candidates(self._con.cursor(), run, dataset)
        return RankedLists.from_frame(frame, run, loss=said["loss"], seed=said["seed"])

    def score_histogram(self, run: str, *, dataset: str | None = None, bins: int = 60) -> pd.DataFrame:
        """Counts of chosen and rejected scores on common bins, and of margins: side, left, right, count."""
        return score_histogram(scores.sides(self._con.cursor(), run, dataset), bins)

    def checkpoints(self, run: str, *, dataset: str | None = None) -> pd.DataFrame:
        """Ranking accuracy by checkpoint and pairs that flipped; see `analysis.ranking.checkpoints.checkpoints`."""
        return checkpoints.checkpoints(scores.checkpoint_pairs(self._con.cursor(), run, dataset))

    def flips(self, run: str, before: float, after: float, *, dataset: str | None = None) -> pd.DataFrame:
        """Pairs ranked right at one of two checkpoints only; see `analysis.ranking.checkpoints.flips`."""
        pairs = scores.checkpoint_pairs(self._con.cursor(), run, dataset, (before, after))
        return checkpoints.flips(pairs, before, after)

    # -- several at once

    def contests(self, runs: Sequence[str] | None = None) -> pd.DataFrame:
        """What several scorers (of `runs`, or all) have scored in common: data, dataset, models, n; the most models first.

        data : "pairs" or "ranked" (lists of candidates); models : how many scored it; n : pairs or candidates of the largest
        """
        table = self.scorers()
        return _in_common(table if runs is None else table[table["run"].isin(list(runs))])

    def compare(
        self,
        runs: Sequence[str],
        *,
        dataset: str | None = None,
        data: str | None = None,
        losses: Mapping[str, str] | None = None,
    ) -> Contest:
        """Reward models side by side on what they scored in common, to be asked for differences, categories, a swap.

        Parameters
        ----------
        dataset, data : one of `contests`; without, the one that most of these runs scored
        losses : run -> loss, where no log says it

        Raises
        ------
        InputError
            If a run does not exist, or fewer than two of them scored the same data set.
        """
        runs = list(dict.fromkeys(runs))
        known = self.runs(archived=True).set_index("run")["name"]
        for run in set(runs) - set(known.index):
            self.run(run)  # says that there is none
        if len(runs) < 2:
            only = f"there is one model, {runs[0]}" if runs else "there is no model with scores"
            raise InputError(f"{only}: nothing to compare", mend="give the scores of a second one on the same pairs")
        table = self.scorers()
        table = table[table["run"].isin(runs)]
        found = _in_common(table)
        if dataset is not None:
            found = found[found["dataset"] == dataset]
        if data is not None:
            found = found[found["data"] == data]
        if found.empty:
            raise _nothing_shared(table, runs, dataset)
        chosen = found.iloc[0]
        there = set(table.loc[(table["data"] == chosen["data"]) & (table["dataset"] == chosen["dataset"]), "run"])
        names = called({run: str(known[run] or "") for run in runs if run in there})
        scored = self.scored_pairs if chosen["data"] == "pairs" else self.ranked_lists
        told = dict(losses or {})
        scorers: list[Any] = [
            replace(one, scorer=name, loss=told.get(run) or one.loss or "")
            for run, name in names.items()
            for one in [scored(run, dataset=str(chosen["dataset"]))]
        ]
        return Contest.of(scorers, {name: run for run, name in names.items()}, str(chosen["dataset"]))

    def compared(
        self,
        runs: Sequence[str],
        *,
        dataset: str | None = None,
        data: str | None = None,
        losses: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """All that `compare` can tell, as `rewardboard compare --json` prints it.

        Raises
        ------
        InputError
            As `compare`; also if no two of the models can be compared, with the reason.
        """
        contest = self.compare(runs, dataset=dataset, data=data, losses=losses)
        features = {
            name: None if contest.lists else self.features(run, dataset=contest.dataset)
            for name, run in contest.runs.items()
        }
        left = {run: f"scored no {contest.unit} of this data set" for run in runs if run not in contest.runs.values()}
        other = self.contests(runs)
        others = [
            f"{row.dataset or 'a data set without a name'} ({'lists' if row.data == 'ranked' else 'pairs'}, {row.models} models)"
            for row in other.itertuples()
            if (row.data == "ranked", row.dataset) != (bool(contest.lists), contest.dataset)
        ]
        return document(contest, features, left=left, others=others)

    def evaluate(self, run: str, *, dataset: str | None = None) -> Evaluation:
        """Everything that the pairs of one scorer say of it, with the features of its texts where they are known.

        It is worked out once for each state of the run's data. Features are looked at in at most
        `analysis.ranking.evaluate.SAMPLE` pairs.
        """

        def work() -> Evaluation:
            pairs, rows, features = self._sampled(run, dataset)
            return evaluate(pairs, np.random.default_rng(0), features=features, rows=rows, benchmark=dataset or "")

        return self._once((run, dataset), work)

    def looked_into(self, run: str, *, dataset: str | None = None) -> tuple[ScoredPairs, Features | None]:
        """The pairs, each once, that the features of `evaluate` rest on, and what their sides differ in."""
        pairs, rows, features = self._sampled(run, dataset)
        kept = pairs.first()[rows]
        return pairs.take(rows[kept]), None if features is None else features.take(kept)

    def _sampled(self, run: str, dataset: str | None) -> tuple[ScoredPairs, npt.NDArray[np.intp], Features | None]:
        """All labelled pairs with numbers for ids, rows of a sample of them, and the features of these."""
        said = self.run(run)
        frame = self._labelled(run, dataset)
        pairs = ScoredPairs.from_frame(frame, run, loss=said["loss"], seed=said["seed"]).numbered()
        rows = pairs.some(SAMPLE, np.random.default_rng(0))
        return pairs, rows, self._features(run, dataset, frame.iloc[rows])

    def evaluate_lists(self, run: str, *, dataset: str | None = None) -> ListEvaluation:
        """Everything that the lists of candidates of one scorer say of it; kept as `evaluate` is."""

        def work() -> ListEvaluation:
            lists = self.ranked_lists(run, dataset=dataset)
            return evaluate_lists(lists, np.random.default_rng(0), benchmark=dataset or "")

        return self._once((run, dataset, "lists"), work)

    def _once(self, question: tuple[str | None, ...], work: Callable[[], T]) -> T:
        """The answer about a run, `question[0]`, worked out anew when anything behind it changed."""
        texts = pairtexts.count(self._con.cursor())  # they may be read after the scores
        version = f"{self.version([str(question[0])])} {texts} {self.run(str(question[0]))['loss']}"
        return self._answers.get(question, version, work)

    def features(self, run: str, *, dataset: str | None = None) -> Features | None:
        """What the two sides of each of `scored_pairs` differ in, row by row: lengths, numeric columns, and the texts
        if a file beside or above the scores holds them; None if nothing is known.

        Texts are read from the user's file each time, and not kept.
        """
        return self._features(run, dataset, self._labelled(run, dataset))

    def _labelled(self, run: str, dataset: str | None) -> pd.DataFrame:
        return labelled(scores.pairs(self._con.cursor(), run, dataset))

    def _features(self, run: str, dataset: str | None, frame: pd.DataFrame) -> Features | None:
        parts = []
        if (frame["chosen_length"].notna() & frame["rejected_length"].notna()).any():
            unit = next((str(u) for u in frame["length_unit"].dropna() if u), "units as logged")
            one, two = (frame[side].to_numpy(np.float64) for side in ("chosen_length", "rejected_length"))
            parts.append(length_feature(one, two, unit))
        columns = column_features([row if isinstance(row, str) else None for row in frame["features"]])
        parts += [columns] if len(columns) else []
        texts = self._texts(run, dataset, frame["pair_id"])
        if texts:
            none = ("", "")
            sides = [texts.get(pair, none) for pair in frame["pair_id"]]
            found = text_features([s[0] for s in sides], [s[1] for s in sides])
            known = any("length" in part.kinds for part in parts)  # two lengths of one text would be two findings
            parts.append(found.only([kind != "length" for kind in found.kinds]) if known else found)
        return together(*parts) if parts else None

    def _texts(self, run: str, dataset: str | None, wanted: pd.Series) -> dict[str, tuple[str, str]]:
        """Pair id -> texts of both sides of the wanted pairs; what a file does not hold any more is left out."""
        from analysis.sources.row_texts import texts_at

        places = pairtexts.places(self._con.cursor(), run, dataset)
        places = places[places["pair_id"].isin(wanted)]
        found: dict[str, tuple[str, str]] = {}
        for path, part in places.groupby("path"):
            rows = part["row"].tolist()
            try:
                texts = texts_at(Path(str(path)), rows)
            except (OSError, InputError):  # the file went away or changed since it was read
                continue
            if len(texts) == len(rows):
                found |= {p: (t["chosen"], t["rejected"]) for p, t in zip(part["pair_id"], texts, strict=True)}
        return found


def _in_common(table: pd.DataFrame) -> pd.DataFrame:
    """Data sets that several of these scorers scored, the most models first."""
    found = table.groupby(["data", "dataset"], as_index=False).agg(models=("run", "nunique"), n=("n", "max"))
    found = found[found["models"] > 1]
    return found.sort_values(["models", "n"], ascending=False, kind="stable", ignore_index=True)


def _nothing_shared(table: pd.DataFrame, runs: Sequence[str], dataset: str | None) -> InputError:
    known = sorted({str(name) for name in table["dataset"] if name})
    if dataset is not None and dataset not in set(table["dataset"]):
        has = f"they scored {', '.join(known)}" if known else "their scores name no data set"
        return InputError(f"no data set {dataset!r} was scored by these models", mend=has)
    without = [run for run in runs if run not in set(table["run"])]
    if without:
        return InputError(
            f"{without[0]} has no scored pairs", mend="give a file with pair_id, chosen_score and rejected_score"
        )
    return InputError("these models scored no data set in common", mend="score both on the same file")


def called(names: Mapping[str, str]) -> dict[str, str]:
    """What each run is called beside the others: its name, else the last part of its id, else its id, whichever is unique.

    names : run id -> display name, "" where there is none
    """
    out = dict.fromkeys(names, "")
    for form in (names.get, lambda run: run.rpartition("/")[2], str):
        said = {run: str(form(run) or "") for run, name in out.items() if not name}
        taken = [*said.values(), *filter(None, out.values())]
        out |= {run: name for run, name in said.items() if name and taken.count(name) == 1}
    return out
