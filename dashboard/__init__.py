"""The pages. No SQL and no statistics here: data come from `analysis.board`, figures are made in `charts`."""
