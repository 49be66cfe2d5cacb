"""Score histograms: both sides on one axis, margins on their own; against numpy.

An expert would look for: sides on different bins, which can't be compared by eye, and NaN or infinities in a bin.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.ranking.histogram import score_histogram


def test_sides_share_their_bins_and_margins_have_their_own():
    rng = np.random.default_rng(0)
    chosen, rejected = rng.normal(1, 1, 300), rng.normal(0, 2, 300)
    table = score_histogram(pd.DataFrame({"chosen_score": chosen, "rejected_score": rejected}), 20)
    edges = np.histogram_bin_edges(np.concatenate([chosen, rejected]), 20)
    for side, values in (("chosen", chosen), ("rejected", rejected)):
        part = table[table["side"] == side]
        assert part["left"].tolist() == edges[:-1].tolist()
        assert part["count"].tolist() == np.histogram(values, edges)[0].tolist()
    margins = table[table["side"] == "margin"]
    assert margins["count"].tolist() == np.histogram(chosen - rejected, 20)[0].tolist()


def test_what_is_not_finite_is_in_no_bin():
    pairs = pd.DataFrame({"chosen_score": [1.0, np.nan, np.inf], "rejected_score": [0.0, 0.5, 2.0]})
    count = score_histogram(pairs, 5).groupby("side")["count"].sum()
    assert count.to_dict() == {"chosen": 1, "rejected": 3, "margin": 1}


def test_no_finite_score_no_rows():
    assert score_histogram(pd.DataFrame({"chosen_score": [np.nan], "rejected_score": [np.nan]}), 5).empty
