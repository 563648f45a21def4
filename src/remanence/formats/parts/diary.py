"""Events as a Markdown page that reads well, and back as they were.

Each message is a heading with its hour and speaker, a comment that holds what is not shown, and its text as a quote.
"""

import json
from collections.abc import Iterator

from remanence.errors import BadInput
from remanence.formats.parts.as_json import event_from_json, event_to_json
from remanence.formats.parts.json_values import parsed, table
from remanence.formats.parts.notes import Lines
from remanence.formats.parts.opened import Text
from remanence.records import Event

OPENS, CLOSES = "<!-- remanence ", " -->"


def page(event: Event) -> str:
    """The lines of one event."""
    said = {name: value for name, value in event_to_json(event).items() if name not in ("type", "id")}
    if "\r" not in event.text:  # which would end a line in some editors, and here
        del said["text"]
    # Neither < nor > nor -- stands outside a JSON string, and inside it each may be escaped: no text ends the comment.
    hidden = json.dumps(said).replace("<", "\\u003c").replace(">", "\\u003e").replace("--", "\\u002d\\u002d")
    speaker = " ".join(event.speaker.split())[:80].replace("<", "&lt;")
    quoted = "\n".join(f"> {line}" if line else ">" for line in event.text.split("\n"))
    return f"\n### {event.at:%H:%M:%S} {speaker}\n{OPENS}{hidden}{CLOSES}\n{quoted}\n"


def events(text: Text, lines: Lines) -> Iterator[Event]:
    """The events of such a page; what belongs to none is reported."""
    hidden, at = "", 0  # the comment of the event at hand and its line
    quoted: list[str] = []
    for number, line in lines:
        if line.startswith(">") and hidden:
            quoted.append(line[2:] if line.startswith("> ") else line[1:])
            continue
        yield from _event(text, at, hidden, quoted)
        hidden, quoted = "", []
        if line.startswith(OPENS) and line.endswith(CLOSES):
            hidden, at = line[len(OPENS) : -len(CLOSES)], number
        elif line.strip() and not line.startswith("#"):
            text.problem(number, "belongs to no message of this export; skipped")
    yield from _event(text, at, hidden, quoted)


def _event(text: Text, number: int, hidden: str, quoted: list[str]) -> Iterator[Event]:
    if hidden:
        try:
            yield event_from_json({"text": "\n".join(quoted), **table(parsed(hidden))})
        except BadInput as error:
            text.problem(number, str(error))
