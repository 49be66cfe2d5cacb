"""Margins follow words or formatting beyond what the labels justify."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.examined import (
    CURVES,
    MATERIAL,
    evaluation_of,
    from_start,
    said,
    share_lost,
    unseen,
    weak_categories,
)
from analysis.diagnosis.finding import Evidence, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals
from analysis.ranking.bias import Bias, bias
from analysis.ranking.wordgroup import METHOD, word_group

STYLES = ("markdown", "phrase", "column")
"""Kinds of features of which there are few, so that one of them can be established alone."""


@registry.detector
class StyleFollowed(Detector):
    """Established where words together, or a mark of style, are over-used at a material share of what the model knows.

    Categories in which the model is at chance are left out: there everything looks over-used, and it has its own finding.
    """

    name = "style_followed"
    kinds = ("reward_model",)
    about = "whether margins follow words or formatting beyond what the labels justify"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        if found.bias is None or all(e.kind == "length" for e in found.bias.effects):
            return (
                "no texts of the pairs are known: a table with pair_id, chosen and rejected beside or above the scores"
            )
        pairs, features = view.examined.looked_into()
        weak = [c.category for c in weak_categories(found)]
        kept = ~np.isin(pairs.categories.astype(str), weak)
        pairs, features = pairs.take(kept), features.take(kept)
        tested: Bias = bias(pairs, features) if weak else found.bias
        if tested.because:
            return tested.because
        marks = [e for e in tested.having("over-used") if e.kind in STYLES and share_lost(e.cost, found) >= MATERIAL]
        group = word_group(pairs, features, np.random.default_rng(0))
        lost = share_lost(group.cost, found) if group.words else 0.0
        words = group.established and lost >= MATERIAL
        least, needed = unseen(found, tested.n, 0.0, max(tested.tested, 1))
        state: State = "established" if words or marks else "refuted" if least < MATERIAL else "not_established"
        evidence: list[Evidence] = []
        if group.words:
            statement = (
                f"one more of the words {', '.join(group.words[:6])} moves the margin by {group.moves:+.2f} SD and claims "
                f"{group.claimed:+.2f} log-odds, of which the labels justify {group.justified:+.2f} (p {group.p:.2g}); that costs "
                f"{100 * lost:.0f} % of what it could know"
            )
            own: State = "established" if words else state if state != "established" else "refuted"
            evidence.append(said(statement, own, METHOD, value=group.moves, unit="SD of the margin", n=len(pairs)))
        evidence += [
            said(
                e.statement,
                "established",
                tested.method,
                value=e.moves,
                low=e.low,
                high=e.high,
                unit="SD of the margin",
                n=e.pairs,
            )
            for e in marks
        ]
        if not evidence:
            statement = f"of {tested.tested} words and marks of style none is over-used beyond what the labels justify"
            if state == "not_established":
                statement += (
                    f"; in {tested.n:,} pairs one shows from a cost of {100 * least:.0f} % of what the model knows on"
                )
            evidence.append(
                said(statement, state, tested.method, n=tested.n, needed=needed if state == "not_established" else None)
            )
        names = [*(group.words if words else ()), *(e.name for e in marks)]
        size = max([lost if words else 0.0, *(share_lost(e.cost, found) for e in marks)])
        return Sight(state, tuple(evidence), from_start(view), size, ", ".join(names[:4]))
