"""Data: what was read, and what was not?"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from analysis.records import InputError
from dashboard import data, live, look

PAGE = {
    "title": "What was read, and what was not?",
    "name": "Data",
    "icon": ":material/database:",
    "path": "data",
    "order": 90,
}

EXAMPLES = {
    "last value of every metric": "SELECT run_id, metric, unit, last(value ORDER BY attempt, seq) AS last\nFROM scalars WHERE is_primary GROUP BY ALL ORDER BY ALL LIMIT 100",
    "accuracy by category": "SELECT run_id, category, avg((chosen_score > rejected_score)::INT) AS accuracy, count(*) AS n\nFROM pair_scores GROUP BY ALL ORDER BY ALL",
    "points that are not finite": "SELECT run_id, metric, step, value FROM scalars WHERE NOT isfinite(value) ORDER BY ALL LIMIT 100",
}


def render() -> None:
    """Draw the page."""
    look.begin(PAGE["title"])
    files = data.ask("files")
    if files.empty:
        look.nothing(
            "Nothing has been read yet.",
            "Point Rewardboard at the folder your trainer writes to:",
            "rewardboard PATH",
        )
        live.follow()
        return
    unmapped, checks = data.ask("unmapped"), data.ask("checks")
    _verdict(files, unmapped, checks)
    st.subheader("Files", anchor=False)
    _files(files)
    st.subheader("The same metric in several logs", anchor=False)
    _checks(checks)
    st.subheader("Names that the vocabulary does not know", anchor=False)
    _unmapped(unmapped)
    st.subheader("Ask in SQL", anchor=False)
    _sql()
    live.follow()


def _verdict(files: pd.DataFrame, unmapped: pd.DataFrame, checks: pd.DataFrame) -> None:
    read = files[files["state"] == "read"]
    troubled = files[(files["error"] != "") | (files["skipped"].map(len) > 0)]
    disagree = checks[checks["disagree"] > 0]
    look.verdict(
        f"{len(read)} of {len(files)} files are read, {int(files['rows'].sum()):,} rows. "
        f"{len(troubled)} files have something that was not read, named below. "
        f"{unmapped['tag'].nunique()} names are not in the vocabulary and kept as they are. "
        f"{len(checks)} metrics are told by several logs; {len(disagree)} of them disagree somewhere."
    )


def _files(files: pd.DataFrame) -> None:
    troubled = st.toggle("only files with something that was not read", key="troubled", bind="query-params")
    shown = files.assign(
        skipped=[_said(cell) for cell in files["skipped"]],
        notes=["; ".join(cell) if cell is not None else "" for cell in files["notes"]],
    )
    if troubled:
        shown = shown[(shown["error"] != "") | (shown["skipped"] != "")]
    columns = ["path", "state", "rows", "source", "run", "error", "skipped", "notes"]
    st.dataframe(shown[columns], hide_index=True, height=min(38 + 35 * max(len(shown), 1), 420))


def _said(skipped: object) -> str:
    if skipped is None:
        return ""
    return "; ".join(
        f"{s['where']}: {s['why']}" + (f" ({s['count']} times)" if s["count"] > 1 else "") for s in skipped
    )


def _checks(checks: pd.DataFrame) -> None:
    if checks.empty:
        st.markdown("Every metric is told by one log only.")
        return
    bad = checks[checks["disagree"] > 0]
    if bad.empty:
        st.markdown(f"{len(checks)} metrics are told by more than one log. All agree (to 1 part in a million).")
        with st.expander("Which"):
            st.dataframe(checks, hide_index=True)
    else:
        st.markdown("These logs disagree; the first one is drawn.")
        st.dataframe(bad, hide_index=True)


def _unmapped(unmapped: pd.DataFrame) -> None:
    if unmapped.empty:
        st.markdown("All names are known.")
        return
    st.dataframe(unmapped, hide_index=True, height=min(38 + 35 * len(unmapped), 240))
    st.markdown("To map them, put this into `rewardboard.toml` beside the run and fill in the right side:")
    lines = "\n".join(f'"{tag}" = ""' for tag in unmapped["tag"].unique()[:20])
    st.code(f"[columns]\n{lines}", language="toml")


def _sql() -> None:
    example = st.selectbox("Example", list(EXAMPLES))
    with st.form("sql"):
        query = st.text_area("One SELECT, read-only", EXAMPLES[example], height=110, key=f"query {example}")
        asked = st.form_submit_button("Answer")
    if asked:
        try:
            answer = data.board().sql(query)
        except InputError as error:
            st.error(f"{error.what}. {error.mend}")
            return
        st.dataframe(answer, hide_index=True)
        st.caption(f"{len(answer):,} rows (at most 10,000)")
        st.download_button("Download as CSV", answer.to_csv(index=False), "answer.csv", "text/csv")
