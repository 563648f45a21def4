"""Where memories are kept: events, records, links, vectors, words and operations, changed together or not at all."""
