"""Opaque cursors: where a list goes on. One that is of another list, or of a store made anew, is refused."""

import base64
import binascii
import json
from typing import Any

from remanence.records import digest
from remanence.serve.problem import Problem


def made(position: str, which: dict[str, Any], epoch: str) -> str:
    """A cursor behind this position of the list that this filter makes."""
    return base64.urlsafe_b64encode(f"{_of(which, epoch)}{position}".encode()).decode().rstrip("=")


def read(cursor: str, which: dict[str, Any], epoch: str) -> str:
    """The position a cursor stands for; "" for no cursor."""
    if not cursor:
        return ""
    try:
        said = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise Problem(400, "no cursor", "this is no cursor; take next_cursor from the page before") from None
    of = _of(which, epoch)
    if not said.startswith(of):
        why = "the cursor is of another list: other filters, or the memory was rebuilt or erased from; begin again"
        raise Problem(400, "another list", why)
    return said.removeprefix(of)


def _of(which: dict[str, Any], epoch: str) -> str:
    return digest(json.dumps(which, sort_keys=True, default=str), epoch)
