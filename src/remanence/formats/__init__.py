"""Files other programs keep conversations in; one file per format."""
