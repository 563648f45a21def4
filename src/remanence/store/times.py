"""Times as whole microseconds since 1970 UTC, exactly and back."""

from datetime import UTC, datetime, timedelta

from remanence.errors import Corrupt

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(when: datetime) -> int:
    return (when - EPOCH) // MICROSECOND


def moment(micros: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        raise Corrupt(f"{micros} microseconds after 1970 are no date: the file is damaged") from None
