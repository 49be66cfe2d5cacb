"""What an evaluation of a reward model says in a sentence or two, for the top of its page."""

from __future__ import annotations

from analysis.ranking.accuracy import Accuracy
from analysis.ranking.baselines import Panel
from analysis.ranking.bias import Bias
from analysis.ranking.calibration import Calibration
from analysis.ranking.evaluate import Evaluation, ListEvaluation
from analysis.ranking.spread import Spread
from dashboard import look

CUT_OFF = 0.01
"""Share of scores at one end from which on they are said to be cut off: a continuous score repeats its extreme hardly ever."""

NAMED = 3
"""Over-used features named in the sentence; the chart shows more."""


def sentence(found: Evaluation, name: str) -> str:
    """How often right, beside which trivial rule, how sure, and what moves it unduly; in Markdown."""
    name, a = f"**{look.literal(name)}**", found.accuracy
    if not a.n:
        return f"{name}: accuracy can't be computed, none of {a.missing:,} pairs has two finite scores."
    if found.because:
        return f"{name}: {look.literal(found.because)}."
    return " ".join(
        part
        for part in (
            f"{name} {_right(a)}{_rule(found)}.",
            _sure(found.calibration),
            _moved(found.bias),
        )
        if part
    )


def of_lists(found: ListEvaluation, name: str) -> str:
    """How often the best-scored candidate is right, beside chance; in Markdown."""
    name, s = f"**{look.literal(name)}**", found.scores
    if not s.top1.computable:
        return f"{name}: {look.literal(s.top1.because)}."
    tied = f"; {look.count(s.tied_lists, 'list')} tied at the top, which is not right" if s.tied_lists else ""
    return (
        f"{name} puts a right candidate first in {look.percent(s.top1.value)} of {s.lists:,} lists "
        f"({100 * s.top1.low:.1f} to {100 * s.top1.high:.1f}, Wilson 95 %), chance {look.percent(s.chance_top1)}{tied}."
    )


def spread(found: Spread) -> str:
    """How scores spread and whether they have run out of room."""
    said = f"Scores spread by {look.number(found.sd)} SD, within prompts {look.number(found.sd_within)} reward units"
    if found.saturated_share == found.saturated_share:
        said += f"; {look.percent(found.saturated_share)} of pairs are saturated (sigmoid(-margin) below 0.01)"
    ends = max(found.at_low, found.at_high)
    if ends > CUT_OFF:
        said += f"; {look.percent(ends)} of scores lie at the {'least' if found.at_low == ends else 'greatest'}: cut off there"
    return f"{said}. {look.literal(found.granularity[:1].upper() + found.granularity[1:])}."


def beside(found: Panel) -> str:
    """How the model stands beside the rule that comes nearest to it."""
    said = "Ties at half. Grey: a rule that the model is established to beat; orange diamond: one that it is not."
    rule = next((b for b in found.rules if b.verdict in ("rule", "not established")), None)
    if rule is None:
        return said
    d = rule.difference
    return (
        f"{said} Model less “{look.literal(rule.rule)}”: {100 * d.difference:.1f} points ({100 * d.low:.1f} to "
        f"{100 * d.high:.1f}), deciding alike in {look.percent(rule.agreement, 0)} of pairs."
    )


def sampled(found: Evaluation) -> str:
    """That some panels rest on a part of the pairs, if they do."""
    if found.looked_at >= found.accuracy.n:
        return ""
    return f"Looked at in {found.looked_at:,} of {found.accuracy.n:,} pairs, whole prompts drawn at random."


def _right(a: Accuracy) -> str:
    over = "" if a.prompts == a.n else f" over {a.prompts:,} prompts"
    text = f"ranks {look.percent(a.accuracy)} of {a.n:,} pairs right ({100 * a.low:.1f} to {100 * a.high:.1f}, Wilson 95 %{over})"
    if a.ties:
        text += f"; {look.count(a.ties, 'tie')}, {look.percent(a.half_credit)} if a tie counts half"
    return text + (f"; {look.count(a.missing, 'pair')} without a finite score" if a.missing else "")


def _rule(found: Evaluation) -> str:
    if found.panel is None or not found.panel.rules:
        return ""
    worse = [b for b in found.panel.rules if b.verdict == "rule"]
    best = worse[0] if worse else found.panel.rules[0]
    said = f"the trivial rule “{look.literal(best.rule)}” ranks {look.percent(best.share)}"
    if worse:
        return f"; {said}, which is established to be better"
    if found.panel.beats_all:
        return f"; {said}"
    open_ = next((b for b in found.panel.rules if b.verdict == "not established"), None)
    if open_ is None:
        return f"; {said}"
    return f"; that it beats the rule “{look.literal(open_.rule)}” ({look.percent(open_.share)}) is not established"


def _sure(scale: Calibration | None) -> str:
    if scale is None or scale.as_is is None or not scale.fit.temperature.computable:
        return ""
    t, e = scale.fit.temperature, scale.as_is
    at = f"temperature {look.number(t.value)} ({look.number(t.low)} to {look.number(t.high)})"
    if scale.verdict == "uneven":
        return f"Its confidence is uneven: calibration error {e.ece:.3f}, chance alone reaches {e.ece_null95:.3f}."
    return f"It is {scale.verdict}: {at}."


def _moved(found: Bias | None) -> str:
    over = found.having("over-used") if found is not None else ()
    if not over:
        return ""
    names = [look.literal(e.name) for e in over[:NAMED]]
    more = f" and {len(over) - NAMED} more" if len(over) > NAMED else ""
    named = ", ".join(names) + more if more else look.sentence(names)
    return f"Beyond what the labels justify, its margins follow {named}."
