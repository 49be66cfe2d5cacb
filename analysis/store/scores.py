"""Reading scores of pairs and lists, each pair once, and where its texts lie."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pandas as pd

UNIQUE = """
    SELECT * FROM pair_scores WHERE run_id = ? AND (?::VARCHAR IS NULL OR dataset = ?)
    QUALIFY row_number() OVER (PARTITION BY dataset, step, pair_id ORDER BY file_id, "row") = 1
"""
"""Pairs of a run (parameters: run, data set twice; NULL for all), each once at each step: the first row counts."""


def runs(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Runs that are not archived and have scored pairs or lists, with a text that changes with what is said of them."""
    rows = con.execute(
        """SELECT run_id, concat_ws(' ', name, loss) FROM runs WHERE NOT archived AND run_id IN
           (SELECT run_id FROM pair_scores UNION SELECT run_id FROM ranked_scores) ORDER BY 1"""
    ).fetchall()
    return {str(run): str(said) for run, said in rows}


def scorers(con: duckdb.DuckDBPyConnection, runs: Sequence[str]) -> pd.DataFrame:
    """One row a scorer (of `runs`) and dataset: what it scored, and how far ids repeat.

    A repeated pair id with the same scores is a duplicate; with other scores it is in conflict. Both are counted,
    and the first row of the file is the one that is used.
    """
    return con.execute(
        """WITH pairs AS (
               SELECT run_id, dataset, step, pair_id, any_value(prompt_id) AS prompt_id, count(*) AS times,
                      count(DISTINCT (chosen_score, rejected_score)) AS versions,
                      bool_or(label_source = 'unlabelled') AS unlabelled
               FROM pair_scores WHERE run_id IN (SELECT unnest($runs)) GROUP BY ALL
           ), lists AS (
               SELECT run_id, dataset, step, prompt_id, candidate_id, count(*) AS times, count(DISTINCT score) AS versions
               FROM ranked_scores WHERE run_id IN (SELECT unnest($runs)) GROUP BY ALL
           )
           SELECT run_id AS run, r.name, r.loss, d.* EXCLUDE (run_id) FROM (
               SELECT run_id, 'pairs' AS data, dataset, count(*) AS n, count(DISTINCT prompt_id) AS n_prompts,
                      count(*) FILTER (unlabelled) AS n_unlabelled, sum(times - 1)::BIGINT AS n_duplicates,
                      count(*) FILTER (versions > 1) AS n_conflicting, count(DISTINCT step) AS n_checkpoints
               FROM pairs GROUP BY run_id, dataset
               UNION ALL
               SELECT run_id, 'ranked', dataset, count(*), count(DISTINCT prompt_id), 0, sum(times - 1)::BIGINT,
                      count(*) FILTER (versions > 1), count(DISTINCT step)
               FROM lists GROUP BY run_id, dataset
           ) d JOIN runs r USING (run_id) ORDER BY run, data, dataset""",
        {"runs": list(runs)},
    ).df()


def pairs(con: duckdb.DuckDBPyConnection, run: str, dataset: str | None) -> pd.DataFrame:
    """All pairs of a scorer's last checkpoint, each once, in file order.

    Where the scores don't tell the prompt, it is that of the pair's texts, if they lie beside or above the scores:
    pairs of one prompt are not independent, whichever file says so.
    """
    found = con.sql(
        f"""WITH one AS ({UNIQUE}), told AS (
                SELECT pair_id, prompt_id FROM pair_texts t WHERE prompt_id IS NOT NULL AND EXISTS (
                    SELECT 1 FROM files f WHERE f.file_id IN (SELECT file_id FROM one)
                    AND starts_with(f.path, t.folder || '/'))
                QUALIFY row_number() OVER (PARTITION BY pair_id ORDER BY length(folder) DESC, file_id, "row") = 1
            )
            SELECT pair_id, coalesce(one.prompt_id, told.prompt_id) AS prompt_id, category, chosen_score,
                   rejected_score, chosen_score - rejected_score AS margin, chosen_length, rejected_length, length_unit,
                   label_source, dataset, step, features
            FROM one LEFT JOIN told USING (pair_id)
            WHERE step IS NOT DISTINCT FROM (SELECT max(step) FROM one) ORDER BY file_id, "row" """,
        params=[run, dataset, dataset],
    )
    return found.to_arrow_table().to_pandas()  # several times as fast for a million ids as `df`


def sides(con: duckdb.DuckDBPyConnection, run: str, dataset: str | None) -> pd.DataFrame:
    """The two scores alone of all pairs of a scorer's last checkpoint, each pair once."""
    return con.execute(
        f"""WITH one AS ({UNIQUE}) SELECT chosen_score, rejected_score FROM one
            WHERE step IS NOT DISTINCT FROM (SELECT max(step) FROM one)""",
        [run, dataset, dataset],
    ).df()


def candidates(con: duckdb.DuckDBPyConnection, run: str, dataset: str | None) -> pd.DataFrame:
    """All candidates of a scorer's lists at its last checkpoint, each once, in file order."""
    return con.execute(
        """WITH one AS (
               SELECT * FROM ranked_scores WHERE run_id = ? AND (?::VARCHAR IS NULL OR dataset = ?)
               QUALIFY row_number() OVER (PARTITION BY dataset, step, prompt_id, candidate_id ORDER BY file_id, "row") = 1
           )
           SELECT prompt_id, candidate_id, category, score, rank, label, length, dataset, step FROM one
           WHERE step IS NOT DISTINCT FROM (SELECT max(step) FROM one) ORDER BY file_id, "row" """,
        [run, dataset, dataset],
    ).df()


def checkpoint_pairs(
    con: duckdb.DuckDBPyConnection, run: str, dataset: str | None, steps: Sequence[float] | None = None
) -> pd.DataFrame:
    """Labelled pairs of all of a scorer's checkpoints (or of those at `steps`), each once at each step.

    Returns step, dataset, pair_id, prompt_id, category, chosen_score, rejected_score; scores without a step belong to
    no checkpoint and are left out.
    """
    return con.execute(
        f"""WITH one AS ({UNIQUE})
            SELECT step, dataset, pair_id, prompt_id, category, chosen_score, rejected_score FROM one
            WHERE isfinite(step) AND label_source <> 'unlabelled'
            AND (?::DOUBLE[] IS NULL OR step IN (SELECT unnest(?::DOUBLE[]))) ORDER BY step, file_id, "row" """,
        [run, dataset, dataset, *[None if steps is None else list(steps)] * 2],
    ).df()


def joined_to_texts(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """How many scored pairs of each scorer have texts by their pair id: run, n, with_text."""
    return con.execute(
        """SELECT run_id AS run, count(*) AS n, count(t.pair_id) AS with_text FROM pair_scores p
           LEFT JOIN (SELECT DISTINCT pair_id FROM pair_texts) t USING (pair_id) GROUP BY 1 ORDER BY 1"""
    ).df()
