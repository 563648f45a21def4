"""What models are taught and examined in: generators of examples, one file per lesson; `base.py` is the contract."""
