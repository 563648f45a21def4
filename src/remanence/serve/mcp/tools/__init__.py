"""What can be offered to a model: a file is a profile, its TOOLS are what `--tools` with its name offers."""
