"""The clip range of the value model is tiny beside the scores."""

from __future__ import annotations

from analysis import registry
from analysis.diagnosis.finding import Evidence, Onset, State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.levels import TENFOLD, score_spread
from analysis.diagnosis.signals import Signals


@registry.detector
class ValueClipBinds(Detector):
    """Established where an SD of the scores is more than ten clipped steps of the value model away: both are in reward units."""

    name = "value_clip_binds"
    kinds = ("policy",)
    about = "whether the value model's clip range fits the scale of the scores"
    needs = ("score", "value.mse")
    uses = ("score.sd", "rollouts/*")

    def look(self, view: Signals) -> Sight | str:
        clip, sd = view.setting("cliprange_value", "value_clip", "value_clip_range"), score_spread(view)
        if not clip or sd is None:
            return "the configuration tells no clip range of the value model, or no spread of scores is known"
        ratio, open_ = sd.value / clip, 1 + 2 * sd.error
        state: State = (
            "established" if ratio / open_ > TENFOLD else "refuted" if ratio * open_ < TENFOLD else "not_established"
        )
        statement = f"One SD of the scores ({sd.value:.3g}) is {ratio:.2g} clipped steps of the value model (clip range {clip:g})"
        if state != "established":
            statement += f": {'less than' if state == 'refuted' else 'not shown to be more than'} {TENFOLD:g}"
        evidence = Evidence(
            f"{statement}.",
            state,
            ratio,
            ratio / open_,
            ratio * open_,
            "clip ranges",
            method="score SD over clip range",
        )
        at = float(view.series["score"].steps[0])
        return Sight(state, (evidence,), Onset(at, at, at), ratio)
