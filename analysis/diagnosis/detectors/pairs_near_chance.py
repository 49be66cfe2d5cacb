"""The reward model ranks pairs hardly better than a rule that reads nothing."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.examined import CONFOUNDED, CURVES, MARGIN, evaluation_of, from_start, said
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.numbers import rows_needed
from analysis.diagnosis.signals import Signals
from analysis.uncertainty import FEWEST


@registry.detector
class PairsNearChance(Detector):
    """Established where it is not shown to beat the strongest trivial rule, and a lead of ten points is ruled out."""

    name = "pairs_near_chance"
    kinds = ("reward_model",)
    about = "whether it ranks pairs better than chance and trivial rules"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        a = found.accuracy
        if a.prompts < FEWEST:
            return f"{a.prompts} prompts with scored pairs; {FEWEST} or more are needed"
        rule, share, lead, low, high, n = "chance", 0.5, a.accuracy - 0.5, a.low - 0.5, a.high - 0.5, a.n
        needed = None
        if found.panel is not None and found.panel.rules:
            best = found.panel.rules[0]
            d = best.difference
            if best.rule != "constant" and d.verdict != "not computable":
                rule, share, lead, low, high, n = (
                    f"the rule '{best.rule}'",
                    best.share,
                    d.difference,
                    d.low,
                    d.high,
                    d.n,
                )
                needed = d.needed
        if share > CONFOUNDED:
            return (
                f"{rule} ranks {100 * share:.0f} % of these pairs right without reading them, so they can't tell whether a "
                "model reads"
            )
        state: State
        if low > 0:
            state, word = "refuted", "better than"
        elif high < MARGIN:
            state, word = "established", "hardly better than"
        else:
            state, word = "not_established", "not shown to be better than"
        statement = (
            f"{100 * a.accuracy:.1f} % of {a.n:,} pairs are ranked right ({100 * a.low:.1f} to {100 * a.high:.1f}), {word} {rule} "
            f"({100 * share:.1f} %): {100 * lead:+.1f} points ({100 * low:.1f} to {100 * high:.1f})"
        )
        if state == "not_established" and needed is None:
            needed = rows_needed(n, (high - low) / 2, lead, 0.0, of=1)
        evidence = said(
            statement, state, "paired bootstrap over prompts", value=100 * lead, low=100 * low, high=100 * high,
            unit="points", n=n, needed=needed if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), from_start(view), a.accuracy, rule)
