"""How often a scorer ranks the chosen response above the rejected one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.uncertainty import cluster_codes, clustered_wilson, totals

Floats = npt.NDArray[np.float64]

TieRule = Literal["strict", "half", "not_worse"]
"""What a tie is worth: nothing, half a win (the only rule by which a constant scorer scores chance), or a win."""


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Ranking accuracy of n pairs with its intervals, and the other tie rules under their own names.

    n : pairs with two finite scores; `missing` counts the others
    prompts : prompts that these pairs answer
    accuracy : strict wins / n; NaN if n = 0
    low, high : 95 % interval; low50, high50 : 50 %; Wilson's, with the effective number of pairs where prompts repeat
    design_effect : variance of the accuracy over that of as many pairs of different prompts; NaN if it can't be told
    half_credit : (wins + ties / 2) / n
    not_worse : (wins + ties) / n, the `>=` rule
    """

    n: int
    prompts: int
    wins: int
    losses: int
    ties: int
    missing: int
    accuracy: float
    low: float
    high: float
    low50: float
    high50: float
    design_effect: float
    half_credit: float
    not_worse: float

    @property
    def method(self) -> str:
        """How value and interval were computed, in words."""
        if self.prompts == self.n:
            return "strict wins / n, Wilson interval over pairs taken as independent"
        return f"strict wins / n, Wilson interval over {self.prompts:,} prompts with several pairs each"


def accuracy(chosen: Floats, rejected: Floats, prompts: Sequence[Any] | npt.NDArray[Any] | None = None) -> Accuracy:
    """Ranking accuracy of paired scores.

    Parameters
    ----------
    chosen, rejected : scores of the two responses of each pair, any scale, arrays of one length; a pair with a
        score that is not finite can't be ranked and is counted as missing
    prompts : prompt of each pair; pairs of one prompt are not independent. Without, and where it is None, each pair
        has its own

    Raises
    ------
    ValueError
        If the arrays have different lengths.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(f"chosen and rejected must have one length, got {chosen.shape} and {rejected.shape}")
    both = np.isfinite(chosen) & np.isfinite(rejected)
    sign = np.sign(chosen[both] - rejected[both])
    n = int(both.sum())
    if prompts is None:
        codes, count = np.arange(n), n
    else:
        ids = prompts if isinstance(prompts, np.ndarray) else np.asarray(prompts, object)
        codes, count = cluster_codes(ids[both])
    wins, losses = int((sign > 0).sum()), int((sign < 0).sum())
    ties = n - wins - losses
    sums, sizes = totals(codes, count, sign > 0), totals(codes, count, np.ones(n))
    low, high, effect = clustered_wilson(sums, sizes)
    low50, high50, _ = clustered_wilson(sums, sizes, level=0.5)

    def share(credit: float) -> float:
        return credit / n if n else float("nan")

    return Accuracy(
        n, count, wins, losses, ties, len(both) - n, share(wins), low, high, low50, high50, effect,
        share(wins + ties / 2), share(wins + ties),
    )  # fmt: skip


def credit(margin: Floats, rule: TieRule = "strict") -> Floats:
    """What each pair is worth under a tie rule, 0 to 1; NaN where the margin is not finite."""
    worth = {"strict": 0.0, "half": 0.5, "not_worse": 1.0}[rule]
    out = np.where(margin > 0, 1.0, np.where(margin == 0, worth, 0.0))
    return np.where(np.isfinite(margin), out, np.nan)


def table(pairs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """`accuracy` of labelled pairs, of all or (`by` "category") of each category.

    Parameters
    ----------
    pairs : category, chosen_score, rejected_score, label_source, and prompt_id if it is known; pairs that nobody
        labelled are left out

    Returns
    -------
    category ("all" for all), the fields of `Accuracy`, and method; empty if no pair is labelled.
    """
    labelled = pairs[pairs["label_source"] != "unlabelled"]
    groups = labelled.groupby("category", sort=True) if by == "category" else [("all", labelled)]
    rows = []
    for name, part in groups:
        if len(part):
            found = accuracy(
                part["chosen_score"].to_numpy(float),
                part["rejected_score"].to_numpy(float),
                prompts_of(part),
            )
            rows.append({"category": name} | asdict(found) | {"method": found.method})
    return pd.DataFrame(rows)


def prompts_of(pairs: pd.DataFrame) -> npt.NDArray[Any] | None:
    """Prompt of each pair, None where the table does not tell prompts."""
    return pairs["prompt_id"].to_numpy(object) if "prompt_id" in pairs else None
