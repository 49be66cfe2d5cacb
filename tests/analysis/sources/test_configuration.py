"""Which JSON objects describe a run: an expert would catch a tokenizer, or somebody's labels, taken for settings."""

from __future__ import annotations

import json

import pytest

from analysis.board import Board


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.4}\n')
    return folder


def config(folder):
    with Board.open() as board:
        report = board.ingest(folder.parent)
        return board.run("run")["config"], {f.path.rsplit("/", 1)[-1]: f for f in report.files}


@pytest.mark.parametrize("name", ["config", "training_args", "all_results", "hparams", "run-config", "wandb_summary"])
def test_settings_and_totals_are_found_by_the_words_of_their_name(run, name):
    (run / f"{name}.json").write_text(json.dumps({"beta": 0.05, "model": {"layers": 2}}))
    found, _ = config(run)
    assert "0.05" in json.dumps(found)


@pytest.mark.parametrize("name", ["tokenizer_config", "truth", "vocab", "special_tokens_map", "generation_config"])
def test_other_objects_say_nothing_about_the_run(run, name):
    (run / f"{name}.json").write_text(json.dumps({"cause": "label noise", "first_visible_step": 120}))
    found, files = config(run)
    assert "label noise" not in json.dumps(found)
    assert "metrics.jsonl" in files
    assert not files["metrics.jsonl"].error


def test_a_yaml_beside_the_log_is_its_configuration_and_other_yaml_is_not(run):
    (run / "config.yaml").write_text("algorithm:\n  kl_ctrl:\n    kl_coef: 1e-3\nstarted: 2024-12-10\n")
    (run / "docker-compose.yaml").write_text("services: {train: {image: secret}}\n")
    found, _ = config(run)
    assert found["config"]["algorithm"] == {"kl_ctrl": {"kl_coef": "1e-3"}}  # YAML 1.1 reads no number without a dot
    assert "secret" not in json.dumps(found)


LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
"""A kilobyte that stands for half a billion words."""


@pytest.mark.parametrize("text", ["a: [1, 2", "- 1\n- 2\n", "just words", "", "a: &x [*x]\n", "\t: {", LAUGHS])
def test_broken_yaml_says_nothing_and_stops_nothing(run, text):
    (run / "config.yaml").write_text(text)
    found, files = config(run)
    assert "config" not in found or found["config"]
    assert not files["metrics.jsonl"].error
