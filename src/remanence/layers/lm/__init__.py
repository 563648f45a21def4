"""A small language model to put the layers in, as Hugging Face has them."""
