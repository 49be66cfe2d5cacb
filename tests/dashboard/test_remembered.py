"""Answers made once for all who ask.

Where an expert would catch it being wrong: two threads that ask at once both make it; a failure is kept and told
forever, or hangs those who wait; memory grows with every question; one question's answer given to another.
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.remembered import Remembered


def test_who_asks_at_the_same_time_waits_for_the_one_answer():
    kept: Remembered[int] = Remembered(4)
    made, go = [], threading.Event()

    def make() -> int:
        go.wait(5)
        made.append(1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(kept.get, "key", make) for _ in range(8)]
        go.set()
        assert [answer.result(5) for answer in answers] == [1] * 8
    assert made == [1]


def test_a_failure_reaches_all_who_wait_and_is_tried_again():
    kept: Remembered[int] = Remembered(4)
    with pytest.raises(ValueError, match="broken"):
        kept.get("key", lambda: (_ for _ in ()).throw(ValueError("broken")))
    assert kept.get("key", lambda: 7) == 7


def test_the_oldest_is_forgotten_and_keys_are_told_apart():
    kept: Remembered[str] = Remembered(2)
    for key in ("a", "b", "a", "c"):
        assert kept.get(key, lambda key=key: key) == key
    assert kept.get("a", lambda: "made anew") == "a"
    assert kept.get("b", lambda: "made anew") == "made anew"
