"""What a server says of its own times: durations by kind, the newest of them, whatever happened inside.

Where an expert would catch it being wrong: a failed answer left out (failures are often the slow ones); kinds mixed;
quantiles of nothing; old answers of a busy morning told forever.
"""

import time

import pytest

from analysis import timings
from analysis.timings import Timings


def test_answers_are_timed_by_kind_also_those_that_fail():
    clock = Timings()
    with clock.timed("request"):
        time.sleep(0.02)
    with pytest.raises(ZeroDivisionError), clock.timed("script"):
        1 / 0  # noqa: B018
    told = clock.summary()
    assert set(told) == {"request", "script"}
    assert told["request"]["n"] == told["script"]["n"] == 1
    assert told["request"]["p50"] >= 0.02 > told["script"]["p99"]


def test_quantiles_are_of_the_newest_answers(monkeypatch):
    monkeypatch.setattr(timings, "KEPT", 100)
    ticks = iter(range(10_000))
    monkeypatch.setattr(timings.time, "perf_counter", lambda: 0.0)
    clock = Timings()
    for seconds in [1000.0] * 50 + [float(i) for i in range(1, 101)]:
        now = iter([0.0, seconds])
        monkeypatch.setattr(timings.time, "perf_counter", lambda now=now: next(now))
        with clock.timed("request"):
            next(ticks)
    told = clock.summary()["request"]
    assert told["n"] == 100
    assert told["p50"] == pytest.approx(50.5)
    assert told["p95"] == pytest.approx(95.05)


def test_nothing_asked_is_nothing_told():
    assert Timings().summary() == {}
