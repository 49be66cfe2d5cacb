"""Margins are larger than being right allows."""

from __future__ import annotations

import numpy as np

from analysis import registry
from analysis.diagnosis.examined import CURVES, MATERIAL, evaluation_of, log_odds, said, unseen
from analysis.diagnosis.finding import State
from analysis.diagnosis.leaf import Detector, Sight
from analysis.diagnosis.signals import Signals
from analysis.ranking.temperature import LOG_TWO


@registry.detector
class OverConfident(Detector):
    """Established where margins are log-odds and the temperature that fits them is above 1.

    `note` is "worthless" where the likelihood as it is is worse than saying one half of everything.
    """

    name = "over_confident"
    kinds = ("reward_model",)
    about = "whether margins are as sure as they are right"
    needs = ("pairs",)
    uses = CURVES

    def look(self, view: Signals) -> Sight | str:
        found = evaluation_of(view)
        if isinstance(found, str):
            return found
        if found.calibration is None or not found.calibration.fit.temperature.computable:
            return found.calibration.statement if found.calibration else "no margins"
        if not log_odds(view, found):
            return "neither a loss that was told nor the log shows that margins are log-odds; under other losses their scale is free"
        fit = found.calibration.fit
        t = fit.temperature
        # z: of log temperature from 0; what is lost at T = 1 is z^2 / (2 n) nats a pair
        error = (np.log(t.high) - np.log(t.low)) / (2 * 1.96)
        z = max(np.log(t.value) / error, 0.0) if np.isfinite(error) and error > 0 else 0.0
        most, needed = unseen(found, t.n, float(z))
        sound = t.high <= 1 or most < MATERIAL
        state: State = "established" if t.low > 1 else "refuted" if sound else "not_established"
        worse = fit.nll_as_is > LOG_TWO
        statement = (
            f"margins fit being right at temperature {t.value:.3g} ({t.low:.3g} to {t.high:.3g}); as they are the loss is "
            f"{fit.nll_as_is:.3f} nats a pair, at that temperature {fit.nll.value:.3f}, and one half of everything costs {LOG_TWO:.3f}"
        )
        if state == "not_established":
            statement += "; whether they are too sure is open"
        evidence = said(
            statement, state, t.method, value=t.value, low=t.low, high=t.high, unit="margin", n=t.n,
            needed=needed if state == "not_established" else None,
        )  # fmt: skip
        return Sight(state, (evidence,), None, t.value, "worthless" if worse else "")
