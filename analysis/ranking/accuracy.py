"""How often a scorer ranks the chosen response above the rejected one."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.uncertainty import wilson


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Ranking accuracy of n pairs with its Wilson intervals, and the other tie rules under their own names.

    n : pairs with two finite scores; `missing` counts the others
    accuracy : strict wins / n; NaN if n = 0
    low, high : 95 % Wilson interval; low50, high50 : 50 %
    half_credit : (wins + ties / 2) / n
    not_worse : (wins + ties) / n, the `>=` rule
    """

    n: int
    wins: int
    losses: int
    ties: int
    missing: int
    accuracy: float
    low: float
    high: float
    low50: float
    high50: float
    half_credit: float
    not_worse: float


METHOD = "strict wins / n, Wilson interval over pairs taken as independent"


def accuracy(chosen: npt.NDArray[np.float64], rejected: npt.NDArray[np.float64]) -> Accuracy:
    """Ranking accuracy of paired scores.

    Parameters
    ----------
    chosen, rejected : scores of the two responses of each pair, any scale, arrays of one length; a pair with a
        score that is not finite can't be ranked and is counted as missing

    Raises
    ------
    ValueError
        If the arrays have different lengths.
    """
    if chosen.shape != rejected.shape:
        raise ValueError(f"chosen and rejected must have one length, got {chosen.shape} and {rejected.shape}")
    both = np.isfinite(chosen) & np.isfinite(rejected)
    margin = np.sign(chosen[both] - rejected[both])
    n = int(both.sum())
    wins, losses = int((margin > 0).sum()), int((margin < 0).sum())
    ties = n - wins - losses
    low, high = wilson(wins, n)
    low50, high50 = wilson(wins, n, level=0.5)

    def share(count: float) -> float:
        return count / n if n else float("nan")

    return Accuracy(
        n, wins, losses, ties, len(both) - n, share(wins), low, high, low50, high50,
        share(wins + ties / 2), share(wins + ties),
    )  # fmt: skip


def table(pairs: pd.DataFrame, *, by: str | None = None) -> pd.DataFrame:
    """`accuracy` of labelled pairs, of all or (`by` "category") of each category.

    Parameters
    ----------
    pairs : category, chosen_score, rejected_score, label_source; pairs that nobody labelled are left out

    Returns
    -------
    category ("all" for all), the fields of `Accuracy`, and method; empty if no pair is labelled.
    """
    labelled = pairs[pairs["label_source"] != "unlabelled"]
    groups = labelled.groupby("category", sort=True) if by == "category" else [("all", labelled)]
    rows = [
        {"category": name}
        | asdict(accuracy(part["chosen_score"].to_numpy(float), part["rejected_score"].to_numpy(float)))
        | {"method": METHOD}
        for name, part in groups
        if len(part)
    ]
    return pd.DataFrame(rows)
