"""Arguments that trainers record as text: JSON, or a Markdown table of names and values."""

from __future__ import annotations

import json
import re
from typing import Any

NAMES = ("args", "model_config", "hyperparameters", "hparams", "config")
"""Last part of the text tags that hold them: Hugging Face writes args and model_config, CleanRL and open-instruct
hyperparameters, hand-written loops the others."""

_ROW = re.compile(r"^\s*\|([^|\n]*)\|(.*)\|\s*$", re.MULTILINE)
_RULE = re.compile(r"\s*:?-+:?\s*")
_FENCE = re.compile(r"\A\s*(?:```\w*\s*\n(.*?)\n\s*```|<pre>(.*?)</pre>)\s*\Z", re.DOTALL)
_INTEGER = re.compile(r"[-+]?\d{1,18}")
_DECIMAL = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_WORDS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}


def name_of(tag: str) -> str | None:
    """Which of `NAMES` a text tag is, None if it is another text (`add_text` appends `/text_summary`)."""
    name = tag.removesuffix("/text_summary").rpartition("/")[2].lower()
    return name if name in NAMES else None


def parsed(name: str, text: str) -> dict[str, Any]:
    """The arguments of one text.

    A model's own configuration stays under `model_config`, and a text that is neither JSON nor a table stays under
    its name: better unparsed than lost.
    """
    fenced = _FENCE.match(text)
    inner = (fenced[1] or fenced[2] or "") if fenced else text
    try:
        found = json.loads(inner)
    except (ValueError, RecursionError):
        found = _table(inner) or text
    return found if isinstance(found, dict) and name != "model_config" else {name: found}


def _table(text: str) -> dict[str, Any]:
    """Rows `|name|value|`, without the heading above the rule of dashes."""
    rows = [(key, value) for key, value in _ROW.findall(text)]
    if len(rows) > 1 and _RULE.fullmatch(rows[1][0]):
        rows = rows[2:]
    return {key.strip(): _value(value.strip()) for key, value in rows if key.strip()}


def _value(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    return text
