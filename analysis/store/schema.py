"""The tables of the store, and how an older store becomes a newer one.

No primary keys: DuckDB checks them eagerly and refuses delete-and-insert of one key in one transaction, which
is how ledger and series rows are rewritten here. Uniqueness is kept by the one writer.
"""

from __future__ import annotations

import duckdb

from analysis.records import StoreError

VERSION = 3

TABLES = """
CREATE TABLE meta (key VARCHAR, value VARCHAR);

CREATE TABLE runs (
    run_id VARCHAR, path VARCHAR, fingerprint VARCHAR, project VARCHAR, name VARCHAR, kind VARCHAR,
    framework VARCHAR, version VARCHAR, trainer VARCHAR, loss VARCHAR, seed BIGINT, "group" VARCHAR,
    tags VARCHAR[], note VARCHAR, config VARCHAR, links VARCHAR, archived BOOLEAN, begun BOOLEAN, user_set VARCHAR[]
);

-- a log is what one writer wrote: a file, or the event files that follow one another after restarts
CREATE TABLE logs (
    log_id INTEGER, run_id VARCHAR, label VARCHAR, source VARCHAR, rank INTEGER, prefix VARCHAR, suffix VARCHAR,
    newest DOUBLE, pauses DOUBLE[], grew DOUBLE
);

-- the ledger: what was read of each file, committed together with the rows that were read
CREATE TABLE files (
    file_id INTEGER, path VARCHAR, run_id VARCHAR, log_id INTEGER, source VARCHAR, role VARCHAR,
    size BIGINT, mtime_ns BIGINT, prefix_bytes BIGINT, prefix_hash VARCHAR, end_hash VARCHAR,
    position VARCHAR,
    rows BIGINT, state VARCHAR, error VARCHAR, notes VARCHAR[],
    skipped STRUCT("where" VARCHAR, why VARCHAR, count BIGINT)[],
    ending STRUCT(word VARCHAR, why VARCHAR, reached DOUBLE, planned DOUBLE)
);

CREATE TABLE series (
    series_id INTEGER, run_id VARCHAR, log_id INTEGER, source VARCHAR, rank INTEGER, tag VARCHAR, key VARCHAR,
    split VARCHAR, metric VARCHAR, concept VARCHAR, component VARCHAR, unit VARCHAR, estimator VARCHAR,
    aggregation VARCHAR, scale DOUBLE, sign INTEGER, counter BOOLEAN, notes VARCHAR[], is_primary BOOLEAN
);

CREATE TABLE points (
    series_id INTEGER, attempt INTEGER, seq BIGINT, step DOUBLE, wall_time DOUBLE, value DOUBLE
);

-- what people want to ask in SQL: every point with its names
CREATE VIEW scalars AS
    SELECT run_id, metric, split, tag, source, unit, is_primary, attempt, seq, step, wall_time, value
    FROM points JOIN series USING (series_id);

-- blocks of 16, 256 and 4,096 points of one attempt; a block that grew in several commits has several rows
-- until it is compacted, and they are merged on reading
CREATE TABLE rollups (
    series_id INTEGER, attempt INTEGER, level INTEGER, block BIGINT, last_seq BIGINT,
    first_step DOUBLE, last_step DOUBLE, first_time DOUBLE, last_time DOUBLE,
    low DOUBLE, high DOUBLE, total DOUBLE, last DOUBLE, n BIGINT, nonfinite BIGINT
);

CREATE TABLE histograms (
    file_id INTEGER, run_id VARCHAR, tag VARCHAR, step DOUBLE, wall_time DOUBLE,
    edges DOUBLE[], counts DOUBLE[]
);

CREATE TABLE pair_scores (
    file_id INTEGER, run_id VARCHAR, step DOUBLE, dataset VARCHAR, pair_id VARCHAR, prompt_id VARCHAR,
    category VARCHAR, chosen_score DOUBLE, rejected_score DOUBLE, chosen_length DOUBLE,
    rejected_length DOUBLE, length_unit VARCHAR, label_source VARCHAR, strength DOUBLE, features VARCHAR,
    "row" BIGINT
);

CREATE TABLE ranked_scores (
    file_id INTEGER, run_id VARCHAR, step DOUBLE, dataset VARCHAR, prompt_id VARCHAR, candidate_id VARCHAR,
    category VARCHAR, score DOUBLE, rank DOUBLE, label DOUBLE, length DOUBLE, features VARCHAR, "row" BIGINT
);

CREATE TABLE rollouts (
    file_id INTEGER, run_id VARCHAR, step DOUBLE, time DOUBLE, prompt_id VARCHAR, category VARCHAR,
    score DOUBLE, length DOUBLE, kl DOUBLE, truncated BOOLEAN, gold_score DOUBLE, model_version VARCHAR,
    policy_version VARCHAR, features VARCHAR, "row" BIGINT
);

CREATE TABLE pair_texts (
    file_id INTEGER, folder VARCHAR, dataset VARCHAR, pair_id VARCHAR, prompt_id VARCHAR, category VARCHAR,
    prompt_chars DOUBLE, chosen_chars DOUBLE, rejected_chars DOUBLE, chosen_words DOUBLE,
    rejected_words DOUBLE, "row" BIGINT
);

-- scored traffic is not copied: counts over fixed bins per day and cell (see sketches.py)
CREATE TABLE stream_cells (
    file_id INTEGER, run_id VARCHAR, day INTEGER, category VARCHAR, model_version VARCHAR,
    policy_version VARCHAR, field VARCHAR, bin INTEGER, n BIGINT, total DOUBLE
);

-- what several logs of one run tell of the same metric: compared, never drawn twice
CREATE TABLE checks (
    run_id VARCHAR, metric VARCHAR, split VARCHAR, log_id INTEGER, other_log_id INTEGER, compared BIGINT,
    disagree BIGINT, largest DOUBLE, first_step DOUBLE
);
"""

