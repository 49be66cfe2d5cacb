"""Whether a reward model's margins mean what they say: reliability, Brier score, calibration error and its null band."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.ranking.temperature import LOG_TWO, Temperature, sigmoid, temperature
from analysis.uncertainty import cluster_codes, clustered_wilson, totals
from analysis.uncertainty.estimate import Estimate

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

BINS = 10
"""Bins of confidence between 0.5 and 1, as in the published tables."""

LOG_ODDS = frozenset({"bradley_terry", "plackett_luce"})
"""Losses at whose optimum the margin is the log-odds that the chosen response is preferred. Margins, smoothing and
weights added to them move the optimum."""


MANY = 50_000
"""Pairs from which on counts of right decisions in a bin are drawn from their normal limit: a thousand draws of each pair
would take a second and more."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Share of right decisions by confidence; all arrays (b,) for bins of equal width between 0.5 and 1.

    low, high : 95 % interval of the share, over prompts
    null_low, null_high : where 95 % of the shares would lie if confidence were right (Broecker and Smith 2007)
    """

    left: Floats
    right: Floats
    count: npt.NDArray[np.intp]
    confidence: Floats
    accuracy: Floats
    low: Floats
    high: Floats
    null_low: Floats
    null_high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Confidence:
    """How well confidence max(p, 1 - p) with p = sigmoid(margin / T) agrees with being right.

    brier : mean (1 - p)^2; 0.25 is worth nothing
    ece : expected calibration error over the bins, 0 to 0.5; above 0 even for a perfect model
    ece_null, ece_null95 : its mean and 95 % point if the model were perfect, with these n, confidences and prompts
    """

    temperature: float
    brier: float
    ece: float
    ece_null: float
    ece_null95: float
    reliability: Reliability


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Calibration of a scorer's pairs, as they are and at the fitted temperature.

    as_is : at T = 1; None where the loss does not make margins log-odds, so that T = 1 means nothing
    scaled : at the fitted temperature; None if there is none. That T was fitted to the same pairs makes its
        calibration error slightly too good
    verdict : "over-confident", "under-confident", "uneven" (no one scale mends it), "as confident as right",
        "no scale of its own" or "not computable"
    """

    n: int
    prompts: int
    fit: Temperature
    as_is: Confidence | None
    scaled: Confidence | None
    verdict: str
    statement: str


def calibration(
    margin: Floats, prompts: npt.NDArray[np.object_], rng: np.random.Generator, *, loss: str = "", bins: int = BINS
) -> Calibration:
    """Calibration of margins (n,); pairs without one are left out.

    Parameters
    ----------
    loss : the scorer's loss; "" (nobody says) is taken for Bradley-Terry, and the statement says so
    """
    kept = np.isfinite(margin)
    margin, prompts = margin[kept], prompts[kept]
    fit = temperature(margin, prompts, rng)
    meaningful = loss in LOG_ODDS or not loss
    as_is = confidence(margin, prompts, rng, bins=bins) if meaningful and len(margin) else None
    scaled = (
        confidence(margin, prompts, rng, scale=fit.temperature.value, bins=bins) if fit.temperature.computable else None
    )
    verdict, statement = _verdict(fit, as_is, loss)
    if as_is is not None and not loss and fit.temperature.computable:
        statement += "; nobody says the loss: this holds if margins are log-odds, as under Bradley-Terry"
    return Calibration(len(margin), cluster_codes(prompts)[1], fit, as_is, scaled, verdict, statement)


def confidence(
    margin: Floats,
    prompts: npt.NDArray[np.object_],
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    bins: int = BINS,
    draws: int = 1000,
) -> Confidence:
    """Confidence of finite margins (n,) at one temperature against being right; a tie is half right."""
    codes, clusters = cluster_codes(prompts)
    p = sigmoid(margin / scale)
    sure = np.maximum(p, 1 - p)
    right = np.where(margin > 0, 1.0, np.where(margin == 0, 0.5, 0.0))
    place = bin_of(sure, bins)
    drawn = if_perfect(sure, codes, clusters, _likeness(right - sure, codes, clusters), place, bins, rng, draws)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_sure, share = np.bincount(place, sure, bins) / count, np.bincount(place, right, bins) / count
        null_share = drawn / count
    null = np.abs(drawn - count * mean_sure).sum(axis=1, where=count > 0) / len(margin)
    edges = np.linspace(0.5, 1, bins + 1)
    low, high = _intervals(right, place, codes, clusters, bins)
    ends = np.full((2, bins), np.nan)
    ends[:, count > 0] = np.quantile(null_share[:, count > 0], [0.025, 0.975], axis=0)
    curve = Reliability(edges[:-1], edges[1:], count, mean_sure, share, low, high, ends[0], ends[1])
    return Confidence(
        scale, float(np.mean((1 - p) ** 2)), calibration_error(sure, right, bins), float(null.mean()),
        float(np.quantile(null, 0.95)), curve,
    )  # fmt: skip


def calibration_error(sure: Floats, right: Floats, bins: int = BINS) -> float:
    """Expected calibration error: mean over bins, weighted by count, of |share right - mean confidence|.

    Confidence is that of the decision, within 0.5 and 1. With sigmoid(margin) of pairs that all stand chosen first, the
    label would always be 1, and the error would measure under-confidence alone.
    """
    return float(np.abs(np.bincount(bin_of(sure, bins), right - sure, bins)).sum() / len(sure))


