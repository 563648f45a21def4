"""Where in a text a quotation stands, even when a model has tidied it.

Idea:    exact; else the same words in the same order, whatever the case, spaces and marks between them.
"""

import re


def located(quote: str, text: str) -> tuple[int, int] | None:
    """(start, end) of the quotation, or None when the text does not say it."""
    quote = quote.strip()
    at = text.find(quote)
    if quote and at >= 0:
        return at, at + len(quote)
    said = list(re.finditer(r"\w+", quote))
    if not said:
        return None
    loose = re.compile(r"\W+".join(re.escape(m.group()) for m in said), re.IGNORECASE)
    found = loose.search(text)
    return found.span() if found else None
