"""Scores of both sides of preference pairs, and their margins, counted in bins."""

from __future__ import annotations

import numpy as np
import pandas as pd

COLUMNS = ["side", "left", "right", "count"]


def score_histogram(pairs: pd.DataFrame, bins: int) -> pd.DataFrame:
    """Counts of chosen and rejected scores on common bins, and of margins on their own.

    Parameters
    ----------
    pairs : chosen_score and rejected_score, reward units; what is not finite is left out

    Returns
    -------
    side ("chosen", "rejected", "margin"), left, right (edges of a bin, reward units), count; a side without a finite
    score has no rows.
    """
    both = pairs[["chosen_score", "rejected_score"]].to_numpy(float)
    sides = {"chosen": (both[:, 0], both), "rejected": (both[:, 1], both)}
    margin = both[:, 0] - both[:, 1]
    parts = []
    for side, (values, span) in {**sides, "margin": (margin, margin)}.items():
        finite = span[np.isfinite(span)]
        if not finite.size:
            continue
        edges = np.histogram_bin_edges(finite, bins=bins)
        count, _ = np.histogram(values[np.isfinite(values)], bins=edges)
        parts.append(pd.DataFrame({"side": side, "left": edges[:-1], "right": edges[1:], "count": count}))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
