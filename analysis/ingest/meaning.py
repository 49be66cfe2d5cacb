"""Give the series of a run their metric, unit and kind, and choose which log each metric is read from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from analysis import vocabulary
from analysis.records import RunKind
from analysis.store.rollups import Tails
from analysis.store.rows import KIND_BESIDE, Run, Series
from analysis.vocabulary import Resolution
from analysis.vocabulary.settings import settings

_KINDS: dict[str, RunKind] = {
    "rm": "reward_model",
    "kl": "policy",
    "reward": "policy",
    "policy": "policy",
    "value": "policy",
    "ratio": "policy",
    "advantage": "policy",
    "response": "policy",
    "dpo": "policy",
}
"""What a run is that logs metrics of a group."""

_SETTLING = ("kl_estimator", "kl_penalty", "kl_loss_type")
"""Arguments of trainers that say which KL estimator was logged."""


def give_meaning(run: Run, series: Sequence[Series], tails: Tails) -> tuple[Run, list[Series]]:
    """Resolve all tags of one run together and choose the primary series of every metric.

    Each (metric, split) of a run has one primary series; the others are kept and compared with it.
    """
    if not series:
        return run, []
    told = settings(run.config)
    hints = _hints(run, told)
    by_log: dict[int, list[Series]] = defaultdict(list)
    for s in series:
        by_log[s.log_id].append(s)
    guess = vocabulary.guess_framework({s.tag for s in series}, hints, told.keys() | run.config.keys())
    resolved: dict[int, Resolution] = {}
    for members in by_log.values():
        answers = vocabulary.resolve([s.tag for s in members], guess=guess, hints=hints)
        resolved |= {s.series_id: answers[s.tag] for s in members}
    names = _metric_names(list(resolved.values()))
    named = [_with(s, resolved[s.series_id], names) for s in series]
    chosen = _primary(named, tails)
    named = [replace(s, is_primary=s.series_id in chosen) for s in named]
    return _describe(run, named, guess), named


def _hints(run: Run, told: Mapping[str, Any]) -> dict[str, str]:
    """What a person said; what was guessed before is guessed again from all that is known by now."""
    hints = {"framework": run.framework, "version": run.version, "trainer": run.trainer}
    said = {key: value for key, value in hints.items() if value and key in run.user_set}
    settled = {key: str(told[key]) for key in _SETTLING if isinstance(told.get(key), str)}
    return settled | said


def _metric_names(resolutions: Sequence[Resolution]) -> dict[tuple[str, str], str]:
    """(key, split) -> metric: the concept for its main key, the key itself for the concept's others."""
    keys: dict[tuple[str, str], dict[str, Resolution]] = defaultdict(dict)
    names: dict[tuple[str, str], str] = {}
    for r in resolutions:
        if r.concept is None:
            names[r.key, r.split] = r.key
        else:
            metric = f"{r.concept}/{r.component}" if r.component else r.concept
            keys[metric, r.split].setdefault(r.key, r)
    for (metric, split), candidates in keys.items():
        order = vocabulary.primary(candidates)
        main = order.get(next(iter(candidates.values())).concept or "", next(iter(candidates)))
        for key in candidates:
            names[key, split] = metric if key == main else key
    return names


def _with(series: Series, r: Resolution, names: dict[tuple[str, str], str]) -> Series:
    return replace(
        series,
        key=r.key,
        split=r.split,
        metric=names[r.key, r.split],
        concept=r.concept,
        component=r.component,
        unit=r.unit,
        estimator=r.estimator,
        aggregation=r.aggregation,
        scale=float(r.scale),
        sign=int(r.sign),
        counter=r.step_metric,
        notes=(*r.notes, *_open(r)),
    )


def _open(r: Resolution) -> tuple[str, ...]:
    """What the tag may be instead, where the log does not tell."""
    if not r.ambiguous:
        return ()
    return (f"The log does not tell which of these it is: {'; '.join(r.ambiguous[:4])}.",)


def _primary(series: Sequence[Series], tails: Tails) -> set[int]:
    """Of the logs that reach furthest, the one of the best rank; earlier logs win ties."""
    groups: dict[tuple[str, str], list[Series]] = defaultdict(list)
    for s in series:
        groups[s.metric, s.split].append(s)
    chosen = set()
    for members in groups.values():
        ends = np.nan_to_num(tails.step[[s.series_id for s in members]], nan=-np.inf)
        reach = [s for s, end in zip(members, ends, strict=True) if end >= ends.max()]
        chosen.add(min(reach, key=lambda s: (s.rank, s.log_id, s.series_id)).series_id)
    return chosen


def _describe(run: Run, series: Sequence[Series], guess: vocabulary.FrameworkGuess | None) -> Run:
    if guess is not None:
        run = replace(
            run,
            framework=guess.framework,
            trainer=(guess.trainer or "").replace("|", " or "),
            version=guess.versions or "",
        )
    if not {"kind", KIND_BESIDE} & set(run.user_set):
        # decided anew from all that is known, so that it does not depend on what was read first
        groups = Counter(kind for s in series if s.concept and (kind := _KINDS.get(s.concept.partition(".")[0])))
        if groups:
            run = replace(run, kind=min(groups.items(), key=lambda item: (-item[1], item[0]))[0])
    return run
