"""Figures as plain dicts: pure functions from data to what Plotly draws, so that pages, reports and tests share them."""
