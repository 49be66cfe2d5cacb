"""What detectors and causes are: the two kinds of leaves of a diagnosis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from analysis.diagnosis.finding import Evidence, Next, Onset, Severity, State
from analysis.diagnosis.signals import Signals

Sights = Mapping[str, "Sight"]
"""Symptom -> what its detector says at this look; symptoms that could not be checked are not in it."""

STRONG, FAIR, SLIGHT = 2.3, 1.1, 0.5
"""Weights of evidence in nats: what is 10 times, 3 times and 1.6 times as likely under a cause as without it.

Jeffreys' grades (Theory of Probability, appendix B): they say how well a symptom and a cause go together, and are
stated by reason, not fitted; the confidences that follow are held against runs with known causes by the benchmark."""

DECISIVE = 4.6
"""100 times as likely."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a detector sees at one look.

    state : established, refuted or not established
    evidence : what it rests on; the first is the one that is shown first
    onset : since when, in retrospect
    value : the size of it, in the symptom's own unit
    note : a word for the cause, such as which way it went
    """

    state: State
    evidence: tuple[Evidence, ...] = ()
    onset: Onset | None = None
    value: float | None = None
    note: str = ""

    @property
    def there(self) -> bool:
        """Whether the symptom is established."""
        return self.state == "established"


class Detector(ABC):
    """Finds one symptom. One file each; see `analysis.diagnosis` for how to add one.

    name : the symptom; kinds : kinds of runs it looks at; about : what it checks, for people
    needs : metrics without which it can't look ("rollouts" and "pairs" are rows); uses : metrics that help
    watches : metrics of which `Series.change` is needed; a row where one leaves its path is looked at at once
    alone : severity of the symptom if no cause explains it; None: it is evidence, and no finding by itself
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    about: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    uses: ClassVar[tuple[str, ...]] = ()
    watches: ClassVar[tuple[str, ...]] = ()
    alone: ClassVar[Severity | None] = None

    @abstractmethod
    def look(self, view: Signals) -> Sight | str:
        """What is seen in the declared metrics up to `view.now`; or a text: why that can't be told."""


class Cause(ABC):
    """A hypothesis about why. One file each; it competes with all others of its kind.

    name : identifier; title : the same for people
    requires : symptoms of which one at least must be established, or the cause is not considered
    predicts : symptom -> weight: established speaks for the cause, refuted against it
    forbids : symptom -> weight: established speaks against it
    dated : symptoms beside the required ones that tell when it began
    absence : share of its weight that a predicted symptom takes away where it is refuted
    prior : nats by which it is likelier than others before anything is seen
    """

    name: ClassVar[str]
    title: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    requires: ClassVar[tuple[str, ...]]
    predicts: ClassVar[Mapping[str, float]]
    forbids: ClassVar[Mapping[str, float]] = {}
    dated: ClassVar[tuple[str, ...]] = ()
    absence: ClassVar[float] = 1.0
    prior: ClassVar[float] = 0.0

    def fits(self, view: Signals, sights: Sights) -> bool:
        """Whether the cause is possible at all, beyond `requires`."""
        return True

    def specific(self, view: Signals, sights: Sights) -> str:
        """What stands after the dot, if the cause can be told more exactly; else ""."""
        return ""

    @abstractmethod
    def severity(self, view: Signals, sights: Sights) -> Severity:
        """Critical only where harm is established, or imminent by more than one signal."""

    @abstractmethod
    def summary(self, view: Signals, sights: Sights) -> str:
        """One sentence in plain words, with numbers and units."""

    def next(self, view: Signals, sights: Sights) -> tuple[Next, ...]:
        """What to do, with sizes where they can be had."""
        return ()

    def evidence(self, view: Signals, sights: Sights) -> tuple[Evidence, ...]:
        """Evidence beyond that of the symptoms."""
        return ()


def established(sights: Sights, *names: str) -> list[str]:
    """Which of these symptoms are established."""
    return [n for n in names if n in sights and sights[n].there]
