"""Every error hhlab raises on purpose, each with what was expected and what was found.

All derive from :class:`HhlabError`, so ``except hh.HhlabError`` catches whatever a bad input can
cause and nothing else.
"""

from __future__ import annotations

from pathlib import Path


class HhlabError(Exception):
    """Base of all named errors.

    Attributes
    ----------
    subject : str
        The file, weight, metric or argument concerned ("" when there is none).
    expected, found : str
        What would have been right, and what was there instead.
    """

    def __init__(self, subject: object = "", *, expected: str = "", found: str = "") -> None:
        self.subject = str(subject)
        self.expected = expected
        self.found = found
        super().__init__(self.subject, expected, found)

    def __str__(self) -> str:
        said = [f"expected {self.expected}"] if self.expected else []
        said += [f"found {self.found}"] if self.found else []
        parts = (repr(self.subject) if self.subject else "", ", ".join(said))
        return ": ".join(part for part in parts if part)

    @property
    def kind(self) -> str:
        """Short name of the error, as stored in result tables."""
        return type(self).__name__


# --- media -------------------------------------------------------------------------------------
class MediaError(HhlabError):
    """A clip, image or sound file could not be used."""


class FileMissing(MediaError):
    """The path does not exist."""


class NotAFile(MediaError):
    """The path is a directory, a socket or another thing that is not a file."""


class FileUnreadable(MediaError):
    """The file exists but may not be opened."""


class FileEmpty(MediaError):
    """The file has zero bytes."""


class NotMedia(MediaError):
    """The bytes are not of any container we can open."""


class NoVideo(MediaError):
    """The container holds no picture stream."""


class NoAudio(MediaError):
    """The clip has no sound stream."""


class NoFrames(MediaError):
    """There is a picture stream but not one frame could be decoded."""


class Truncated(MediaError):
    """Decoding stopped before the end that the container promised."""


class UnsupportedCodec(MediaError):
    """The stream's codec is unknown to the decoder that is installed."""


class UnsupportedSize(MediaError):
    """The picture is larger (or smaller) than can be handled."""


class WriteFailed(MediaError):
    """The output file could not be written."""


# --- weights -----------------------------------------------------------------------------------
class WeightsError(HhlabError):
    """Network weights could not be had or not be trusted."""


class UnknownWeights(WeightsError):
    """No entry of that name in the manifest."""


class WeightsMissing(WeightsError):
    """The weights are not in the cache; the message names the one command that fetches them."""


class HashMismatch(WeightsError):
    """The bytes are not those the manifest promises."""


class DownloadFailed(WeightsError):
    """Neither the official address nor the mirror gave the file."""


class UnsafePickle(WeightsError):
    """A pickle asks for something other than plain arrays."""


class OptInNeeded(WeightsError):
    """The weights' licence forbids commercial use; they must be asked for by name."""


# --- measuring ---------------------------------------------------------------------------------
class MetricError(HhlabError):
    """A metric was called in a way that it cannot answer."""


class UnknownMetric(MetricError):
    """No metric of that name."""


class BadArray(MetricError):
    """An array has the wrong shape, dtype or range."""


class BadArgument(HhlabError):
    """An option or argument has a value that cannot be used."""


class UnknownModel(BadArgument):
    """No model of that name."""


class UnknownGpu(BadArgument):
    """No GPU of that name."""


class Cancelled(HhlabError):
    """Work was stopped on request before it was done."""


class ResultsLocked(HhlabError):
    """Another process is writing to the same result folder."""


def as_subject(path: str | Path) -> str:
    """Return `path` as text that is safe to print: undecodable bytes become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters other than newlines are shown."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )
