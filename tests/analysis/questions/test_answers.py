"""Answers kept by question and version. An expert would look for: two who ask at once and both wait for their own, a failure
that is kept, an answer to an old version, memory without end.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from analysis.questions.answers import Answers


def test_who_asks_at_the_same_time_gets_the_one_answer():
    answers, go, made = Answers(), threading.Event(), []

    def work() -> int:
        go.wait(5)
        made.append(1)
        return len(made)

    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(answers.get, "q", "1", work) for _ in range(6)]
        go.set()
        assert [a.result(5) for a in asked] == [1] * 6


def test_a_new_version_is_worked_out_anew_and_the_old_one_forgotten():
    answers = Answers()
    assert answers.get("q", "1", lambda: "old") == "old"
    assert answers.get("q", "1", lambda: "never") == "old"
    assert answers.get("q", "2", lambda: "new") == "new"


def test_a_failure_is_raised_and_tried_again():
    answers = Answers()
    with pytest.raises(KeyError):
        answers.get("q", "1", lambda: {}["no"])
    assert answers.get("q", "1", lambda: 3) == 3


def test_the_longest_unused_question_is_forgotten():
    answers = Answers(kept=2)
    for question in ("a", "b", "a", "c"):
        answers.get(question, "1", lambda question=question: question)
    assert answers.get("a", "1", lambda: "anew") == "a"
    assert answers.get("b", "1", lambda: "anew") == "anew"
