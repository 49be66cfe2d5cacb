"""Nobody looks ahead: the diagnosis of a log so far is never changed by rows that come later, other than by later events."""

import numpy as np
import pytest

from analysis.diagnosis.engine import diagnose
from analysis.diagnosis.looks import looks
from analysis.diagnosis.signals import WHOLE, Series, blocks
from tests.analysis.diagnosis.worlds import demo, healthy, needs_labelled, of_demo

RUNS = ("ppo-ea7b", "grpo-59d9", "ppo-403c", "grpo-19c9", "ppo-ad21", "grpo-cec4", "rloo-4a50")


def history(said, until=np.inf):
    """Everything that was told up to a step: when, what happened, to what, how serious."""
    return {(e.at, e.change, e.cause, e.severity) for f in said.findings for e in f.events if e.at <= until}


def prefixes(signals, count=6):
    steps = signals.steps
    return [float(steps[int(len(steps) * share)]) for share in np.linspace(0.2, 0.95, count)]


@needs_labelled
@pytest.mark.parametrize("run", RUNS)
def test_later_rows_add_later_events_only(real, run):
    whole = real(run)
    told = diagnose(whole)
    for step in prefixes(whole):
        assert history(diagnose(whole.until(step))) == history(told, step)


def test_the_looks_of_a_prefix_are_looks_of_the_whole():
    whole = of_demo(demo(0, blown=True))
    every = set(looks(whole))
    for step in (30.0, 77.0, 150.0, 333.0):
        assert set(looks(whole.until(step))) == {x for x in every if x <= step}


def test_events_up_to_a_step_are_those_of_the_log_up_to_it():
    whole = of_demo(demo(3, blown=True))
    told = diagnose(whole)
    for step in (205.0, 214.0, 240.0, 300.0, 390.0):
        assert history(diagnose(whole.until(step))) == history(told, step)


def test_a_healthy_prefix_stays_healthy_in_retrospect():
    whole = healthy(5)
    assert not diagnose(whole.until(150.0)).findings


def test_blocks_of_a_long_curve_do_not_move_when_it_grows():
    rng = np.random.default_rng(0)
    values = rng.standard_normal(20 * WHOLE + 7)
    steps = np.arange(len(values))
    long = Series.of("m", steps, values)
    for n in (WHOLE - 1, WHOLE + 1, 3 * WHOLE + 5, 17 * WHOLE):
        short = Series.of("m", steps[:n], values[:n])
        assert np.array_equal(short.values, long.values[: len(short)])
        assert len(short) > 0
        assert short.steps[-1] >= n * (1 - 1 / 200) - 1  # no more than half a per cent is waited for


def test_blocks_hold_every_row_once():
    starts, ends = blocks(5 * WHOLE + 3)
    assert np.array_equal(starts[1:], ends[:-1])
    assert starts[0] == 0


def test_a_series_cut_at_a_step_holds_nothing_later():
    cut = of_demo(demo(0, blown=True)).until(100.0)
    assert max(s.steps[-1] for s in cut.series.values() if len(s)) <= 100