FINDINGS = """-- the newest diagnosis of each run: the rows it has read, the code that made it, what to look at first, and all as JSON
CREATE TABLE diagnoses (
    run_id VARCHAR, made DOUBLE, code VARCHAR, rows BIGINT, verdict VARCHAR, cause VARCHAR, severity VARCHAR,
    summary VARCHAR, onset DOUBLE, document VARCHAR
);

-- every finding that a run ever had, as it was last told: when it was first seen, and cleared
CREATE TABLE findings (
    run_id VARCHAR, id VARCHAR, cause VARCHAR, severity VARCHAR, summary VARCHAR, first_seen DOUBLE, cleared DOUBLE
);
"""

MIGRATIONS = {
    1: """
ALTER TABLE logs ADD COLUMN newest DOUBLE;
ALTER TABLE logs ADD COLUMN pauses DOUBLE[];
ALTER TABLE logs ADD COLUMN grew DOUBLE;
UPDATE logs SET newest = ends.last_time FROM (
    SELECT log_id, max(last_time) AS last_time FROM rollups JOIN series USING (series_id) GROUP BY log_id
) ends WHERE ends.log_id = logs.log_id;
ALTER TABLE files ADD COLUMN ending STRUCT(word VARCHAR, why VARCHAR, reached DOUBLE, planned DOUBLE);
""",
    2: FINDINGS,
}
"""What makes a store of each version one of the next; what older rows don't hold is not told until they are read again."""

FILE_TABLES = ("histograms", "pair_scores", "ranked_scores", "rollouts", "pair_texts", "stream_cells")
"""Tables whose rows name the file they came from, so that a rewritten file can replace them."""


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the tables of a new store, or bring those of an existing one up to date.

    Raises
    ------
    StoreError
        If the file is no Rewardboard store, or was written by a newer version.
    """
    tables = {name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not tables:
        connection.execute("BEGIN")
        connection.execute(TABLES + FINDINGS)
        connection.execute("INSERT INTO meta VALUES ('schema', ?)", [str(VERSION)])
        connection.execute("COMMIT")
        return
    if "meta" not in tables:
        raise StoreError("this DuckDB file holds other tables", mend="name another file with --db")
    rows = connection.execute("SELECT value FROM meta WHERE key = 'schema'").fetchall()
    found = int(rows[0][0]) if rows else 0
    if found > VERSION:
        raise StoreError(
            f"the store has schema {found}, this version knows {VERSION}",
            mend="update rewardboard, or name another file with --db",
        )
    if found < VERSION:
        connection.execute("BEGIN")
        for version in range(found, VERSION):
            connection.execute(MIGRATIONS[version])
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", [str(VERSION)])
        connection.execute("COMMIT")
