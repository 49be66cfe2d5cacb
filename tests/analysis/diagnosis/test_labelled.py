"""Real runs with known causes: the first finding names the cause, healthy runs raise no alarm."""

import pytest

from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import LABELLED, first, needs_labelled, serious, truth

POLICIES = (
    sorted(p.name for p in LABELLED.iterdir() if p.name.startswith(("ppo-", "grpo-", "rloo-")))
    if LABELLED.is_dir()
    else ["-"]
)


@needs_labelled
@pytest.mark.parametrize("run", POLICIES)
def test_a_labelled_policy_run(real, run):
    known, told = truth(run), diagnose(real(run))
    accepted = {known["failure"], *known["also_acceptable"]}
    if known["failure"] != "healthy":
        assert first(told) in accepted
        assert told.verdict in ("failing", "watch")
        return
    assert all(severity != "critical" for severity, _ in serious(told))
    assert {cause for _, cause in serious(told)} <= accepted
    assert told.checked  # a clean bill names what was checked


@needs_labelled
def test_a_finding_tells_when_it_was_seen_and_when_it_began(real):
    (found, *_) = diagnose(real("grpo-59d9")).findings
    assert found.detected.value - truth("grpo-59d9")["first_visible_step"] <= 5
    assert found.onset.low <= truth("grpo-59d9")["onset_step"] <= found.onset.high


@needs_labelled
def test_the_next_step_has_a_size(real):
    (found, *_) = diagnose(real("ppo-3d53")).findings
    rate = next(n.size for n in found.next if n.size and n.size.metric == "learning_rate")
    assert rate.old == pytest.approx(0.03)
    assert 1e-4 <= rate.new <= 5e-3  # healthy runs of the same kind were trained with 5e-4 to 1e-3


@needs_labelled
def test_what_could_not_be_checked_is_said(real):
    missing = {n.check: n.because for n in diagnose(real("ppo-8e81")).not_checked}
    assert any("gold" in why for why in missing.values())
    assert any("gradient norm" in why for why in missing.values())
