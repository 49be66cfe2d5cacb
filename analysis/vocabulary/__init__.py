"""Canonical metrics as data, and the way from a logged tag to its meaning.

>>> from analysis.vocabulary import resolve
>>> run = resolve(["train/objective/kl", "train/objective/rlhf_reward", "train/loss/value_avg"])
>>> run["train/objective/kl"].concept, run["train/objective/kl"].unit
('kl.to_reference', 'nats per sequence')
"""

from __future__ import annotations

from analysis.vocabulary.axes import comparable, primary
from analysis.vocabulary.concepts import Concept, Name, Vocabulary, label, load
from analysis.vocabulary.guessing import FrameworkGuess, guess_framework
from analysis.vocabulary.resolver import Resolution, resolve

__all__ = [
    "Concept",
    "FrameworkGuess",
    "Name",
    "Resolution",
    "Vocabulary",
    "comparable",
    "guess_framework",
    "label",
    "load",
    "primary",
    "resolve",
]
