"""Runs of other people, each beside what is known of it (`SOURCE.md` of its folder).

What is named there as a fault is found, or said to be open where the rows do not carry it; nothing critical is said of a run
that shows no fault. Console logs and `.wandb` files are not read yet: their folders hold nothing to diagnose.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.board import Board
from analysis.diagnosis.finding import Diagnosis
from tests.analysis.diagnosis.worlds import causes, left_open, serious

Read = Callable[[str], dict[str, Diagnosis]]

UNREAD = ("deepspeed_chat_rm_dpo", "minimind_dpo_r1", "ppo_rlhf_scratch_nan", "trl_dpo_killed_run", "trl_grpo_code_multireward", "verl_ppo_gsm8k")  # fmt: skip
"""Folders with console logs alone."""


@pytest.fixture(scope="module")
def read(real_runs) -> Read:
    """Folder -> last part of a run's name -> what is said of it; each folder alone in a store in memory."""
    known: dict[str, dict[str, Diagnosis]] = {}

    def of(folder: str) -> dict[str, Diagnosis]:
        if not (real_runs / folder).is_dir():
            pytest.skip(f"{folder} is not among the real runs here")
        if folder not in known:
            with Board.open() as board:
                board.ingest(real_runs / folder)
                table = board.runs()
                kinds = zip(table["run"], table["kind"], strict=True)
                known[folder] = {
                    run.rpartition("/")[2]: board.diagnose(run) for run, kind in kinds if kind in ("policy", "reward_model")
                }  # fmt: skip
        return known[folder]

    return of


def evidence(found: Diagnosis, cause: str) -> str:
    return " ".join(e.statement for f in found.findings if f.cause == cause for e in f.evidence)


def test_nothing_critical_is_said_of_any_of_them(read, real_runs):
    """None of the logs that are read shows a run that was lost."""
    for folder in sorted(p.name for p in real_runs.iterdir() if p.is_dir()):
        for run, found in read(folder).items():
            assert "critical" not in {severity for severity, _ in serious(found)}, (folder, run)


@pytest.mark.parametrize("folder", UNREAD)
def test_console_logs_are_not_read_and_nothing_is_made_up(read, folder):
    assert read(folder) == {}


class TestPolicies:
    def test_learning_at_a_tiny_learning_rate_and_entropy_of_the_wrong_sign(self, read):
        """open-instruct: score 0.6 to 2.6, KL to 1.8; entropy is a sum with the opposite sign, and no collapse."""
        found = read("open_instruct_ppo_tensorboard")["run_1735599112"]
        assert causes(found) == {"logging_fault"}
        assert "log-probabilities are at most 0" in evidence(found, "logging_fault")
        assert "whether the score rises" in found.checked

    def test_shrinking_answers_without_a_gain_are_told(self, read):
        """open-instruct, 48 steps: length 223 to 104, score 0.21 to 0.10: half of the length is no collapse to a third."""
        found = read("open_instruct_ppo_tensorboard")["run_1735688902"]
        assert causes(found) == {"logging_fault"}
        assert "whether responses break off" in found.checked
        assert "reward units" in left_open(found, "the score")

    def test_over_optimisation_of_a_proxy_is_open_and_how_many_rows_would_tell_is_said(self, read):
        """Own GRPO: accuracy of 320 answers a row, 0.45 to 0.59 to 0.45. Six best rows lie 3.3 errors above the last six, which
        the best of 45 such stretches on a plateau does in one of 250 draws at one look, and many looks are made; on 200
        held-out questions the fall, 0.029 with a standard error of 0.019 by question, is within noise. KL stays small.
        """
        found = read("proxy_rl_gsm8k_05b")["proxy_rl_gsm8k_05b"]
        assert found.verdict == "healthy"
        told = left_open(found, "follows the reward model's")
        assert "below its best" in told
        assert "rows in all would tell" in told

    def test_truncation_takes_over_and_no_gain_is_shown(self, read):
        """Chaos economy: 76 to 98 and 73 to 100 % cut off at 512 tokens, a reward that does not improve."""
        runs = read("trl_grpo_chaos_economy")
        for name in ("trl_grpo_chaos_economy", "run-7yj6c945"):
            assert causes(runs[name]) == {"truncation"}
            assert "which is no rise beyond noise" in left_open(runs[name], "whether the score rises")
        assert not serious(runs["run-bxvg9un9"])  # 48 % are cut off
        assert "most of them are not shown to be" in left_open(runs["run-bxvg9un9"], "whether responses are cut off")

    def test_answers_cut_off_while_the_reward_rises_and_a_clean_run_beside(self, read):
        """Qwen3.5 sweep: rho 1.00 and DAPO end with every answer cut off; rho 3.00 goes from 73 to 1 %."""
        runs = read("trl_grpo_qwen35_sweep")
        for name in ("rho1.00-seed42", "dapo-rho3.0-seed42"):
            assert causes(runs[name]) == {"truncation"}
            assert "100 % of the responses are cut off" in evidence(runs[name], "truncation")
        assert not serious(runs["rho3.00-seed43"])

    def test_groups_without_a_gradient_are_a_note_once_the_task_is_solved(self, read):
        """70 to 95 % of the groups give no gradient."""
        found = read("trl_grpo_qwen35_sweep")["rho3.00-seed43"]
        assert [f.severity for f in found.findings if f.cause == "zero_signal_groups"] == ["info"]

    def test_a_column_that_is_constantly_zero_is_no_collapse(self, read):
        """gates: reward_mean is 0 in all rows, wrongly filled."""
        for name in ("gates-rho1.00-seed42-csd", "gates-rho3.00-seed42-csd"):
            found = read("trl_grpo_qwen35_sweep")[name]
            assert not serious(found)
            assert "no spread of single scores" in left_open(found, "whether the score rises")

    def test_a_kl_cost_that_eats_the_score(self, read):
        """PPOv2 on arithmetic: scores flat at 0.12, KL 1.5 to 2.9 from the first row on, entropy of the wrong sign."""
        found = read("trl_ppo_grpo_arith_v2")["ppo-seed2025"]
        assert {"no_learning", "logging_fault"} <= causes(found)

    def test_learning_within_its_noise_is_healthy(self, read):
        """GRPO on arithmetic: 0.29 to 0.51."""
        found = read("trl_ppo_grpo_arith_v2")["grpo-seed2025"]
        assert found.verdict == "healthy"


