"""preference_overfit. An expert would look for: a held-out loss that wavers, one that rises without training going on, two
evaluations, accuracy that holds while margins grow too sure, losses of policies that are no preference optimisation.
"""

import numpy as np
import pytest

from analysis.board import Board
from analysis.diagnosis.engine import diagnose
from tests.analysis.diagnosis.worlds import causes, left_open, noise, signals

N = 120
T = np.arange(N) / N
CHECK = "whether preferences are learned by heart"


@pytest.fixture(scope="module")
def dpo_runs(real_runs):
    with Board.open() as board:
        board.ingest(real_runs / "trl_dpo_gams_wandb")
        return {run.rpartition("-")[2]: board.diagnose(run) for run in board.runs()["run"]}


def drawn(held, *, train=None, accuracy=None, held_accuracy=None, seed=2):
    """A DPO run with as many evaluations as `held` has values; the last one ends the log."""
    rng = np.random.default_rng(seed)
    fall = 0.69 * np.exp(-3 * T) if train is None else train
    at = np.linspace(N / len(held), N, len(held)).astype(int)
    return signals(
        trainer="DPO", loss__total=fall + 0.015 * noise(rng, N, 0),
        **{
            "eval/loss.total": (at, np.asarray(held)), "dpo.accuracy": (0.5 + 0.48 * (1 - np.exp(-5 * T)) if accuracy is None else accuracy) + 0.01 * noise(rng, N, 0),
            "eval/dpo.accuracy": (at, np.full(len(held), 0.75) if held_accuracy is None else held_accuracy + 0.002 * rng.standard_normal(len(held))),
        },
    )  # fmt: skip


def test_fires_on_a_real_run_from_its_best_evaluation(dpo_runs):
    """Held-out loss 0.455 at the second evaluation, about 0.54 at all later ones; accuracy stands at 0.78."""
    found = dpo_runs["98huyvu2"].findings[0]
    assert (found.cause, found.severity) == ("preference_overfit", "warning")
    assert found.onset.value == 418
    assert found.evidence[0].value == pytest.approx(0.087, abs=0.001)
    assert any(n.size and n.size.metric == "checkpoint" and n.size.new == 418 for n in found.next)


def test_fires_as_critical_where_the_loss_ends_above_its_start_and_nothing_carries_over():
    held = [0.66, 0.62, 0.6, 0.64, 0.72, 0.81, 0.9, 0.98, 1.05, 1.1, 1.14, 1.16, 1.18, 1.19, 1.2, 1.2]
    found = diagnose(drawn(held, held_accuracy=np.full(len(held), 0.57))).findings[0]
    assert (found.cause, found.severity) == ("preference_overfit", "critical")
    assert {"preference_loss_rises", "preferences_carry_little"} <= set(found.symptoms)


def test_look_alike_a_real_run_whose_held_out_loss_falls_to_the_end(dpo_runs):
    assert dpo_runs["vu2vv7vi"].verdict == "healthy"
    assert CHECK in dpo_runs["vu2vv7vi"].checked


def test_look_alike_a_rise_while_training_stands_still():
    held = [0.5, 0.52, 0.54, 0.56, 0.58, 0.6, 0.62, 0.64, 0.66, 0.68, 0.7, 0.71]
    said = diagnose(drawn(held, train=np.full(N, 0.6), accuracy=np.full(N, 0.7)))
    assert "preference_overfit" not in causes(said)


def test_look_alike_a_policy_loss_that_has_no_meaning_from_row_to_row():
    """GRPO's loss grows with its KL term, its evaluations' too: no preferences, no finding."""
    run = signals(trainer="GRPO", loss__total=0.3 - 0.2 * T, **{"eval/loss.total": (np.arange(10, N, 10), np.linspace(0.1, 0.4, 11))})  # fmt: skip
    assert "preference_overfit" not in causes(diagnose(run))


def test_not_established_on_a_real_run_that_is_two_evaluations_past_its_best(dpo_runs):
    said = dpo_runs["gglrt4hk"]
    assert "preference_overfit" not in causes(said)
    told = left_open(said, CHECK)
    assert "0.124 at step 916" in told
    assert "noise alone" in told


def test_not_established_by_two_evaluations():
    assert "2 evaluations" in left_open(diagnose(drawn([0.5, 0.7])), CHECK)
