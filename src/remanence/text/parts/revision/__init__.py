"""Facts that end: what a new one does to those held before (`supersede`) and to what hung on them (`hanging`); and
facts beside turns, which tell what still holds (`statements` writes them, `current` reads them)."""
