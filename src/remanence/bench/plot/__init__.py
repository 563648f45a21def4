"""Pictures as SVG, drawn by hand: an axis, a frame, and one file a kind of picture."""
