"""What a memory asks of a language model; one file per way of answering."""
