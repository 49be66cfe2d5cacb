"""How good the diagnosis is, against runs with known causes, beside other tools on the same traces."""
