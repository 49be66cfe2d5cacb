"""The margin of preference optimisation grows while the chosen responses become less likely."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.canonical import together
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import FEW, crossing, mean_of, present
from analysis.diagnosis.signals import Series, Signals


@registry.detector
class LikelihoodDisplacement(Detector):
    """Established where the implicit reward of chosen has fallen below 0 and below its start while the margin has grown.

    The loss sees the difference alone: both may fall, and what they lose goes to answers that nobody has seen (Razin et al.
    2024, arXiv 2410.08847). It is usual in moderation, and so a note.
    """

    name = "likelihood_displacement"
    kinds = ("policy",)
    about = "whether the margin grows at the cost of the chosen responses"
    needs = ("dpo.reward_chosen", "dpo.reward_rejected")
    alone = "info"

    def look(self, view: Signals) -> Sight | str:
        chosen, rejected = view.series["dpo.reward_chosen"], view.series["dpo.reward_rejected"]
        at, c, r = together(chosen, rejected)
        if len(at) < 4 * FEW:
            return "too few rows"
        curve, margin = Series("chosen", at, c), Series("margin", at, c - r)
        start, begun = mean_of(curve, 0, FEW), mean_of(margin, 0, FEW)
        now, far = present(curve), present(margin)
        assert now is not None
        assert far is not None
        state: State = "not_established"
        if now.high < min(0.0, start.low) and far.low > begun.high:
            state = "established"
        elif now.low > min(0.0, start.high):
            state = "refuted"
        statement = (
            f"The implicit reward of chosen went from {start.value:.3g} to {now.value:.3g} ({now.low:.3g} to {now.high:.3g}) while "
            f"the margin went from {begun.value:.3g} to {far.value:.3g}: "
            + {
                "established": "both answers lose probability to others.",
                "refuted": "chosen does not lose probability.",
                "not_established": "whether chosen loses probability is not told by so few rows.",
            }[state]
        )
        evidence = Evidence(
            statement, state, now.value, now.low, now.high, chosen.unit, now.n, chosen.tag, (now.first, now.last),
            "means of the last rows against the first",
        )  # fmt: skip
        onset = crossing(curve, min(0.0, start.low), below=True) if state == "established" else now.last
        return Sight(state, (evidence,), Onset(onset, float(at[0]), onset), now.value)
