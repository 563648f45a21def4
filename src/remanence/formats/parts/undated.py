"""The time of what a source gives no time for."""

from datetime import datetime

from remanence.errors import BadConfig, BadInput
from remanence.records import utc

UNDATED = "1970-01-01"  # fixed, so that reading a file again, or a longer one, gives the same events


def undated(setting: str) -> datetime:
    """The time a setting named `at` says."""
    try:
        return utc(setting)
    except BadInput as error:
        raise BadConfig(f"at: {error}") from None
