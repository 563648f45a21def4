"""Words from tools that tell their reader what to do: kept, put aside, and let in only by a person.

Idea:    memories are read back into prompts, so whoever gets an order into one gives it every time it is recalled. What
         a person says is never put aside; what a tool says is, when it reads like an order to a model. Nothing is
         derived from it but its turns, forgotten at once: `undo` of that lets them in.
Source:  OWASP Top 10 for Agentic Applications 2026, ASI06 "Memory & Context Poisoning": writes are scanned before they
         count. English patterns alone: it holds off what is crude, and is no proof against what is not.
"""

import re

from remanence.records import Event, Op
from remanence.text.parts.segment import turns

CHANNEL = "tool"  # which carries what anybody may have written: pages, mails, other programs' answers
WHY = "quarantined"
ORDERS = {
    "it sets instructions aside": r"\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}"
    r"\b(?:instructions?|rules|prompts?|guidelines|directions|policies)\b",
    "it speaks of the prompt": r"\b(?:system|developer) (?:prompt|message|instructions?)\b",
    "it gives standing orders": r"\bfrom now on\b[^.!?\n]{0,20}\b(?:you|always|never)\b|"
    r"\byou (?:must|shall|should|are to|will) (?:now )?(?:always|never|only)\b",
    "it wants something kept from the user": r"\b(?:do not|don't|never) (?:tell|reveal|mention|inform|show|warn)\b"
    r"[^.!?\n]{0,40}\buser\b",
    "it wants secrets": r"\b(?:send|post|upload|forward|exfiltrate|reveal|print)\b[^.!?\n]{0,40}"
    r"\b(?:passwords?|api keys?|secrets?|credentials|tokens?)\b",
}
PATTERNS = {why: re.compile(pattern, re.IGNORECASE) for why, pattern in ORDERS.items()}


def doubt(event: Event) -> str:
    """Why this is put aside; "" when it is not."""
    if event.channel != CHANNEL:
        return ""
    return next((why for why, pattern in PATTERNS.items() if pattern.search(event.text)), "")


def put_aside(event: Event, why: str) -> list[Op]:
    """Its turns, which nothing finds until what hides them is undone."""
    return [op for new in turns([event]) for op in (new, Op("expire", new.record, why=f"{WHY}: {why}"))]
