"""An evaluation of a reward model as tables: what its page lists, and what its charts hand out as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from analysis.board import Board
from analysis.ranking.bias import Effect
from analysis.ranking.calibration import Confidence
from analysis.ranking.evaluate import Evaluation


def by_category(found: Evaluation) -> pd.DataFrame:
    """Accuracy with its intervals in each category, the lowest first, beside the strongest trivial rule (`rule`).

    Without categories all pairs are one row, named "all pairs".
    """
    parts = [(c.category, c.accuracy, c.verdict, c.p_adjusted) for c in found.categories]
    parts = parts or [("all pairs", found.accuracy, "", float("nan"))]
    rows = [
        {"category": name} | asdict(a) | {"beside_the_rest": verdict, "p_adjusted": p} for name, a, verdict, p in parts
    ]
    table = pd.DataFrame(rows)
    if found.panel is None or not found.panel.rules:
        return table
    shares = found.panel.by_category if found.categories else {"all pairs": found.panel.rules[0].share}
    return table.assign(rule=[shares.get(name, float("nan")) for name in table["category"]])


def numbers(evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """One row a model: three tie rules (if anything is tied), AUROC, calibration, saturation, power; shares in percent."""
    table = pd.DataFrame([_numbers(found) for found in evaluations])
    return table if table["ties"].any() else table.drop(columns=["ties", "half", "not_worse"])


def _numbers(found: Evaluation) -> dict[str, float | str]:
    a, s, nan = found.accuracy, found.summary, float("nan")
    as_is = found.calibration.as_is if found.calibration else None
    fit = found.calibration.fit if found.calibration else None
    return {
        "model": found.scorer, "n": a.n, "prompts": a.prompts, "right": 100 * a.accuracy,
        "interval": f"{100 * a.low:.1f} to {100 * a.high:.1f}", "ties": a.ties, "half": 100 * a.half_credit, "not_worse": 100 * a.not_worse,
        "auroc": s.auroc_within_prompt, "temperature": s.temperature, "nll": fit.nll_as_is if as_is and fit else nan,
        "nll_scaled": s.nll_calibrated, "brier": as_is.brier if as_is else nan, "ece": s.ece, "ece_null95": s.ece_null95,
        "saturated": 100 * s.saturated_share, "detectable": 100 * s.detectable,
    }  # fmt: skip


def reliability(found: Evaluation) -> pd.DataFrame:
    """Share right by confidence with intervals and null band, as margins are and at the fitted temperature."""
    scale = found.calibration
    kinds = [("as they are", scale.as_is), ("at the temperature", scale.scaled)] if scale else []
    parts = [_curve(of).assign(margins=name, temperature=of.temperature) for name, of in kinds if of is not None]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _curve(of: Confidence) -> pd.DataFrame:
    return pd.DataFrame(asdict(of.reliability))


def by_length(found: Evaluation) -> pd.DataFrame:
    """Accuracy by how much longer the chosen side is."""
    return pd.DataFrame([asdict(b) for b in found.length.bins] if found.length else [])


def effects(found: Evaluation) -> pd.DataFrame:
    """What each feature claims and what the labels justify, the findings first."""
    if found.bias is None:
        return pd.DataFrame()
    return pd.DataFrame([asdict(effect) for effect in found.bias.effects])


def telling(found: Evaluation, most: int) -> list[Effect]:
    """Features to draw: those with a finding, then those that claim the most, the costliest first."""
    if found.bias is None:
        return []
    known = [e for e in found.bias.effects if np.isfinite(e.claimed) and np.isfinite(e.justified)]
    sure = [e for e in known if e.verdict in ("over-used", "under-used")]
    rest = sorted((e for e in known if e not in sure), key=lambda e: -abs(e.claimed))
    return [*sure, *rest][:most]


def rules(found: Evaluation) -> pd.DataFrame:
    """Trivial rules beside the scorer."""
    rows = [
        {
            "rule": b.rule, "right": b.share, "decides_alike": b.agreement, "scorer_less_rule": b.difference.difference,
            "low": b.difference.low, "high": b.difference.high, "p_adjusted": b.difference.p_adjusted, "verdict": b.verdict,
        }
        for b in (found.panel.rules if found.panel else ())
    ]  # fmt: skip
    return pd.DataFrame(rows)


# -- by request of the browser


def rm_categories(board: Board, runs: Sequence[str], dataset: str | None) -> pd.DataFrame:
    """See `by_category`, a scorer and category a row."""
    parts = [by_category(board.evaluate(run, dataset=dataset)).assign(run=run) for run in runs]
    return _named(pd.concat(parts, ignore_index=True))


def rm_reliability(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """See `reliability`."""
    return _named(reliability(board.evaluate(run, dataset=dataset)).assign(run=run))


def rm_length(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """See `by_length`."""
    return _named(by_length(board.evaluate(run, dataset=dataset)).assign(run=run))


def rm_effects(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """See `effects`."""
    return _named(effects(board.evaluate(run, dataset=dataset)).assign(run=run))


def rm_rules(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """See `rules`."""
    return _named(rules(board.evaluate(run, dataset=dataset)).assign(run=run))


def rm_best_of(board: Board, run: str, dataset: str | None) -> pd.DataFrame:
    """Expected label of the favourite among k candidates."""
    curve = board.evaluate_lists(run, dataset=dataset).curve
    columns = {name: getattr(curve, name) for name in ("k", "kl", "gold", "gold_low", "gold_high", "proxy")}
    return _named(pd.DataFrame(columns).assign(run=run))


def _named(table: pd.DataFrame) -> pd.DataFrame:
    return table[["run", *(name for name in table.columns if name != "run")]]
