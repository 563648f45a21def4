"""Memory a model reads: one file per method; `base.py` is the contract, `parts/` the stages methods share."""
