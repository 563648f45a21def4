"""The small stages embedders are made of."""
