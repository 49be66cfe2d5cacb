"""truncation. An expert would look for: a tenth that is cut off, a share about one half, a log without it."""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, changed, left_open, needs_labelled, noise, serious

pytestmark = needs_labelled
RNG = np.random.default_rng(7)


def test_fires_from_where_most_comparisons_hold_an_unfinished_response(real):
    cut = changed(real("grpo-b2f0"), response__truncated_fraction=lambda s, v: np.clip(s / 120, 0, 0.95))
    found = next(f for f in diagnose(cut).findings if f.cause == "truncation")
    assert found.severity == "warning"
    # of two responses one is cut off more often than not beyond 29 %
    assert found.onset.value == pytest.approx(0.29 * 120, abs=3)


def test_look_alike_a_tenth_that_is_cut_off(real):
    assert not serious(
        diagnose(
            changed(real("grpo-b2f0"), response__truncated_fraction=lambda s, v: 0.1 + 0.02 * noise(RNG, len(v), 0))
        )
    )


def test_not_established_without_the_share(real):
    assert "truncated" in left_open(
        diagnose(changed(real("grpo-b2f0"), without=("response.truncated_fraction",))), "cut off"
    )


def test_not_established_where_half_of_them_is_in_doubt(real):
    doubt = changed(real("grpo-b2f0"), response__truncated_fraction=lambda s, v: 0.52 + 0.06 * noise(RNG, len(v), 0.3))
    said = diagnose(doubt)
    assert "truncation" not in causes(said)
    assert "rows in all would tell" in left_open(said, "whether responses are cut off")


def ends(real, count, **more):
    """A PPO run of 64 responses an update, of which so many have an end-of-text token."""
    return changed(real("ppo-8e81"), response__eos_count=count, **more)


def test_fires_on_ends_that_a_trainer_counts(real):
    few = 20 + 3 * noise(RNG, 160, 0)
    found = diagnose(ends(real, np.round(few)))
    assert "truncation" in causes(found)
    told = next(f for f in found.findings if f.cause == "truncation")
    assert told.evidence[0].value == pytest.approx(1 - 20 / 64, abs=0.05)


def test_look_alike_padding_that_is_counted_with_the_ends(real):
    """Where both are one token there are more of them than responses: nothing follows for a single response."""
    padded = np.round(400 + 90 * noise(RNG, 160, 0))
    assert "truncation" not in causes(diagnose(ends(real, padded)))


def test_not_established_by_ends_of_a_batch_of_unknown_size(real):
    said = diagnose(ends(real, np.full(160, 12.0), config={"local_batch_size": None}))
    assert "truncated" in left_open(said, "responses are cut off")
