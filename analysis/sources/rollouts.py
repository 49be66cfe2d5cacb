"""Scored responses of a policy: rollouts at training steps, probes of checkpoints, completions with rewards."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from analysis import registry
from analysis.records import Chunk, InputError, Record, Rollouts
from analysis.sources import score_columns as names
from analysis.sources import tabular
from analysis.sources.base import Head, Job, Sniff
from analysis.sources.scalar_rows import unix_seconds
from analysis.sources.tabular import Part, Sample

ANSWER = ("pred", "prediction", "predicted", "answer", "gts", "pred_answer", "completion", "response")
"""Beside one of these, a column `gold` is the right answer to a question, not a score."""

NO_REWARD = ("step", "advantage", "advantages", "completion_id", "index", "id", "seed", "epoch")
"""Numbers in TRL's tables of completions that are no rewards."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Columns of scores: `score`, or several reward functions to add up in `parts`; `gold` beside them or alone."""

    score: str | None
    gold: str | None
    parts: tuple[str, ...] = ()


@registry.source("rollouts", rank=50)
class RolloutTable:
    """A score (proxy or gold) for each response, with a prompt, response or length to tell it by."""

    def sniff(self, head: Head) -> Sniff | None:
        found = names.sample(head)
        if found is None or not found.rows or _of_others(found) or layout(found) is None:
            return None
        prompt = names.first(found.columns, names.PROMPT_ID)
        texts = [c for n in (*names.PROMPT, *names.RESPONSE) if (c := names.first(found.columns, (n,)))]
        told = prompt or any(_text(found, c) for c in texts)
        return Sniff("rollouts", 0.8) if told or _many_a_step(found) else None

    def read(self, job: Job) -> Iterator[Chunk]:
        found = names.sample(Head(job.path))
        form = layout(tabular.renamed(found, job.columns)) if found is not None else None
        if form is None:
            raise InputError("no scores are found", where=str(job.path), mend="check that the file is whole")
        for part in names.parts(job):
            yield _chunk(part, form, job.path.name.removesuffix(".gz").rpartition(".")[0])


def _of_others(found: Sample) -> bool:
    """Candidates of a list (no policy in training), traffic (a time and no step), or a log (a loss)."""
    stepped = names.first(found.columns, names.REAL_STEP) is not None
    if names.first(found.columns, names.CANDIDATE) and (
        not stepped or names.first(found.columns, (*names.CORRECT, "rank"))
    ):
        return True
    if names.first(found.columns, names.TIME) and not stepped:
        return True
    return names.first(found.columns, names.TRAINING[:4]) is not None


def _text(found: Sample, column: str) -> bool:
    return any(isinstance(v, str | list) for v in found.cells(column))


def _many_a_step(found: Sample) -> bool:
    """Several rows share a step and each has a length: responses. A log has one row a step."""
    step = names.first(found.columns, names.REAL_STEP)
    length = names.first_numeric(found, names.LENGTH)
    if step is None or length is None or names.first(found.columns, (*names.TRAINING, *names.RUN)):
        return False
    cells = found.cells(step)
    return len(cells) > 2 and 2 * sum(a == b for a, b in pairwise(cells)) >= len(cells) - 1


def layout(found: Sample) -> Layout | None:
    """Find the score, the gold score or the reward functions by name and content; None if there are none."""
    gold = next((c for n in names.GOLD if (c := names.first_numeric(found, (n,))) and _is_gold(found, c)), None)
    score = names.first_numeric(found, names.SCORE)
    if score is not None:
        return Layout(score, gold)
    if names.first(found.columns, ("completion",)) and names.first(found.columns, ("advantage", "advantages")):
        known = (*NO_REWARD, *names.LENGTH, *names.KL, *names.TRUNCATED, *names.FINISHED, *names.PROMPT_ID, *names.TIME)
        parts = tuple(c for c in found.columns if c.lower() not in known and names.scores_in(found, c))
        if parts:
            return Layout(None, gold if gold not in parts else None, parts)
    return Layout(None, gold) if gold else None


