"""Calibration: against the oracle, published tables and simulated perfect models.

An expert would look for: an error that measures under-confidence alone as all pairs stand chosen first, a perfect
model accused because calibration error is never 0, prompts with many pairs, a hinge loss called over-confident,
ties, a bin nobody is in.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.ranking.calibration import bin_of, calibration, calibration_error, confidence, if_perfect
from analysis.ranking.temperature import sigmoid
from tests.analysis.ranking.conftest import run_of
from tests.analysis.ranking.test_temperature import MARGINS, made
from tests.oracles import oracle


def own(n: int) -> np.ndarray:
    return np.arange(n).astype(object)


def of(margin, prompts=None, *, loss="bradley_terry", seed=0):
    margin = np.asarray(margin, float)
    prompts = own(len(margin)) if prompts is None else np.asarray(prompts, object)
    return calibration(margin, prompts, np.random.default_rng(seed), loss=loss)


def test_the_worked_example():
    given, expected, tolerance = oracle("calib.margins8")
    margin = np.array(given["margins"])
    found = confidence(margin, own(8), np.random.default_rng(0), bins=5)
    assert found.brier == pytest.approx(expected["brier"], abs=tolerance)
    assert found.ece == pytest.approx(expected["ece5"], abs=tolerance)


def test_confidence_is_that_of_the_decision():
    """Five bins on [0.5, 1] give 0.2552; binning p with the label always 1 would give 0.4037 in ten bins."""
    p = sigmoid(MARGINS)
    assert calibration_error(np.maximum(p, 1 - p), (MARGINS > 0).astype(float), 5) == pytest.approx(0.25519190239)
    assert np.abs(np.bincount((p * 10).astype(int), 1 - p, 10)).sum() / 8 == pytest.approx(0.4037, abs=1e-4)


@pytest.mark.parametrize(("n", "mean", "high"), [(100, 0.098, 0.139), (350, 0.055, 0.079), (1000, 0.032, 0.046), (5000, 0.014, 0.020)])  # fmt: skip
def test_a_perfect_model_has_this_calibration_error(n, mean, high):
    """Simulated by other code: margins N(0, 1.5^2), 10 bins."""
    rng = np.random.default_rng(n)
    size = np.abs(rng.normal(0, 1.5, n))
    found = confidence(size * np.where(rng.random(n) < sigmoid(size), 1, -1), own(n), rng)
    assert found.ece_null == pytest.approx(mean, rel=0.08)
    assert found.ece_null95 == pytest.approx(high, rel=0.08)


def test_perfect_models_are_accused_as_rarely_as_stated():
    accused = []
    for seed in range(300):
        margin = made(150, 1.0, seed)
        found = confidence(margin, own(150), np.random.default_rng(seed), draws=200)
        accused.append(found.ece > found.ece_null95)
    assert np.mean(accused) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 300))


def test_prompts_with_many_alike_pairs_widen_the_null():
    rng = np.random.default_rng(0)
    accused, widths = [], []
    for seed in range(100):
        size = np.abs(made(40, 1.0, seed))
        right = rng.random(40) < sigmoid(size)
        margin = np.repeat(np.where(right, size, -size), 5)
        found = confidence(margin, np.repeat(own(40), 5), rng, draws=200)
        alone = confidence(margin, own(200), rng, draws=200)
        accused.append(found.ece > found.ece_null95)
        widths.append(found.ece_null95 / alone.ece_null95)
    assert np.mean(accused) < 0.15
    assert np.mean(widths) > 1.5


@pytest.mark.parametrize(("stretch", "verdict"), [(3.0, "over-confident"), (0.3, "under-confident"), (1.0, "as confident as right")])  # fmt: skip
def test_the_verdict_names_the_direction(stretch, verdict):
    found = of(made(1500, stretch))
    assert found.verdict == verdict
    assert found.scaled.ece < 0.06


def test_a_wrong_shape_is_no_wrong_scale():
    """Right in 75 % of all pairs whatever the margin: large margins are too sure, small ones not sure enough."""
    rng = np.random.default_rng(2)
    size = rng.choice([0.2, 2.2], 4000)
    found = of(size * np.where(rng.random(4000) < 0.75, 1, -1))
    assert found.as_is.ece > found.as_is.ece_null95
    assert found.scaled.ece > found.scaled.ece_null95
    assert found.verdict in ("uneven", "over-confident")


@pytest.mark.parametrize("loss", ["hinge", "mse", "listnet"])
def test_margins_that_are_no_log_odds_are_not_judged_as_such(loss):
    found = of(made(1500, 5.0), loss=loss)
    assert found.verdict == "no scale of its own"
    assert found.as_is is None
    assert found.scaled.ece < 0.06
    assert loss in found.statement


def test_an_unknown_loss_is_said():
    assert "nobody says the loss" in of(made(500, 5.0), loss="").statement
    assert "nobody says" not in of(made(500, 5.0)).statement


def test_worse_than_a_constant_is_said():
    assert "worse than saying one half" in of(made(1000, 12.0)).statement
    assert "worse than saying one half" not in of(made(1000, 1.3)).statement


def test_the_reliability_curve_lies_in_its_null_band_for_a_perfect_model():
    curve = of(made(3000, 1.0)).as_is.reliability
    assert curve.count.sum() == 3000
    assert ((curve.null_low <= curve.accuracy) & (curve.accuracy <= curve.null_high)).mean() >= 0.8
    assert ((curve.low <= curve.confidence) & (curve.confidence <= curve.high)).mean() >= 0.8
    assert (curve.left[0], curve.right[-1]) == (0.5, 1.0)


def test_empty_bins_are_no_numbers():
    curve = of(np.r_[np.full(30, 0.01), np.full(20, -0.01)]).as_is.reliability
    assert curve.count.tolist() == [50] + [0] * 9
    assert np.isnan(curve.accuracy[1:]).all()
    assert np.isnan(curve.null_low[1:]).all()


def test_ties_are_half_right_at_one_half():
    found = confidence(np.zeros(40), own(40), np.random.default_rng(0))
    assert found.ece == 0
    assert found.brier == 0.25


@pytest.mark.parametrize("margin", [[1.0, -1.0, 2.0], [np.nan] * 10, []])
def test_bad_data_are_not_computable(margin):
    found = of(margin)
    assert found.verdict == "not computable"
    assert found.scaled is None
    assert "needs 6" in found.statement


@pytest.mark.parametrize(
    ("model", "t", "nll", "ece", "after", "verdict"),
    [
        ("Skywork-Reward-Gemma-2-27B", 11.67, 0.613, 0.296, 0.045, "over-confident"),
        ("Skywork-Reward-Llama-3.1-8B", 14.22, 0.630, 0.326, 0.056, "over-confident"),
        ("internlm2-20b-reward", 1.03, 0.614, 0.053, 0.054, "as confident as right"),
    ],
)
def test_real_models(published_board, model, t, nll, ece, after, verdict):
    pairs = published_board.scored_pairs(run_of("judgebench", model))
    found = of(pairs.margin, pairs.prompts, loss="")
    assert found.fit.temperature.value == pytest.approx(t, abs=6e-3)
    assert found.fit.nll.value == pytest.approx(nll, abs=6e-4)
    assert found.as_is.ece == pytest.approx(ece, abs=6e-4)
    assert found.scaled.ece == pytest.approx(after, abs=6e-4)
    assert found.verdict == verdict


def test_many_pairs_have_the_null_band_that_their_simulation_has():
    rng = np.random.default_rng(3)
    sure = rng.uniform(0.5, 1, 4000)
    codes = np.repeat(np.arange(800), 5)
    place = bin_of(sure, 5)
    for likeness in (0.0, 0.3):
        args = sure, codes, 800, likeness, place, 5
        exact = if_perfect(*args, np.random.default_rng(0), 3000)
        limit = if_perfect(*args, np.random.default_rng(1), 3000, many=0)
        assert limit.mean(axis=0) == pytest.approx(exact.mean(axis=0), rel=5e-3)
        assert limit.std(axis=0) == pytest.approx(exact.std(axis=0), rel=0.08)
        assert limit.sum(axis=1).std() == pytest.approx(exact.sum(axis=1).std(), rel=0.08)
