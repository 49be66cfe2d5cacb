"""Answers made once for all who ask.

Where an expert would catch it being wrong: two threads that ask at once both make it; a failure is kept and told
forever, or hangs those who wait; memory grows with every question, or with every row of a run that is written to; the
answer of older data; one question's answer given to another; a word that moves on every question, or never again.
"""

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from dashboard.remembered import Remembered, Seldom


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


def test_an_answer_about_older_data_gives_way_and_leaves_nothing_behind():
    class Big:
        pass

    kept: Remembered[Big] = Remembered(4)
    of_versions = [weakref.ref(kept.get("run", Big, version)) for version in ("1", "2", "3")]
    assert kept.get("run", Big, "3") is of_versions[2]()
    gc.collect()
    assert [ref() is None for ref in of_versions] == [True, True, False]


def test_a_failure_about_older_data_forgets_nothing_newer():
    kept: Remembered[int] = Remembered(4)

    def fails() -> int:
        assert kept.get("run", lambda: 2, "new") == 2
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        kept.get("run", fails, "old")
    assert kept.get("run", lambda: 3, "new") == 2


def test_a_word_stands_for_a_while_and_then_moves(monkeypatch):
    clock = [100.0]
    monkeypatch.setattr("dashboard.remembered.time.monotonic", lambda: clock[0])
    words = Seldom(4.0, 2)
    assert words.of("a", "v1") == "v1"
    clock[0] = 103.0
    assert words.of("a", "v2") == "v1"
    assert words.of("b", "v9") == "v9"
    clock[0] = 104.5
    assert words.of("a", "v3") == "v3"
    clock[0] = 1000.0
    assert words.of("a", "v3") == "v3"
    assert words.of("a", "v4") == "v4"


def test_words_of_keys_that_nobody_asks_for_are_forgotten():
    words = Seldom(1e9, 2)
    for key in ("a", "b", "c"):
        words.of(key, "old")
    assert words.of("b", "new") == "old"
    assert words.of("a", "new") == "new"
