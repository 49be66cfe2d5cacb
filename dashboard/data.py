"""What pages ask of the board, remembered as long as the data behind it stay the same.

Every call is keyed by the version of the runs that it reads, so a new row of one run forgets nothing of another.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import pandas as pd

from analysis.board import Board
from analysis.comparison import AtEqualKl, at_equal_kl
from analysis.diagnosis.finding import Diagnosis
from analysis.distribution import Distribution
from analysis.host import Host, host
from analysis.ranking.contest import Contest
from analysis.ranking.evaluate import Evaluation, ListEvaluation
from analysis.rows import Ask, Facts
from analysis.spread import Spread
from dashboard import travelled
from dashboard.remembered import Remembered
from dashboard.standing import standing
from dashboard.tables import View

ENTRIES = 64
"""Questions whose newest answer is kept, of each call: a few pages of a few people, at most 2 MB each."""

Answer = TypeVar("Answer")


def here() -> Host:
    """The board of this process and how far its reading is."""
    return host()


def board() -> Board:
    """The board itself, for what must not be remembered."""
    return host().board


def version(runs: tuple[str, ...] | None = None) -> str:
    """Changes when the data of these runs change."""
    return board().version(None if runs is None else list(runs))


def _remember(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Answer from memory while the version, its first argument, stays; answers are shared and not to be changed."""
    kept: Remembered[Answer] = Remembered(ENTRIES)

    def ask(version: str, *question: Hashable) -> Answer:
        answer = kept.get(question, lambda: function(version, *question), version)
        # a frame of its own over the same columns, so that a column that is set stays with who set it
        return answer.copy(deep=False) if isinstance(answer, pd.DataFrame) else answer

    return ask


def runs() -> pd.DataFrame:
    """All runs that are not archived, and how they stand now; not to be changed."""
    return standing(board()).table


@_remember
def _run(version: str, run: str) -> dict[str, Any]:
    return board().run(run)


def run(name: str) -> dict[str, Any]:
    """All that is known of one run."""
    return _run(version((name,)), name)


@_remember
def _metrics(version: str, runs: tuple[str, ...], only: tuple[str, ...] | None) -> pd.DataFrame:
    return board().metrics(runs, only=only)


def metrics(runs: tuple[str, ...], only: tuple[str, ...] | None = None) -> pd.DataFrame:
    """What these runs log; `only` these metrics, if told."""
    return _metrics(version(runs), runs, only)


@_remember
def _diagnoses(version: str, runs: tuple[str, ...]) -> dict[str, Diagnosis]:
    return board().diagnoses(runs)


def diagnoses(runs: tuple[str, ...]) -> dict[str, Diagnosis]:
    """What is wrong with these runs; one that is not diagnosed yet is absent."""
    return _diagnoses(version(runs), runs)


@_remember
def _equal_kl(version: str, runs: tuple[str, ...], names: tuple[tuple[str, str], ...]) -> tuple[AtEqualKl, ...]:
    return at_equal_kl(board(), runs, dict(names))


def equal_kl(runs: tuple[str, ...], names: dict[str, str]) -> tuple[AtEqualKl, ...]:
    """What runs reached at equal KL."""
    return _equal_kl(version(runs), runs, tuple(names.items()))


@_remember
def _path(version: str, run: str) -> travelled.Path | str:
    return travelled.path(board(), run)


def path(run: str) -> travelled.Path | str:
    """What a run scored at which distance from the reference, or why that can't be told."""
    return _path(version((run,)), run)


@_remember
def _distributions(version: str, runs: tuple[str, ...]) -> pd.DataFrame:
    return board().distributions(runs)


def distributions(runs: tuple[str, ...]) -> pd.DataFrame:
    """What these runs hold that spreads over steps."""
    return _distributions(version(runs), runs)


@_remember
def _distribution(version: str, run: str, tag: str, source: Any, dataset: str | None) -> Distribution:
    return board().distribution(run, tag, source=source, dataset=dataset)


