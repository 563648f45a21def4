"""A memory as other frameworks ask for one: a file for each, over the verbs alone, so a path does and a URL does."""
