"""Policies around a policy: they vary one thing and leave the rest to it."""
