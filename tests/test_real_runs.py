"""Logs of other people's trainers, read through the board: counts and values as their sources state them.

The traps: eval rows among train rows, NaN in a trainer state, steps that restart, a row of totals at the end,
columns that are constantly zero, empty and killed runs, a CSV without a header, KL estimates below zero, an
entropy that is a negative sum, an event file for each restart.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from analysis.board import Board
from analysis.ingest.ingestor import Report

Read = tuple[Board, Report]


@pytest.fixture(scope="module")
def real(real_runs: Path) -> Iterator[Read]:
    with Board.open() as board:
        yield board, board.ingest(real_runs)


@pytest.fixture(scope="module")
def labelled(labelled_runs: Path) -> Iterator[Read]:
    with Board.open() as board:
        yield board, board.ingest(labelled_runs)


def rows_of(read: Read, name: str) -> int:
    (file,) = [f for f in read[1].files if f.path.endswith(name)]
    assert file.state == "read", file.error
    return file.rows


class TestRealRuns:
    @pytest.mark.parametrize(
        ("name", "rows"),
        [
            ("run_1735599112/events.out.tfevents.1735599114.node.416933.0", 11451),
            ("run_1735688902/events.out.tfevents.1735688904.node.1032693.0", 1201),
            ("run_1735598880_empty/events.out.tfevents.1735598882.node.411407.0", 1),
            ("trl_dpo_trivial_pairs/trainer_state.json", 5),
            ("trl_grpo_chaos_economy/trainer_state.json", 40),
            ("run-7yj6c945.history.csv", 2602),
            ("run-bxvg9un9.history.csv", 525),
            ("run-20250612_161901-vu2vv7vi.history.csv", 131),
            ("run-20250608_194001-gglrt4hk.history.csv", 144),
            ("run-20250609_013317-98huyvu2.history.csv", 132),
            ("run-20240701_163356-815ukod1.history.csv", 1),
            ("log_2023-04-21_11-33-49.csv", 760),
            ("colossalchat_rm_csv/log.csv", 5),
            ("pythia2.8b_hh_base_dpo_rewards.csv", 2000),
            ("Skywork_Skywork-Reward-Llama-3.1-8B.jsonl", 350),
            ("probe_base.jsonl", 800),
            ("train_metrics.jsonl", 50),
            ("ArmoRM_reward.json", 483),
            ("Math_Shepherd_reward.json", 483),
            ("rewardbench_oasst-rm.json", 447),
            ("rm_bias_audit/scores.csv", 40),
            ("llama_starling_reward_values.npy", 16000),
            ("random_starling_reward_values.npy", 30000),
            ("gates_rho1.00_seed42.csd_logs.json", 201),
            ("rho3.00_seed43.step_logs.json", 41),
            ("ppo_seed2025.trajectory.json", 100),
            ("grpo_seed2025.trajectory.json", 201),
        ],
    )
    def test_every_file_is_read_with_the_rows_that_its_source_states(self, real, name, rows):
        assert rows_of(real, name) == rows

    def test_what_cannot_be_read_yet_is_named_and_nothing_else(self, real):
        unread = {Path(f.path).suffix for f in real[1].files if f.state == "unread"}
        assert unread == {".log", ".wandb"}
        others = [f for f in real[1].files if f.state not in ("read", "unread")]
        assert others == []
        assert all(f.error for f in real[1].files if f.state == "unread")

    def test_negative_kl_estimates_and_negative_entropy_sums_are_kept(self, real):
        board = real[0]
        run = "open_instruct_ppo_tensorboard/run_1735599112"
        kl = board.series(run, "objective/kl")["value"]
        assert kl.min() < 0
        assert kl.tail(50).mean() == pytest.approx(1.8, abs=0.3)
        assert board.series(run, "objective/entropy")["value"].max() < 0
        assert len(kl) == 458

    def test_a_column_that_is_constantly_zero_is_data_not_a_collapse(self, real):
        board = real[0]
        zero = board.series("open_instruct_ppo_tensorboard/run_1735599112", "policy/entropy_avg")["value"]
        assert (zero == 0).all()
        assert len(zero) == 458
        gates = board.series("trl_grpo_qwen35_sweep/gates-rho1.00-seed42-csd", "reward_mean")["value"]
        assert len(gates) == 201
        assert (gates == 0).all()

    def test_the_axis_of_open_instruct_is_the_episode_count(self, real):
        steps = real[0].series("open_instruct_ppo_tensorboard/run_1735599112", "objective/scores")["step"]
        assert steps.iloc[:3].tolist() == [96, 192, 288]

    def test_an_empty_run_is_listed_without_curves(self, real):
        runs = real[0].runs().set_index("run")
        assert runs.loc["open_instruct_ppo_tensorboard/run_1735598880_empty", "n_points"] == 0

    def test_five_epochs_without_a_header_are_five_attempts(self, real):
        board = real[0]
        run = "colossalchat_rm_csv/log_2023-04-21_11-33-49"
        trace = board.traces([run], ["column_4"])
        assert trace["attempt"].nunique() == 5
        assert trace.groupby("attempt")["n"].sum().tolist() == [152] * 5
        last = board.series(run, "column_4")
        assert len(last) == 152
        assert set(last["attempt"]) == {4}
        assert trace[trace["attempt"] == 0]["mean"].iloc[0] == pytest.approx(0.61373, abs=1e-5)
        assert {"column_2", "column_3", "column_4"} <= set(board.unmapped()["tag"])

    def test_the_row_of_totals_is_no_point(self, real):
        board = real[0]
        loss = board.series("trl_dpo_trivial_pairs", "loss")
        assert len(loss) == 4
        margins = board.series("trl_dpo_trivial_pairs", "rewards/margins")["value"]
        assert margins.iloc[0] == 0
        assert margins.iloc[-1] == pytest.approx(141.7, abs=0.1)
        assert "train_runtime" in board.run("trl_dpo_trivial_pairs")["config"]["summary"]

    def test_interleaved_rows_of_wandb_fall_on_the_steps_of_the_trainer(self, real):
        board = real[0]
        run = "trl_grpo_chaos_economy/run-7yj6c945"
        clipped = board.series(run, "train/completions/clipped_ratio")
        assert len(clipped) == 50
        assert clipped["step"].is_monotonic_increasing
        assert clipped["value"].iloc[-1] == pytest.approx(1.0, abs=0.02)
        parts = board.series(run, "rewards/pnl_reward/mean")
        assert parts["step"].max() <= 250

    def test_rows_with_and_without_reward_keys_alternate_in_grpo(self, real):
        board = real[0]
        run = "trl_ppo_grpo_arith_v2/grpo-seed2025"
        assert len(board.series(run, "reward")) == 100
        assert len(board.series(run, "loss")) == 200

    def test_over_optimisation_is_there_to_see(self, real):
        board = real[0]
        proxy = board.series("proxy_rl_gsm8k_05b", "reward_mean")["value"]
        gold = board.series("proxy_rl_gsm8k_05b", "gold_acc").set_index("step")["value"]
        assert proxy.iloc[0] == pytest.approx(-1.31, abs=0.01)
        assert proxy.iloc[-1] == pytest.approx(3.84, abs=0.01)
        assert gold.loc[160:200].mean() == pytest.approx(0.59, abs=0.005)
        probes = board.sql(
            "SELECT step, avg(gold_score) g, avg(score) s FROM rollouts WHERE run_id = 'proxy_rl_gsm8k_05b' GROUP BY 1 ORDER BY 1"
        )
        assert probes["step"].tolist() == [0, 200, 500]
        assert probes["g"].round(3).tolist() == pytest.approx([0.318, 0.379, 0.350], abs=0.002)
        assert probes["s"].round(2).tolist() == pytest.approx([-3.02, 0.70, 2.06], abs=0.01)

    def test_a_killed_run_keeps_its_one_row(self, real):
        board = real[0]
        accuracy = board.series("openrlhf_rm_crashed", "train/acc_mean")
        assert accuracy["step"].tolist() == [32]
        assert accuracy["value"].iloc[0] == pytest.approx(0.3455, abs=1e-4)

    def test_several_runs_of_one_folder_come_out_as_several(self, real):
        runs = set(real[0].runs()["run"])
        assert {f"trl_dpo_gams_wandb/run-{name}" for name in ("vu2vv7vi", "gglrt4hk", "98huyvu2")} <= runs
        assert sum(run.startswith("trl_grpo_qwen35_sweep/") for run in runs) == 6
        assert sum(run.startswith("trl_ppo_grpo_arith_v2/") for run in runs) == 2

    @pytest.mark.parametrize(
        ("scorer", "accuracy"),
        [
            ("judgebench_rm_scores/skywork/skywork-reward-llama-3.1-8b", 0.623),
            ("judgebench_rm_scores/internlm/internlm2-7b-reward", 0.594),
            ("dpo_length_implicit_rewards/pythia2.8b_hh_base_dpo_rewards", 0.690),
            ("dpo_length_implicit_rewards/pythia2.8b_hh_alpha01_rewards", 0.636),
        ],
    )
    def test_ranking_accuracy_is_the_published_one(self, real, scorer, accuracy):
        assert real[0].accuracy(scorer)["accuracy"].iloc[0] == pytest.approx(accuracy, abs=0.0006)

    def test_pairs_without_a_label_have_no_accuracy(self, real):
        board = real[0]
        run = "rm_bias_audit/openassistant/reward-model-deberta-v3-base"
        assert board.accuracy(run).empty
        assert board.scorers().set_index("run").loc[run, "n_unlabelled"] == 20

    @pytest.mark.parametrize(
        ("name", "top1"),
        [
            ("internlm2_reward", 0.373),
            ("skywork_llama3_reward", 0.222),
            ("armorm_reward", 0.205),
            ("oasst-rm_reward", 0.070),
        ],
    )
    def test_lists_have_the_published_top_1_accuracy(self, real, name, top1):
        answer = real[0].sql(
            f"""SELECT avg(won::INT) a FROM (SELECT prompt_id, "row", max(score) FILTER (label = 1)
                > max(score) FILTER (label = 0) AS won FROM ranked_scores
                WHERE run_id = 'rewardmath_scores/{name}' GROUP BY ALL)"""
        )
        assert answer["a"].iloc[0] == pytest.approx(top1, abs=0.0006)

    def test_arrays_of_scores_keep_their_tails(self, real):
        answer = real[0].sql(
            """SELECT quantile_cont(score, [0.01, 0.5, 0.99]) q, max(score) m FROM rollouts
               WHERE run_id = 'starling_rm_score_tails/llama_starling_reward_values'"""
        )
        assert answer["q"].iloc[0] == pytest.approx([-4.1, -0.13, 2.5], abs=0.06)
        assert answer["m"].iloc[0] == pytest.approx(4.14, abs=0.005)


class TestLabelledRuns:
    def test_there_are_41_runs_and_no_file_failed(self, labelled):
        board, report = labelled
        assert len(report.runs) == 41
        assert len(board.runs()) == 41
        assert {f.state for f in report.files} == {"read", "unread"}

    def test_no_metric_is_there_twice(self, labelled):
        board = labelled[0]
        metrics = board.metrics(board.runs()["run"].tolist())
        assert not metrics.duplicated(["run", "metric", "split"]).any()
        assert not metrics.duplicated(["run", "tag", "split"]).any()

    def test_what_several_logs_tell_of_one_run_agrees(self, labelled):
        checks = labelled[0].checks()
        assert len(checks) > 800
        assert checks["disagree"].sum() == 0
        assert {"event files", "tb"} & set(checks["other"])
        assert checks["compared"].min() > 0

    def test_scores_are_joined_to_the_texts_of_the_common_pairs(self, labelled):
        board = labelled[0]
        joined = board.joined_to_texts()
        assert len(joined) == 11
        assert (joined["with_text"] == joined["n"]).all()
        text = board.pair_text("rm-00f6", "A08000")
        assert text == {
            "prompt": "qa food today ?",
            "chosen": "with bread takes stupid cannot . is salt takes complete . <eos>",
            "rejected": "of spice makes honest . <eos>",
        }

    @pytest.mark.parametrize(
        ("run", "accuracy"), [("rm-00f6", 0.754), ("rm-cfa6", 0.547), ("rm-f481", 0.633), ("rm-a580", 0.598)]
    )
    def test_accuracy_on_the_common_pairs_is_the_stated_one(self, labelled, run, accuracy):
        row = labelled[0].accuracy(run).iloc[0]
        assert row["n"] == 1000
        assert row["accuracy"] == pytest.approx(accuracy, abs=1e-9)

    def test_nan_in_a_trainer_state_is_kept_as_evidence(self, labelled):
        board = labelled[0]
        loss = board.series("ppo-97ed", "loss/value_avg")
        assert len(loss) == 81
        assert np.isnan(loss["value"].iloc[-1])
        metrics = board.metrics(["ppo-97ed"]).set_index("metric")
        assert metrics.loc["value.loss", "nonfinite"] == 1
        assert metrics.loc["value.loss", "high"] == pytest.approx(0.3756, abs=1e-4)

    def test_evaluation_rows_are_a_split_of_their_own(self, labelled):
        board = labelled[0]
        both = board.series("rm-00f6", "rm.accuracy")
        assert set(both["split"]) == {"train", "eval"}
        train = board.series("rm-00f6", "rm.accuracy", split="train")
        assert len(train) == 70
        assert train["value"].iloc[0] == 0.4921875
        assert board.series("rm-00f6", "rm.accuracy", split="eval")["value"].iloc[-1] == pytest.approx(
            0.69667, abs=1e-5
        )

    def test_the_second_event_file_of_an_evaluation_is_no_second_run(self, labelled):
        board = labelled[0]
        evaluation = board.series("rm-00f6", "rm.accuracy", split="eval")
        assert evaluation["step"].max() == 282
        assert set(evaluation["attempt"]) == {0}

    def test_units_of_kl_are_told_apart(self, labelled):
        board = labelled[0]
        metrics = board.metrics(["ppo-97ed", "grpo-19c9", "rloo-4a50"])
        kl = metrics[metrics["metric"] == "kl.to_reference"].set_index("run")
        assert kl.loc["ppo-97ed", "unit"] == "nats per sequence"
        assert kl.loc["grpo-19c9", "unit"] == "nats per token"
        assert kl.loc["rloo-4a50", "unit"] == "nats per token"
        assert (kl.loc["grpo-19c9", "estimator"], kl.loc["rloo-4a50", "estimator"]) == ("k3", "k1")

    def test_streams_hold_every_response(self, labelled):
        board = labelled[0]
        streams = board.streams().set_index("run")
        assert streams.loc["stream-4299", "n"] == 25337
        assert streams.loc["stream-7935", "n"] == 23767
        daily = board.score_quantiles("stream-5e69", baseline=(0.0, 1e12))
        assert int(daily["n"].sum()) == 21624
        assert len(daily) == 42

    def test_the_config_of_a_run_holds_the_trainer_arguments(self, labelled):
        config = labelled[0].run("ppo-97ed")["config"]
        assert config["kl_coef"] == pytest.approx(0.1)
        assert labelled[0].run("ppo-97ed")["seed"] == 121


class TestEvaluationSets:
    def test_repeated_games_are_counted_once(self, rm_eval):
        with Board.open() as board:
            board.ingest(rm_eval / "judgebench")
            scorers = board.scorers()
            assert scorers["n"].tolist() == [350, 350, 350]
            assert scorers["n_duplicates"].tolist() == [350, 350, 350]
            assert scorers["n_conflicting"].tolist() == [0, 0, 0]
            accuracy = board.accuracy("judgebench/skywork-reward-gemma-2-27b", by="category")
            assert set(accuracy["category"]) == {"Knowledge", "Reasoning", "Math", "Coding"}

    def test_scorers_of_several_files_are_one_each(self, rm_eval):
        with Board.open() as board:
            board.ingest(rm_eval / "rewardmath")
            scorers = board.scorers()
            armo = scorers[scorers["run"] == "rewardmath/armorm-llama3-8b-v0.1"].set_index("data")
            assert armo.loc["pairs", "n"] == 447
            assert armo.loc["ranked", "n"] == 4830
            accuracy = board.accuracy("rewardmath/armorm-llama3-8b-v0.1")["accuracy"].iloc[0]
            assert accuracy == pytest.approx(0.9284, abs=1e-4)
