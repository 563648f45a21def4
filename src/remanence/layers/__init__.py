"""Memory a model learns to use: torch modules, state in and state out; one file per layer, `base.py` the contract."""
