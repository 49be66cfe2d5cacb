"""The log says what can't be."""

from __future__ import annotations

from typing import ClassVar

from analysis import registry
from analysis.diagnosis.detectors.log_invariant import GRAZED
from analysis.diagnosis.finding import Next, Severity
from analysis.diagnosis.leaf import STRONG, Cause, Sights
from analysis.diagnosis.signals import Signals


@registry.cause
class LoggingFault(Cause):
    """Predicts a bound or an identity of logged numbers that does not hold."""

    name = "logging_fault"
    title = "the log contradicts itself"
    kinds = ("policy",)
    requires = ("log_invariant",)
    predicts: ClassVar = {"log_invariant": STRONG}

    def severity(self, view: Signals, sights: Sights) -> Severity:
        """The run may be sound; what is read off this metric is not, unless it passes a bound by its noise alone."""
        return "info" if sights["log_invariant"].note == GRAZED else "warning"

    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence."""
        told = sights["log_invariant"].evidence[0].statement.rstrip(".")
        return f"The log contradicts itself: {told[0].lower()}{told[1:]}."

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """Mend what is logged before anything is read off it."""
        return (
            Next(
                "Check how this metric is computed and which rows or masks it covers.",
                "Nothing that rests on it can be trusted.",
            ),
        )
