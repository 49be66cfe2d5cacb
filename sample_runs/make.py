"""Remake the sample runs: `python sample_runs/make.py [--work FOLDER]`.

Needs torch, transformers, trl, datasets, tensorboard, accelerate, pandas and pyarrow (versions: README.md).
Weights stay in the work folder; only trainer logs, scores, texts and the stream get into this folder.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import datasets
import facts
import models
import stream
import torch
import train_policy
import train_reward_model
import transformers
import world
from transformers import LlamaForSequenceClassification

HERE = Path(__file__).resolve().parent
BASE = "base"
"""Folder of the pretrained model inside the work folder. Relative, so that no log holds a machine's path."""
SEEDS = {
    "pretraining": 1,
    "training pairs": 11,
    "validation pairs": 21,
    "held-out pairs": 31,
    "reward models": 7,
    "policy prompts": 41,
    "rollout prompts": 42,
    "stream": 51,
}
LOSSES = {"reward-model-bt": "bradley_terry", "reward-model-hinge": "hinge"}
PROXY = "reward-model-bt"
POLICIES = {
    "policy-grpo": train_policy.Setting(beta=0.4, learning_rate=4e-4, steps=180, seed=61),
    "policy-grpo-weak-kl": train_policy.Setting(beta=0.0, learning_rate=4e-4, steps=240, seed=62),
}
SERVED = "policy-grpo"
POLICY_PROMPTS = 1500
PACKAGES = ("torch", "transformers", "trl", "datasets", "accelerate", "tensorboard", "pandas", "pyarrow")
SHORTEST_HOST = 4
"""A shorter host name turns up in binary files by chance and can't be looked for."""


def main() -> None:
    """Make everything and write it beside this file."""
    parser = argparse.ArgumentParser(description="Remake the sample runs.")
    parser.add_argument("--work", type=Path, help="folder for weights and raw logs (default: a temporary one)")
    parser.add_argument("--out", type=Path, default=HERE, help="where the runs go (default: beside this file)")
    options = parser.parse_args()
    torch.set_num_threads(1)  # sums over several threads depend on their order: other numbers each time
    transformers.utils.logging.disable_progress_bar()
    datasets.disable_progress_bars()
    out = options.out.resolve()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        work.mkdir(parents=True, exist_ok=True)
        stack.enter_context(contextlib.chdir(work))
        make(out)
        check_clean(out)
    write_readme(out, minutes=(time.monotonic() - began) / 60)


def make(out: Path) -> None:
    """Make all runs; the working directory is the work folder."""
    say("pretraining")
    models.pretrain(SEEDS["pretraining"]).save_pretrained(BASE)
    proxy = make_reward_models(out)
    served = make_policies(out, proxy)
    say("deployment")
    table = stream.make_stream(
        served,
        proxy,
        policy_version=f"{SERVED}@{POLICIES[SERVED].steps}",
        model_version=PROXY,
        seed=SEEDS["stream"],
    )
    stream.write(table, out / "deployment" / "stream.parquet")
    write_toml(
        out / "deployment",
        name="Deployed policy, March",
        note="Scored requests of 30 days; days, traffic and mix are made up, answers and scores are real.",
        tags=["sample", "deployment"],
        links={"reward_model": PROXY, "policy": SERVED},
    )


def make_reward_models(out: Path) -> LlamaForSequenceClassification:
    """Train both reward models on the same pairs, write their runs and pairs.csv; returns the proxy."""
    base = models.load_policy(BASE)
    shares = train_reward_model.EVEN_SHARES

    def pairs(name: str, count: int, copies: int, **options: bool) -> list[train_reward_model.Pair]:
        prompts = world.make_prompts(SEEDS[name], count, shares)
        return train_reward_model.make_pairs(base, prompts, copies, SEEDS[name], **options)

    training = pairs("training pairs", train_reward_model.TRAIN_PAIRS, 1, bold=True)
    validation = pairs("validation pairs", train_reward_model.VALIDATION_PAIRS, 1, bold=True)
    held_out = pairs(
        "held-out pairs",
        train_reward_model.HELD_OUT_PROMPTS,
        train_reward_model.PAIRS_PER_PROMPT,
        finished=True,
    )
    train_reward_model.pair_texts(held_out).to_csv(out / "pairs.csv", index=False, lineterminator="\n")
    trained = {}
    for name, loss in LOSSES.items():
        say(name)
        trained[name] = train_reward_model.train(BASE, loss, training, validation, fresh(name), SEEDS["reward models"])
        publish_logs(Path(name), out / name)
        scores = train_reward_model.eval_scores(trained[name], held_out)
        scores.to_csv(out / name / "eval_scores.csv", index=False, lineterminator="\n")
        write_toml(
            out / name,
            name=f"Reward model, {loss.replace('_', ' ')} loss",
            loss=loss,
            group=f"toy-{loss}",
            note="Same pairs in the same order as the other reward model; only the loss differs.",
            tags=["sample", "reward-model", loss],
            links={"dataset": "pairs.csv"},
        )
    return trained[PROXY]


