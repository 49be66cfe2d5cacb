"""Sketches of scored traffic: counts over fixed bins, per day and cell, so that a hundred million rows stay small.

Bins are fixed for good: baselines change, bins don't, and sketches of any two days merge by adding. They are
those of DDSketch (Masson, Rim and Lee, VLDB 2019, doi:10.14778/3352063.3352135): logarithmic on both sides of
zero, so that a quantile is right to `ACCURACY` of its own size whatever the scale of the scores.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ACCURACY = 0.002
"""Relative error of a quantile: 0.2 %, below the standard error of a day's median of 10,000 answers."""

SMALLEST = 1e-6
"""Scores closer to zero share one bin: reward models are not read to a millionth."""

_LOG_GAMMA = np.log1p(2 * ACCURACY / (1 - ACCURACY))
SECONDS_A_DAY = 86_400
NOT_A_NUMBER = -(2**31) + 1
"""The bin of NaN and infinities: counted, never part of a quantile."""

CELLS = pa.schema(
    [
        ("day", pa.int32()),
        ("category", pa.string()),
        ("model_version", pa.string()),
        ("policy_version", pa.string()),
        ("field", pa.string()),
        ("bin", pa.int32()),
        ("n", pa.int64()),
        ("total", pa.float64()),
    ]
)

FIELDS = ("score", "length", "gold_score")


def bins(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Bin number of each value: 0 around zero, k > 0 for positive, k < 0 for negative values."""
    finite = np.isfinite(values)
    size = np.abs(np.where(finite, values, 0.0))
    with np.errstate(divide="ignore"):
        k = np.ceil(np.log(np.maximum(size, SMALLEST) / SMALLEST) / _LOG_GAMMA) + 1
    k = np.where(size <= SMALLEST, 0, k) * np.sign(np.where(finite, values, 0.0))
    return np.where(finite, k, NOT_A_NUMBER).astype(np.int32)


def centres(numbers: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """The value that stands for each bin (within `ACCURACY` of everything in it); NaN for `NOT_A_NUMBER`."""
    k = np.where(numbers == NOT_A_NUMBER, 0.0, np.abs(numbers.astype(np.float64)) - 1)
    upper = SMALLEST * np.exp(k * _LOG_GAMMA)
    middle = 2 * upper / (np.exp(_LOG_GAMMA) + 1)
    values = np.where(numbers == 0, 0.0, np.sign(numbers) * middle)
    return np.where(numbers == NOT_A_NUMBER, np.nan, values)


def sketch(stream: pa.Table) -> pa.Table:
    """Count a batch of scored traffic (schema of `records.Stream`) into cells (schema `CELLS`).

    Rows without a time have no day and are left out; the source reports them.
    """
    day = pc.floor(pc.divide(stream["time"], float(SECONDS_A_DAY))).cast(pa.int32())
    parts = []
    for name in FIELDS:
        present = pc.and_(pc.is_valid(stream[name]), pc.is_valid(day))
        if not pc.any(present).as_py():
            continue
        rows = stream.filter(present)
        values = rows[name].to_numpy()
        table = pa.table(
            {
                "day": day.filter(present),
                **{k: rows[k].cast(pa.string()) for k in ("category", "model_version", "policy_version")},
                "field": pa.repeat(pa.scalar(name), len(rows)),
                "bin": pa.array(bins(values)),
                "value": pa.array(np.where(np.isfinite(values), values, 0.0)),
            }
        )
        keys = ["day", "category", "model_version", "policy_version", "field", "bin"]
        grouped = table.group_by(keys).aggregate([("value", "count"), ("value", "sum")])
        parts.append(grouped.rename_columns([*keys, "n", "total"]).cast(CELLS))
    return pa.concat_tables(parts) if parts else CELLS.empty_table()
