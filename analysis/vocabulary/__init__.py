"""Canonical metrics as data, and the way from a logged tag to its meaning."""

from __future__ import annotations

from analysis.vocabulary.concepts import Concept, Name, Vocabulary, label, load
from analysis.vocabulary.resolver import (
    FrameworkGuess,
    Resolution,
    comparable,
    guess_framework,
    primary,
    resolve,
)

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