def make_policies(out: Path, proxy: LlamaForSequenceClassification) -> transformers.LlamaForCausalLM:
    """Train all policies against the proxy and write their runs; returns the one that is served."""
    shares = train_reward_model.EVEN_SHARES
    prompts = world.make_prompts(SEEDS["policy prompts"], POLICY_PROMPTS, shares)
    rollout_prompts = world.make_prompts(SEEDS["rollout prompts"], train_policy.ROLLOUT_PROMPTS, shares)
    trained = {}
    for name, setting in POLICIES.items():
        say(name)
        trained[name], recorder = train_policy.train(BASE, proxy, prompts, rollout_prompts, setting, fresh(name))
        publish_logs(Path(name), out / name)
        recorder.table().to_csv(out / name / "rollouts.csv", index=False, lineterminator="\n")
        (out / name / "samples.md").write_text(recorder.samples(), encoding="utf-8")
        write_toml(
            out / name,
            name=f"GRPO, beta {setting.beta:g}",
            group=f"toy-grpo-beta-{setting.beta:g}",
            note=f"Learning rate {setting.learning_rate:g}, KL coefficient {setting.beta:g}.",
            tags=["sample", "grpo"],
            links={"reward_model": PROXY},
            columns={"kl_to_ref": "kl"},
        )
    return trained[SERVED]


def fresh(name: str) -> Path:
    """Remove what an earlier run left in the work folder: its event files would be copied too."""
    shutil.rmtree(name, ignore_errors=True)
    return Path(name)


def publish_logs(raw: Path, run: Path) -> None:
    """Copy what the trainer wrote: its state as it is, event files with names free of host and process id."""
    shutil.rmtree(run, ignore_errors=True)
    (run / "tb").mkdir(parents=True)
    shutil.copyfile(raw / "trainer_state.json", run / "trainer_state.json")
    for number, path in enumerate(sorted(raw.glob("runs/*/events.out.tfevents.*"))):
        seconds = path.name.split(".")[3]
        shutil.copyfile(path, run / "tb" / f"events.out.tfevents.{seconds}.host.0.{number}")


def write_toml(
    run: Path,
    *,
    name: str,
    note: str,
    tags: list[str],
    links: dict[str, str],
    loss: str = "",
    group: str = "",
    columns: dict[str, str] | None = None,
) -> None:
    """Write the run's rewardboard.toml; no value here holds a quote or a backslash."""
    lines = [f'{key} = "{value}"' for key, value in (("name", name), ("loss", loss), ("group", group)) if value]
    quoted = ", ".join(f'"{tag}"' for tag in tags)
    lines += [f"tags = [{quoted}]", f'note = "{note}"']
    for table, entries in (("links", links), ("columns", columns or {})):
        if entries:
            lines += ["", f"[{table}]", *(f'{key} = "{value}"' for key, value in entries.items())]
    run.mkdir(parents=True, exist_ok=True)
    (run / "rewardboard.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def check_clean(out: Path) -> None:
    """Stop if a made file tells of the machine: its name, the home, the work or the output folder."""
    told = [str(Path.cwd()), str(Path.home()) + os.sep, str(out)]
    if len(socket.gethostname()) >= SHORTEST_HOST:
        told.append(socket.gethostname())
    for path in made_files(out):
        data = path.read_bytes()
        for word in told:
            if word.encode() in data or word in path.name:
                raise SystemExit(f"{path.relative_to(out)} tells of this machine: {word}")


def made_files(out: Path) -> Iterator[Path]:
    """All files that this program makes, apart from README.md."""
    yield out / "pairs.csv"
    for folder in (*LOSSES, *POLICIES, "deployment"):
        yield from (path for path in sorted((out / folder).rglob("*")) if path.is_file())


def write_readme(out: Path, minutes: float) -> None:
    """Put versions and measured facts between their marks in README.md."""
    readme = out / "README.md"
    if not readme.exists():
        shutil.copyfile(HERE / "README.md", readme)
    packages = ", ".join(f"{name} {version(name).split('+')[0]}" for name in PACKAGES)
    python = ".".join(map(str, sys.version_info[:3]))
    seeds = ", ".join(f"{name} {seed}" for name, seed in SEEDS.items())
    policies = ", ".join(f"{name} {setting.seed}" for name, setting in POLICIES.items())
    made = (
        f"- Made with Python {python}, {packages}.\n- Seeds: {seeds}, {policies}.\n"
        f"- Time: {minutes:.0f} minutes on one CPU core."
    )
    text = replace_marked(readme.read_text(encoding="utf-8"), "made", made)
    readme.write_text(replace_marked(text, "facts", facts.report(out)), encoding="utf-8")


def replace_marked(text: str, mark: str, new: str) -> str:
    """Replace what stands between the comments `mark` and `/mark`."""
    pattern = re.compile(f"(<!-- {mark} -->\n).*?(\n<!-- /{mark} -->)", re.DOTALL)
    return pattern.sub(lambda match: match[1] + new + match[2], text)


def say(what: str) -> None:
    """Tell on stderr what is being made."""
    sys.stderr.write(f"[{time.strftime('%H:%M:%S')}] {what}\n")


if __name__ == "__main__":
    main()
