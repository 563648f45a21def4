"""A memory that a Remanence server holds, with the verbs of one on this machine."""