def bin_of(sure: Floats, bins: int) -> Codes:
    """Bin of each confidence; bins hold their lower edge, the last one both."""
    return np.clip(((sure - 0.5) * 2 * bins).astype(np.intp), 0, bins - 1)


def _likeness(residual: Floats, codes: Codes, clusters: int) -> float:
    """Correlation of being right between two pairs of one prompt, 0 to 1 (moment estimate)."""
    sizes = totals(codes, clusters, np.ones(len(residual)))
    pairs = float((sizes * (sizes - 1)).sum())
    squares = float((residual**2).sum())
    if pairs == 0 or squares == 0:
        return 0.0
    products = float((totals(codes, clusters, residual) ** 2).sum()) - squares
    return float(np.clip(products / pairs / (squares / len(residual)), 0.0, 1.0))


def if_perfect(
    sure: Floats, codes: Codes, clusters: int, likeness: float, place: Codes, bins: int,
    rng: np.random.Generator, draws: int, *, many: int = MANY,
) -> Floats:  # fmt: skip
    """(draws, bins) right decisions if confidence were right, pairs of a prompt being alike as they are in the data.

    Latent normal values with a common part by prompt; sin(pi / 2 * r) is the latent correlation of two halved normals
    whose signs correlate by r (Sheppard 1899).
    """
    if len(sure) > many:
        return _in_the_limit(sure, codes, clusters, likeness, place, bins, rng, draws)
    from scipy.special import ndtri

    common = np.sin(np.pi / 2 * likeness)
    threshold = ndtri(np.clip(sure, 0.5, 1 - 1e-12)).astype(np.float32)
    out = np.empty((draws, bins))
    at_once = max(1, (1 << 21) // max(len(sure), 1))
    to_bin = np.zeros((len(sure), bins), np.float32)
    to_bin[np.arange(len(sure)), place] = 1.0
    for start in range(0, draws, at_once):
        rows = min(at_once, draws - start)
        latent = np.sqrt(1 - common) * rng.standard_normal((rows, len(sure)), dtype=np.float32)
        if common > 0:
            latent += np.sqrt(common) * rng.standard_normal((rows, clusters), dtype=np.float32)[:, codes]
        out[start : start + rows] = (latent < threshold).astype(np.float32) @ to_bin
    return out


def _in_the_limit(
    sure: Floats, codes: Codes, clusters: int, likeness: float, place: Codes, bins: int,
    rng: np.random.Generator, draws: int,
) -> Floats:  # fmt: skip
    """The same of many pairs: sums of many decisions are normal, with the variance of each and the covariance within
    prompts; a bin never holds fewer right ones than none, or more than all.
    """
    variance = sure * (1 - sure)
    by_prompt = np.bincount(codes * bins + place, np.sqrt(variance), clusters * bins).reshape(clusters, bins)
    spread = np.diag((1 - likeness) * np.bincount(place, variance, bins)) + likeness * (by_prompt.T @ by_prompt)
    mean = np.bincount(place, sure, bins)
    drawn = mean + rng.multivariate_normal(np.zeros(bins), spread, size=draws, method="svd")
    return np.clip(drawn, 0.0, np.bincount(place, minlength=bins))


def _intervals(right: Floats, place: Codes, codes: Codes, clusters: int, bins: int) -> tuple[Floats, Floats]:
    ends = np.full((bins, 2), np.nan)
    for b in np.unique(place):
        here = place == b
        sums, sizes = (
            totals(codes[here], clusters, right[here]),
            totals(codes[here], clusters, np.ones(int(here.sum()))),
        )
        ends[b] = clustered_wilson(sums, sizes)[:2]
    return ends[:, 0], ends[:, 1]


def _verdict(fit: Temperature, as_is: Confidence | None, loss: str) -> tuple[str, str]:
    t = fit.temperature
    if not t.computable:
        return "not computable", t.because
    if as_is is None:
        scaled = f"at temperature {t.value:.3g} they are log-odds"
        return "no scale of its own", f"margins of the {loss.replace('_', ' ')} loss are no log-odds; {scaled}"
    at = f"temperature {t.value:.3g} ({_range(t)})"
    if t.low > 1:
        worse = ", worse than saying one half of everything" if fit.nll_as_is > LOG_TWO else ""
        return "over-confident", f"margins are too large: {at}; as they are the loss is {fit.nll_as_is:.3f} nats{worse}"
    if t.high < 1:
        return "under-confident", f"margins are too small: {at}"
    if as_is.ece > as_is.ece_null95:
        return "uneven", (
            f"{at} holds 1, yet the calibration error {as_is.ece:.3f} is above the {as_is.ece_null95:.3f} that chance "
            "alone reaches: confidence is wrong in some other way than by a scale"
        )
    return "as confident as right", (
        f"{at} holds 1, and the calibration error {as_is.ece:.3f} is within what chance alone reaches "
        f"({as_is.ece_null95:.3f})"
    )


def _range(t: Estimate) -> str:
    return f"{t.low:.3g} to {t.high:.3g}" if np.isfinite(t.high) else f"{t.low:.3g} or more"
