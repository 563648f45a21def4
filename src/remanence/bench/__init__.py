"""The same questions asked of every memory, and what the answers cost."""
