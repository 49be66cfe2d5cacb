"""Tokenizer and tiny language model: built in code, pretrained on the toy language, sampled and scored."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import world
from tokenizers import Tokenizer, models, pre_tokenizers
from torch.nn import functional
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)

WIDTH, LAYERS, HEADS = 64, 2, 4
MAX_POSITIONS = 64
"""Prompts have 10 words and answers at most 32."""
PRETRAIN_STEPS, PRETRAIN_BATCH, PRETRAIN_RATE = 500, 64, 3e-3
SAMPLE_BATCH = 250
"""Answers sampled or scored at once: larger batches gain nothing on one core."""


_ID = {word: index for index, word in enumerate(world.VOCABULARY)}


@dataclass(frozen=True, slots=True)
class Answer:
    """A sampled answer: its words, whether it ended by itself, and its token ids (with the end mark)."""

    prompt: world.Prompt
    words: tuple[str, ...]
    ended: bool
    ids: tuple[int, ...]

    @property
    def gold(self) -> float:
        """Gold points."""
        return world.gold_score(self.prompt, self.words, ended=self.ended)

    @property
    def text(self) -> str:
        """The words, without the end mark."""
        return " ".join(self.words)

    @property
    def all_ids(self) -> list[int]:
        """Ids of prompt and answer: what a reward model reads."""
        return [*(_ID[word] for word in self.prompt.words), *self.ids]


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word of the toy language, split at spaces; nothing is downloaded."""
    core = Tokenizer(models.WordLevel(_ID, unk_token=world.UNKNOWN))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=world.PAD, eos_token=world.EOS, unk_token=world.UNKNOWN
    )
    tokenizer.padding_side = "left"
    return tokenizer


def config() -> LlamaConfig:
    """Two layers of width 64, no dropout (about 0.15M parameters)."""
    return LlamaConfig(
        vocab_size=len(world.VOCABULARY),
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        max_position_embeddings=MAX_POSITIONS,
        pad_token_id=_ID[world.PAD],
        eos_token_id=_ID[world.EOS],
        bos_token_id=None,
        tie_word_embeddings=False,
    )


def pretrain(seed: int) -> LlamaForCausalLM:
    """Train a randomly initialised model on generated questions and answers for a short while."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    tokenizer = build_tokenizer()
    tokenizer.padding_side = "right"
    model = LlamaForCausalLM(config()).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=PRETRAIN_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PRETRAIN_RATE, total_steps=PRETRAIN_STEPS)
    shares = list(world.CORPUS_SHARE.values())
    for _ in range(PRETRAIN_STEPS):
        categories = rng.choices(world.CATEGORIES, weights=shares, k=PRETRAIN_BATCH)
        prompts = [world.make_prompt(rng, category) for category in categories]
        texts = [" ".join((*prompt.words, *world.write_answer(rng, prompt), world.EOS)) for prompt in prompts]
        batch = tokenizer(texts, return_tensors="pt", padding=True)
        labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
        loss = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()


def load_policy(folder: str) -> LlamaForCausalLM:
    """A saved language model in 32-bit floats, ready to sample from."""
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def sample(
    model: LlamaForCausalLM, prompts: Sequence[world.Prompt], seed: int, temperature: float = 1.0
) -> list[Answer]:
    """One answer a prompt; leaves torch's global random state as it was."""
    tokenizer = build_tokenizer()
    answers: list[Answer] = []
    was_training = model.training
    model.eval()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for start in range(0, len(prompts), SAMPLE_BATCH):
            part = prompts[start : start + SAMPLE_BATCH]
            batch = tokenizer([prompt.text for prompt in part], return_tensors="pt", padding=True)
            out = model.generate(
                input_ids=batch["input_ids"],
                attention_mask=batch["attention_mask"],
                do_sample=True,
                temperature=temperature,
                top_k=0,
                top_p=1.0,
                max_new_tokens=world.MAX_ANSWER,
            )
            answers += [
                read_answer(prompt, row)
                for prompt, row in zip(part, out[:, batch["input_ids"].shape[1] :].tolist(), strict=True)
            ]
    model.train(was_training)
    return answers


def read_answer(prompt: world.Prompt, ids: Sequence[int]) -> Answer:
    """Cut generated ids at the first end mark and turn them into words."""
    eos = _ID[world.EOS]
    ids = list(ids)
    ended = eos in ids
    kept = ids[: ids.index(eos)] if ended else ids
    words = tuple(world.VOCABULARY[index] for index in kept)
    return Answer(prompt, words, ended, tuple(kept) + ((eos,) if ended else ()))


def _padded(answers: Sequence[Answer]) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Ids and mask of prompt + answer, padded on the right; and the prompt's length (the same for all)."""
    rows = [answer.all_ids for answer in answers]
    longest = max(len(row) for row in rows)
    pad = _ID[world.PAD]
    ids = torch.tensor([row + [pad] * (longest - len(row)) for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask, len(answers[0].prompt.words)


@torch.no_grad()
def score(model: LlamaForSequenceClassification, answers: Sequence[Answer]) -> list[float]:
    """A reward model's raw scores of prompt + answer (the end mark included where there is one)."""
    model.eval()
    scores: list[float] = []
    for start in range(0, len(answers), SAMPLE_BATCH):
        ids, mask, _ = _padded(answers[start : start + SAMPLE_BATCH])
        logits = model(input_ids=ids, attention_mask=mask).logits[:, 0]
        scores += [round(value, 5) for value in logits.tolist()]
    return scores


@torch.no_grad()
def log_ratio(policy: LlamaForCausalLM, reference: LlamaForCausalLM, answers: Sequence[Answer]) -> list[float]:
    """Log policy minus log reference of each answer: one sample of the KL (k1), nats an answer."""
    was_training = policy.training
    policy.eval()
    ratios: list[float] = []
    for start in range(0, len(answers), SAMPLE_BATCH):
        ids, mask, prompt_length = _padded(answers[start : start + SAMPLE_BATCH])
        gap = _token_logps(policy, ids, mask) - _token_logps(reference, ids, mask)
        kept = gap[:, prompt_length - 1 :] * mask[:, prompt_length:]
        ratios += [round(value, 4) for value in kept.sum(1).tolist()]
    policy.train(was_training)
    return ratios


def _token_logps(model: LlamaForCausalLM, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1]
    return functional.log_softmax(logits, dim=-1).gather(-1, ids[:, 1:, None])[..., 0]
