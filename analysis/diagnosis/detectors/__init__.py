"""One file each; see `analysis.diagnosis`."""
