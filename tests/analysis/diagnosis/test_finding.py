"""A diagnosis is plain data: it goes to JSON and comes back the same."""

import json
import math
from dataclasses import replace

import pytest

from analysis.diagnosis.finding import (
    Alternative,
    Detected,
    Diagnosis,
    Event,
    Evidence,
    Finding,
    Next,
    NotChecked,
    Onset,
    Size,
    Undecided,
    verdict_of,
)


def finding(severity="critical", **changes):
    said = {
        "id": "ppo-b:reward_hacking",
        "rank": 1,
        "scope": {"run": "ppo-b"},
        "cause": "reward_hacking",
        "symptoms": ("kl_runaway",),
        "severity": severity,
        "confidence": 0.9,
        "summary": "Reward rises while gold falls.",
        "onset": Onset(410, 380, 430),
        "detected": Detected(431),
        "evidence": (Evidence("Reward rose by 1.8 SD.", value=1.8, low=1.2, high=2.4, unit="SD", range=(380, 520)),),
        "against": (Evidence("KL is small.", "not_established", needed=40),),
        "next": (Next("Raise the KL coefficient.", "KL is past the peak.", Size("kl_coefficient", 0.05, 0.12)),),
        "alternatives": (Alternative("length_hacking", 0.4),),
        "events": (Event(431, "raised", "reward_hacking", "warning"),),
    }
    return Finding(**{**said, **changes})


def test_a_diagnosis_comes_back_from_json_the_same():
    whole = Diagnosis(
        "ppo-b", "runs/ppo-b", "policy", "trl", "failing", "Failing.", (finding(),), ("kl",),
        (NotChecked("value", "no value loss is logged"),), 520.0, (Undecided("score", "It is 0.1 SD up.", math.inf, "pairs"), ),
    )  # fmt: skip
    text = json.dumps(whole.document(), allow_nan=False)
    back = Diagnosis.of(json.loads(text))
    assert replace(back, undecided=whole.undecided) == whole
    assert back.undecided == (Undecided("score", "It is 0.1 SD up.", None, "pairs"),)  # more than all is not known


def test_what_would_decide_is_told_where_it_is_known_and_within_reach():
    assert Undecided("score", "It is open.", 640).told == "It is open. About 640 rows in all would tell."
    assert Undecided("score", "It is open.", None).told == "It is open."
    assert Undecided("score", "It is open.", 1e9, "pairs").told == "It is open."


def test_an_event_without_a_step_comes_back_without_one():
    event = Event(math.inf, "raised", "rm_length_bias", "warning")
    assert Event.of(json.loads(json.dumps(event.document(), allow_nan=False))) == event


def test_the_size_of_a_next_step_is_from_and_to():
    assert finding().document()["next"][0]["size"] == {"metric": "kl_coefficient", "from": 0.05, "to": 0.12}


def test_numbers_that_json_does_not_know_become_null():
    document = Evidence("Loss is not finite.", value=math.nan, high=math.inf, range=(3, math.nan)).document()
    assert (document["value"], document["high"], document["range"]) == (None, None, [3, None])


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [((), "healthy"), (("info",), "healthy"), (("info", "warning"), "watch"), (("warning", "critical"), "failing")],
)
def test_a_verdict_follows_the_worst_finding(severities, verdict):
    assert verdict_of([finding(s) for s in severities]) == verdict
