"""One file a resource; each has a `router`, and `app.py` finds it."""