def _is_gold(found: Sample, column: str) -> bool:
    """`gold` holds scores, not the right answers of a question set ("18")."""
    if column.lower() not in ("gold", "correct"):
        return True
    return not names.first(found.columns, ANSWER) and not any(isinstance(v, str) for v in found.cells(column))


def _chunk(part: Part, form: Layout, stem: str) -> Chunk:
    columns, notes = part.columns, []
    score = names.numbers(part, form.score)
    if form.parts:
        score = _sum(part, form.parts)
        several = f"the sum of {', '.join(form.parts)}" if len(form.parts) > 1 else form.parts[0]
        notes.append(f"score is {several}")
    step = names.step_column(part)
    steps = names.steps(part, step)
    if step is None and (told := re.search(r"(?:^|[-_. ])(?:step|checkpoint|ckpt|iter)[-_]?(\d+)$", stem.lower())):
        steps = pa.array([float(told[1])] * part.num_rows, pa.float64())
        notes.append(f"step {told[1]} is read from the file's name")
    if not any(names.first(columns, (n,)) for n in (*names.PROMPT_ID, *names.PROMPT)):
        notes.append("no prompt id: rows can't be compared prompt by prompt")
    length, kl = names.first_numeric(part, names.LENGTH), names.first_numeric(part, names.KL)
    time = names.first(columns, names.TIME)
    category, run = names.first(columns, names.CATEGORY), names.first(columns, names.RUN)
    model, policy = names.first(columns, names.MODEL_VERSION), names.first(columns, names.POLICY_VERSION)
    cut, truncated = _truncated(part)
    prompt_id = names.first(columns, names.PROMPT_ID)
    used = [form.score, form.gold, step, length, kl, time, category, run, model, policy, cut, prompt_id]
    contents = [c for n in (*names.PROMPT, *names.RESPONSE) if (c := names.first(columns, (n,)))]
    records: list[Record] = []
    if part.num_rows:
        rollouts = Rollouts.of(
            run=names.coded(part, run),
            step=steps,
            time=unix_seconds(part, time) if time else None,
            prompt_id=names.prompt_ids(part),
            category=names.coded(part, category),
            score=score,
            length=names.numbers(part, length),
            kl=names.numbers(part, kl),
            truncated=truncated,
            gold_score=names.numbers(part, form.gold),
            model_version=names.coded(part, model),
            policy_version=names.coded(part, policy),
            features=names.features(part, used, contents=contents),
            row=part.rows(),
        )
        records.append(rollouts)
    bad = [s for c in (form.score, form.gold, *form.parts) if c for s in part.bad_numbers(c)]
    return Chunk(records, names.covered(part), part.position, (*part.skipped, *bad), notes)


def _truncated(part: Part) -> tuple[str | None, pa.Array | None]:
    """Which column says whether a response was cut off at the length limit, and what it says."""
    cut = names.first_numeric(part, names.TRUNCATED)
    if cut is not None:
        return cut, pc.not_equal(part.numbers(cut), 0.0)
    ended = names.first_numeric(part, names.FINISHED)
    if ended is not None:
        return ended, pc.equal(part.numbers(ended), 0.0)
    reason = names.first(part.columns, names.FINISH_REASON)
    if reason is not None:
        return reason, pc.is_in(
            pc.utf8_lower(names.strings(part, reason)), pa.array(["length", "max_tokens", "max_length"])
        )
    return None, None


def _sum(part: Part, columns: Sequence[str]) -> pa.Array:
    """Sum of reward functions; one that does not apply to a row (NaN or missing) is left out, as TRL does."""
    cells = [part.numbers(name).to_numpy(zero_copy_only=False) for name in columns]
    values = np.stack(cells) if cells else np.zeros((1, part.num_rows))
    total = np.nansum(values, axis=0)
    return pa.array(np.where(np.isnan(values).all(axis=0), np.nan, total))
