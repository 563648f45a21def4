"""What was recalled and what changed, as JSON and as rows. JSON names fields as an export does."""

from collections.abc import Sequence
from typing import Any

from remanence.cli.parts.answer import short
from remanence.formats.parts.as_json import op_to_json, record_to_json
from remanence.records import Hit, Op

HEAD = ("score", "date", "speaker", "text", "id")
OP_HEAD = ("op", "when", "kind", "record", "other", "what")


def hit_json(hit: Hit) -> dict[str, Any]:
    """The record, its score, and what each signal added to it."""
    why = {signal: float(value) for signal, value in hit.why.items()}
    return {"score": float(hit.score), "why": why} | record_to_json(hit.record)


def hit_row(hit: Hit, more: Sequence[str] = ()) -> list[str]:
    shown = {
        "why": " ".join(f"{signal}={value:.3f}" for signal, value in hit.why.items()),
        "sources": " ".join(f"{short(s.event)}:{s.start}-{s.end}" for s in hit.sources),
    }
    row = [f"{hit.score:.3f}", f"{hit.at:%Y-%m-%d}", hit.record.speaker, hit.text, short(hit.id)]
    return row + [shown[name] for name in more]


def op_json(op: Op) -> dict[str, Any]:
    return op_to_json(op)


def op_row(op: Op, text: str = "") -> list[str]:
    """One change on one line, with what it is about; a change that was only proposed has no number and no time."""
    when = f"{op.recorded_at:%Y-%m-%d %H:%M}" if op.recorded_at else ""
    what = op.new.text if op.new else op.why or text or (f"takes back {op.undoes}" if op.undoes else "")
    return [str(op.id or ""), when, op.kind, short(op.record), short(op.other), what]
