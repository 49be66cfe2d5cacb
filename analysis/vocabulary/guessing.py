"""Who wrote a set of tags: framework, trainer and version window."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from analysis.vocabulary.concepts import Fingerprint, load
from analysis.vocabulary.tags import split_tag
from analysis.vocabulary.trainers import meets, named
from analysis.vocabulary.versions import last_read, version

_SPELT = {
    "transformers": "hf_trainer",
    "huggingface": "hf_trainer",
    "unsloth": "trl",
    "llama_factory": "llamafactory",
    "swift": "ms_swift",
    "skyrl_train": "skyrl",
}


@dataclass(frozen=True, slots=True)
class FrameworkGuess:
    """Who wrote a set of tags.

    trainer : a trainer's name, "A|B" where the tags leave it open, or None
    versions : window such as "0.26.0..1.16.0", one version, or None
    evidence : the keys that tell it, or "said"
    confidence : "said" (by arguments or a person), "tags" (one writer fits) or "open" (several do)
    alternatives : the others that write these very tags
    caveat : what would speak against the guess, in a sentence, or ""
    """

    framework: str
    trainer: str | None = None
    versions: str | None = None
    evidence: str = ""
    confidence: str = "tags"
    alternatives: tuple[FrameworkGuess, ...] = ()
    caveat: str = ""


def guess_framework(
    tags: Iterable[str], hints: Mapping[str, str] | None = None, config: Collection[str] = ()
) -> FrameworkGuess | None:
    """Tell framework, trainer and version window from a run's tags, or None.

    Parameters
    ----------
    tags : all tags of the run, with or without the sinks' prefixes
    hints : "framework", "trainer", "version" as a log or a person says them; they win
    config : keys of the recorded trainer arguments, which tell trainers with equal tags apart
    """
    hints = {key: value for key, value in (hints or {}).items() if value}
    said = _spelt(hints.get("framework", ""))
    best = _best(_keys(tags), frozenset(config), said, hints.get("trainer", ""))
    if best is not None:
        guess = _told(best)
    elif said:
        guess = FrameworkGuess(said, evidence="said", confidence="said")
    elif owner := _only_owner(hints.get("trainer", "")):
        guess = FrameworkGuess(owner, evidence="said", confidence="said")
    else:
        return None
    return _with_hints(guess, said, hints)


def _keys(tags: Iterable[str]) -> set[str]:
    """Raw tags, keys of training, and keys of evaluations with `eval_` before them."""
    keys: set[str] = set()
    for tag in tags:
        key, split = split_tag(tag)
        keys |= {tag, key if split == "train" else f"{split}_{key}"}
    return keys


def _best(keys: set[str], config: frozenset[str], framework: str, trainer: str) -> Fingerprint | None:
    """The fingerprint with the most conditions; one that agrees with the trainer that was said comes first."""
    told = named(trainer)
    best, most = None, (False, 0)
    for mark in load().fingerprints:
        if framework and framework not in (mark.framework, "hf_trainer"):
            continue
        if not (_has(keys, mark.if_present, all) and config.issuperset(mark.if_config)):
            continue
        if mark.if_absent and _has(keys, mark.if_absent, any):
            continue
        agrees = bool(told) and meets(told, named(mark.trainer or ""), strict=False)
        weight = (agrees, len(mark.if_present) + len(mark.if_absent) + len(mark.if_config))
        if weight > most:
            best, most = mark, weight
    return best


def _has(keys: set[str], wanted: tuple[str, ...], how: Callable[[Iterable[bool]], bool]) -> bool:
    """Whether all (or any) of the wanted keys are there; `rewards/*` asks for any key that begins so."""
    found = (any(k.startswith(w[:-1]) for k in keys) if w.endswith("*") else w in keys for w in wanted)
    return how(found)


def _told(mark: Fingerprint) -> FrameworkGuess:
    rivals = tuple(FrameworkGuess(f, t, v, confidence="open") for f, t, v in mark.rivals)
    evidence = ", ".join((*mark.if_present, *mark.if_config))
    confidence = "open" if rivals or "|" in (mark.trainer or "") else "tags"
    return FrameworkGuess(mark.framework, mark.trainer, mark.versions, evidence, confidence, rivals, mark.caveat)


def _with_hints(guess: FrameworkGuess, said: str, hints: Mapping[str, str]) -> FrameworkGuess:
    """Put what was said over what was guessed."""
    if said:
        # a person who names the framework rules out its rivals; hf_trainer only names the family
        kept = guess.alternatives if said == "hf_trainer" else ()
        guess = replace(guess, alternatives=kept, confidence="said")
    if trainer := hints.get("trainer"):
        guess = replace(guess, trainer=_narrowed(guess.trainer, trainer), confidence="said", caveat="")
    if text := hints.get("version"):
        guess = _at_version(guess, text)
    return guess


def _narrowed(guessed: str | None, said: str) -> str:
    """The part of the guess that agrees with what was said: it knows the generation ("RLOO (old)")."""
    parts = [part for part in (guessed or "").split("|") if meets(named(part), named(said), strict=False)]
    return "|".join(parts) if parts and named(said) and len(named(said)) == 1 else said


def _at_version(guess: FrameworkGuess, text: str) -> FrameworkGuess:
    """A version newer than any that the vocabulary was read from is taken for the newest one, and that is said."""
    newest = _newest_read().get(guess.framework)
    told, read = version(text), version(newest or "")
    if ".." not in text and told and read and told > read:
        caveat = f"{guess.framework} {text} is newer than {newest}, the last version whose names are known"
        return replace(guess, versions=newest, caveat=caveat)
    return replace(guess, versions=text)


def _spelt(framework: str) -> str:
    """`LLaMA-Factory`, `huggingface/trl` -> the vocabulary's spelling."""
    word = re.sub(r"[^a-z0-9]+", "_", framework.strip().rpartition("/")[2].lower()).strip("_")
    return _SPELT.get(word, word)


@cache
def _newest_read() -> dict[str, str]:
    windows: dict[str, list[str]] = {}
    for concept in load().concepts.values():
        for name in concept.names:
            windows.setdefault(name.framework, []).append(name.versions)
    return {framework: newest for framework, texts in windows.items() if (newest := last_read(texts))}


def _only_owner(trainer: str) -> str | None:
    """`RewardTrainer` is TRL's: the class names of other frameworks are not in the vocabulary."""
    return "trl" if trainer.endswith("Trainer") and named(trainer) else None