def distribution(run: str, tag: str, source: str, dataset: str | None) -> Distribution:
    """One of them, on common bins."""
    return _distribution(version((run,)), run, tag, source, dataset)


@_remember
def _checkpoints(version: str, run: str, dataset: str | None) -> pd.DataFrame:
    return board().checkpoints(run, dataset=dataset)


def checkpoints(run: str, dataset: str | None) -> pd.DataFrame:
    """Ranking accuracy by checkpoint."""
    return _checkpoints(version((run,)), run, dataset)


@_remember
def _scorers(version: str) -> pd.DataFrame:
    return board().scorers()


def scorers() -> pd.DataFrame:
    """Reward models with scored data."""
    return _scorers(version())


def evaluation(run: str, dataset: str | None) -> Evaluation:
    """What a scorer's pairs say of it; the board remembers it."""
    return board().evaluate(run, dataset=dataset)


def list_evaluation(run: str, dataset: str | None) -> ListEvaluation:
    """What a scorer's lists of candidates say of it; the board remembers it."""
    return board().evaluate_lists(run, dataset=dataset)


@_remember
def _histogram(version: str, run: str, dataset: str | None) -> pd.DataFrame:
    return board().score_histogram(run, dataset=dataset)


def histogram(run: str, dataset: str | None) -> pd.DataFrame:
    """Counts of chosen and rejected scores and of margins."""
    return _histogram(version((run,)), run, dataset)


@_remember
def _facts(version: str, view: View) -> Facts:
    return view.table(board()).facts()


def facts(view: View) -> Facts:
    """Columns and extents of a long table."""
    return _facts(version(view.runs), view)


@_remember
def _spread(version: str, view: View, ask: Ask, x: str, y: str, most: int) -> Spread:
    return view.table(board()).spread(ask, x, y, most=most)


def spread(view: View, ask: Ask, x: str, y: str, most: int) -> Spread:
    """How one column lies over another in the rows that match; at most `most` of them as points."""
    return _spread(version(view.runs), view, ask, x, y, most)


@_remember
def _contests(version: str) -> pd.DataFrame:
    return board().contests()


def contests() -> pd.DataFrame:
    """What several reward models scored in common."""
    return _contests(version())


@_remember
def _contest(version: str, runs: tuple[str, ...], dataset: str, kind: str) -> Contest:
    return board().compare(runs, dataset=dataset, data=kind)


def contest(runs: tuple[str, ...], dataset: str, kind: str) -> Contest:
    """These reward models side by side on what they scored in common."""
    return _contest(version(runs), runs, dataset, kind)


@_remember
def _asked(
    version: str, runs: tuple[str, ...], dataset: str, kind: str, question: str, of: tuple[str, ...], more: Any
) -> Any:
    return getattr(contest(runs, dataset, kind), question)(*of, **dict(more))


def asked(runs: tuple[str, ...], dataset: str, kind: str, question: str, *of: str, **more: float) -> Any:
    """The answer of a `Contest` to one of its questions."""
    return _asked(version(runs), runs, dataset, kind, question, of, tuple(more.items()))


@_remember
def _streams(version: str) -> pd.DataFrame:
    return board().streams()


def streams() -> pd.DataFrame:
    """What has scores by day or step."""
    return _streams(version())


@_remember
def _quantiles(
    version: str, run: str, field: str, by: str | None, baseline: tuple[float, float] | None
) -> pd.DataFrame:
    return board().score_quantiles(run, field=field, by=by, baseline=baseline)


def quantiles(run: str, field: str, by: str | None, baseline: tuple[float, float] | None) -> pd.DataFrame:
    """Quantiles of a score over time, and those of the baseline."""
    return _quantiles(version((run,)), run, field, by, baseline)


@_remember
def _versions(version: str, run: str) -> pd.DataFrame:
    return board().versions(run)


def versions(run: str) -> pd.DataFrame:
    """When each model version was first seen."""
    return _versions(version((run,)), run)


@_remember
def _ledger(version: str) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return board().files(), board().unmapped(), board().checks()


def ledger() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Files, unknown tags, and metrics that several logs tell."""
    return _ledger(version())
