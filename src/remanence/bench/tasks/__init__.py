"""One task a file; base.py is the contract."""
