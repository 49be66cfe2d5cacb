"""KL that blows up on the trace of the peers' demo: found within 15 steps, in whatever unit and with whatever else is logged."""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import DEMO, changed, demo, of_demo, serious

SEEDS = range(10)
SCALES = {"per token": 1.0, "per sequence": 180.0}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("unit", SCALES)
def test_a_blow_up_is_found_within_15_steps_and_harm_makes_it_critical(seed, unit):
    trace = demo(seed, blown=True)
    trace["kl"] = [v * SCALES[unit] for v in trace["kl"]]
    found = diagnose(of_demo(trace, kl_unit=f"nats {unit}")).findings[0]
    assert (found.cause, found.severity) == ("kl_runaway", "critical")
    assert 200 < found.detected.value <= 215
    assert found.onset.low <= 201 <= found.onset.high


@pytest.mark.parametrize("seed", SEEDS)
def test_kl_alone_only_warns(seed):
    said = diagnose(of_demo(demo(seed, blown=True), only=("kl",)))
    assert serious(said) == [("warning", "kl_runaway")]
    assert said.findings[0].detected.value <= 215


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_found_on_the_healthy_trace(seed):
    assert not serious(diagnose(of_demo(demo(seed, blown=False))))


@pytest.mark.parametrize("seed", SEEDS[:3])
@pytest.mark.parametrize("missing", ["entropy", "reward_std", "value_loss", "approx_kl", "lr"])
def test_a_missing_key_changes_no_verdict(seed, missing):
    keys = tuple(k for k in DEMO if k != missing)
    assert diagnose(of_demo(demo(seed, blown=True), only=keys)).findings[0].cause == "kl_runaway"
    assert not serious(diagnose(of_demo(demo(seed, blown=False), only=keys)))


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_entropy_that_starts_at_half_a_nat_is_no_fault(seed):
    trace = demo(seed, blown=False)
    trace["entropy"] = [0.2 * v for v in trace["entropy"]]
    assert not serious(diagnose(of_demo(trace)))


@pytest.mark.parametrize("factor", [0.01, 1000.0])
def test_units_of_the_reward_change_no_verdict(factor):
    trace = demo(1, blown=True)
    for key in ("reward_mean", "reward_std"):
        trace[key] = [factor * v for v in trace[key]]
    trace["value_loss"] = [factor**2 * v for v in trace["value_loss"]]
    told = diagnose(of_demo(trace)).findings[0]
    plain = diagnose(of_demo(demo(1, blown=True))).findings[0]
    assert (told.cause, told.severity, told.detected) == (plain.cause, plain.severity, plain.detected)


def test_without_the_order_of_the_rows_there_is_no_runaway():
    given = of_demo(demo(2, blown=True))
    shuffled = np.random.default_rng(0).permutation(len(given.series["kl.to_reference"]))
    told = diagnose(changed(given, kl__to_reference=lambda s, v: v[shuffled]))
    assert all(f.cause != "kl_runaway" for f in told.findings)