class TestPreferences:
    def test_a_held_out_loss_that_falls_to_the_end_is_healthy(self, read):
        found = read("trl_dpo_gams_wandb")["run-vu2vv7vi"]
        assert found.verdict == "healthy"
        assert {"whether preferences are learned by heart", "whether implicit rewards start at 0"} <= set(found.checked)

    def test_over_confidence_without_better_ranking_is_found(self, read):
        """Held-out loss 0.455 to 0.546 while accuracy stands at 0.78."""
        assert causes(read("trl_dpo_gams_wandb")["run-98huyvu2"]) == {"preference_overfit"}

    def test_a_held_out_loss_just_past_its_best_is_open(self, read):
        """0.124 at the fourth of six evaluations, then 0.150: two rows do not carry it, the numbers are told."""
        found = read("trl_dpo_gams_wandb")["run-gglrt4hk"]
        assert found.verdict == "healthy"
        assert "was 0.124 at step 916 and is 0.150" in left_open(found, "learned by heart")

    def test_accuracies_of_ties_at_the_first_rows_are_no_bad_start(self, read):
        for found in read("trl_dpo_gams_wandb").values():
            assert "policy_reference_mismatch" not in causes(found)
            assert "no_learning" not in causes(found)

    def test_four_rows_of_trivial_pairs_are_too_few(self, read):
        """Margins of 141 after 30 steps: four rows."""
        found = read("trl_dpo_trivial_pairs")["trl_dpo_trivial_pairs"]
        assert found.verdict == "not_enough_data"
        assert "4 logged steps" in found.summary
        assert "whether implicit rewards start at 0" in found.checked


class TestRewardModels:
    def test_one_row_of_a_run_that_crashed(self, read):
        (found,) = read("openrlhf_rm_crashed").values()
        assert found.verdict == "not_enough_data"
        assert not found.findings

    def test_a_penalty_on_length_that_over_corrected(self, read):
        """alpha01: right in 55 % where chosen is longer, 74 % where it is shorter; plain DPO shows no such thing."""
        runs = read("dpo_length_implicit_rewards")
        assert "rm_length_bias" in causes(runs["pythia2.8b_hh_alpha01_rewards"])
        assert "moves the margin by -0.33 SD" in evidence(runs["pythia2.8b_hh_alpha01_rewards"], "rm_length_bias")
        assert "rm_length_bias" not in causes(runs["pythia2.8b_hh_base_dpo_rewards"])

    def test_hard_pairs_ranked_at_sixty_per_cent_are_no_fault(self, read):
        """JudgeBench: 0.62 and 0.59; at chance in livecodebench, which says nothing about the model while others fail too."""
        runs = read("judgebench_rm_scores")
        for found in runs.values():
            assert not serious(found)
            assert "livecodebench" in left_open(found, "fails in one category")

    def test_twenty_pairs_of_two_kinds_claim_nothing(self, read):
        """Two pairs a feature: significance of such must be refused."""
        for found in read("rm_bias_audit").values():
            assert not found.findings
            assert found.verdict == "not_enough_data"

    def test_lists_of_candidates_hold_no_pairs_to_diagnose(self, read):
        """RewardMATH: one right of ten; oasst-rm is at chance there, which the pages of lists tell."""
        runs = read("rewardmath_scores")
        assert runs["oasst-rm_reward"].verdict == "not_enough_data"
        assert not serious(runs["rewardbench_armorm"])

    @pytest.mark.parametrize("folder", ["colossalchat_rm_csv", "starling_rm_score_tails"])
    def test_columns_without_names_and_bare_scores_are_of_no_kind(self, read, folder):
        assert read(folder) == {}
