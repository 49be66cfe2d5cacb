"""Words over-used together: found where none of them is established alone, and silent as often as stated.

An expert would look for: words chosen and tested on the same pairs, quality words that the labels follow as well, words
that move the margin the other way summed up to nothing, answers of one prompt in both halves.
"""

from __future__ import annotations

import numpy as np

from analysis.ranking.bias import bias
from analysis.ranking.features import text_features
from analysis.ranking.scored import ScoredPairs
from analysis.ranking.wordgroup import WordGroup, word_group
from tests.analysis.ranking.made import pairs

PLAIN = [f"{a}{b}" for a in ("ba", "co", "du", "fi") for b in ("ran", "lit", "mos", "pek", "zun")]
SWEET = [f"sweet{x}" for x in "abcde"]


def made(
    n: int, *, taste: float, worth: float = 0.0, seed: int = 0, prompts: int = 0
) -> tuple[ScoredPairs, list[str], list[str]]:
    """Pairs whose labels follow quality (and sweet words by `worth`), scored by quality and sweet words by `taste`."""
    rng = np.random.default_rng(seed)
    sweet = rng.random((n, 2)) < 0.35
    quality = rng.normal(size=(n, 2))
    true = 1.2 * quality + worth * sweet
    order = np.where((rng.random(n) < 1 / (1 + np.exp(true[:, 1] - true[:, 0])))[:, None], [0, 1], [1, 0])
    sweet, quality = (np.take_along_axis(x, order, axis=1) for x in (sweet, quality))

    def text(is_sweet: bool) -> str:
        words = [str(w) for w in rng.choice(PLAIN, rng.integers(6, 11))]
        if is_sweet:
            words[0] = str(rng.choice(SWEET))
        return " ".join(words)

    texts = [[text(bool(sweet[i, side])) for i in range(n)] for side in (0, 1)]
    margin = 1.2 * (quality[:, 0] - quality[:, 1]) + taste * (sweet[:, 0].astype(float) - sweet[:, 1])
    ids = [f"q{i % prompts}" for i in range(n)] if prompts else None
    return pairs("rm", margin, prompts=ids), *texts


def found(scored: ScoredPairs, chosen: list[str], rejected: list[str]) -> WordGroup:
    return word_group(scored, text_features(chosen, rejected), np.random.default_rng(0))


def test_five_words_together_where_hardly_one_is_established_alone():
    scored, chosen, rejected = made(1500, taste=1.0, seed=2)
    group = found(scored, chosen, rejected)
    alone = bias(scored, text_features(chosen, rejected)).having("over-used")
    assert group.established
    assert group.p < 1e-4
    assert set(group.words) <= {f"{w!r}" for w in SWEET}
    assert len(group.words) > sum(e.kind == "word" for e in alone)
    assert group.claimed > group.justified


def test_words_that_the_labels_follow_as_well_are_not_over_used():
    assert not found(*made(1500, taste=1.0, worth=1.0, seed=2)).established


def test_a_false_claim_is_as_rare_as_stated():
    """100 models whose margins are all worth what they claim, five answers a prompt in every second one."""
    claims = sum(
        found(*made(400, taste=1.0, worth=1.0, seed=s, prompts=80 if s % 2 else 0)).established for s in range(100)
    )
    assert claims <= 0.05 * 100 + 3 * np.sqrt(100 * 0.05 * 0.95)


def test_texts_without_words_and_scores_without_errors_have_none():
    scored, chosen, rejected = made(200, taste=0.0)
    assert found(scored, ["123"] * 200, ["456"] * 200).words == ()
    right = pairs("rm", np.abs(scored.margin) + 0.1)
    assert found(right, chosen, rejected).words == ()
