"""What only the grammar of English tells of a text: `names` whom it names, `when` what time it speaks of, `closeness`
how near to that something was said."""
