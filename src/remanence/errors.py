"""Every error this library raises on purpose.

RemanenceError
  UnknownName        a form, method, format, task or setting nobody registered
  NotFound           no event, record or operation with that id
  BadConfig          a setting that does not exist or cannot be
  BadInput           text, dates, vectors or files that cannot be kept as given
  MissingExtra       an optional package that a named extra installs
  LMError            anything that went wrong while a language model was asked
    BadReply         it answered in a shape we cannot use; the message carries the reply
    Unavailable      it could not be reached, or did not answer in time
    CannotAnswer     this model does not answer that question (Rules, mostly)
  StoreError         anything that went wrong with the file
    Locked           another process holds it longer than we wait
    ReadOnly         it cannot be written to
    Corrupt          it is damaged, or is not one of ours
    NewerVersion     a newer Remanence wrote it
    DiskFull         no room is left; nothing of the write was kept
    OtherMethod      its records were derived by another method
    Unreachable      the server that holds it does not answer
  CacheError         anything that went wrong between a model and its memory
    CannotAttach     this model cannot be given a memory: it would not be reproduced
    NotAttached      a memory cache was used without its model being attached
    OtherModel       a stored memory was made by another model
"""

import difflib
from collections.abc import Iterable


class RemanenceError(Exception):
    """Base of all our errors, so that a caller can catch them in one line."""

    def __str__(self) -> str:  # a KeyError would print its repr
        return str(self.args[0]) if self.args else ""


class UnknownName(RemanenceError, KeyError):
    """A name nobody registered."""


class NotFound(RemanenceError, KeyError):
    """No event, record or operation has this id."""


class BadConfig(RemanenceError, ValueError):
    """A setting that does not exist, or a value it cannot have."""


class BadInput(RemanenceError, ValueError):
    """Something we were given and cannot keep; nothing was stored."""


class MissingExtra(RemanenceError, ImportError):
    """An optional package is not installed."""


class LMError(RemanenceError):
    """A language model was asked and did not help. What was to be remembered is kept."""


class BadReply(LMError):
    """A model answered in a shape we cannot use."""


class Unavailable(LMError):
    """A model could not be reached, refused, or took too long."""


class CannotAnswer(LMError):
    """This model does not answer this question."""


class StoreError(RemanenceError):
    """The file could not be read or written."""


class Locked(StoreError):
    """Another process holds the file."""


class ReadOnly(StoreError):
    """The file or its folder cannot be written to."""


class Corrupt(StoreError):
    """The file is damaged or is not one of ours."""


class NewerVersion(StoreError):
    """The file was written by a newer version."""


class DiskFull(StoreError):
    """No room is left on the disk."""


class OtherMethod(StoreError):
    """The store's records were derived by another method."""


class Unreachable(StoreError):
    """The server that holds the memory could not be reached, or put us off."""


def title(kind: type[Exception]) -> str:
    """NotFound as "not found": how a server's problem document names an error, and a client knows it again."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in kind.__name__).strip()


def one_of(what: str, got: str, known: Iterable[str]) -> str:
    """The text of every "no such name" message: the nearest guess, then the whole list."""
    known = sorted(known)
    near = difflib.get_close_matches(got, known, n=1)
    return f"no {what} {got!r}." + (f" Did you mean {near[0]!r}?" if near else "") + f" Known: {', '.join(known)}"


class CacheError(RemanenceError):
    """A model and a cache memory do not go together."""


class CannotAttach(CacheError, TypeError):
    """This model would not be reproduced with a memory attached; it was left as it was."""


class NotAttached(CacheError, RuntimeError):
    """A memory cache was read by a model outside of its `with` block."""


class OtherModel(CacheError, ValueError):
    """A stored memory belongs to another model, revision, tokenizer or dtype."""
