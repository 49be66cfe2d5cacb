"""Figures: data in, one Plotly dict out; no Streamlit, so that tests and reports draw the same picture."""
