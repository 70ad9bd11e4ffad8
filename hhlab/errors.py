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


class WeightsDamaged(WeightsError):
    """The file is of another kind, or holds numbers that are not finite."""


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


class NothingInCommon(BadArgument):
    """Two tables that belong together name not one clip alike."""


class TooFew(BadArgument):
    """There are too few clips, prompts or judgements for what was asked."""


class UnknownModel(BadArgument):
    """No model of that name."""


class UnknownGpu(BadArgument):
    """No GPU of that name."""


class Cancelled(HhlabError):
    """Work was stopped on request before it was done."""


class ResultsLocked(HhlabError):
    """Another process is writing to the same result folder."""


# --- generators --------------------------------------------------------------------------------
class GeneratorError(HhlabError):
    """A generator could not be used, or did not make the clip."""


class KeyMissing(GeneratorError):
    """No key in the environment; the message names the variable."""


class PackageMissing(GeneratorError):
    """A package that the generator needs is not installed; the message names the command."""


class NotOffered(GeneratorError):
    """The contender cannot be had: discontinued, suspended, or without a way in."""


class BadKey(GeneratorError):
    """The service does not accept the key, or the key may not do this."""


class QuotaExhausted(GeneratorError):
    """The account has no money or no quota left; waiting does not help."""


class ContentRefused(GeneratorError):
    """The service will not show what the shot asks for, or what came of it."""


class RequestRefused(GeneratorError):
    """The service calls the request wrong: a model, field or file that it does not take."""


class TaskFailed(GeneratorError):
    """The service took the task and did not finish it."""


class TaskExpired(GeneratorError):
    """The service no longer keeps the task or its clip."""


class RateLimited(GeneratorError):
    """Too many requests at once; passes."""


class NotTaken(RateLimited):
    """The service says that it could not take the request, which started nothing; passes."""


class ServerFault(GeneratorError):
    """The service failed inside; passes."""


class ConnectionLost(GeneratorError):
    """No answer came: no line, a dropped connection, or too slow; passes."""


class BadAnswer(GeneratorError):
    """The service answered something that cannot be understood; may pass."""


class DownloadDamaged(GeneratorError):
    """The clip's bytes are not those that the service announced; may pass."""


class UnknownOutcome(GeneratorError):
    """Whether a paid task was started cannot be told; it is not started again."""


class BudgetExhausted(GeneratorError):
    """The next clip would cost more than is left."""


class JournalDamaged(GeneratorError):
    """The record of paid tasks cannot be read."""


# --- studies -----------------------------------------------------------------------------------
class StudyError(HhlabError):
    """A study could not be opened, continued or compared."""


class StudyMissing(StudyError):
    """There is no study in that folder."""


class StudyDiffers(StudyError):
    """The study was begun with other inputs; each difference is named."""


class StudyDamaged(StudyError):
    """A file of the study was changed, lost or cannot be read: see ``hhlab study verify``."""


class NotComparable(StudyError):
    """Two studies have nothing in common that could be compared."""


# --- reports -----------------------------------------------------------------------------------
class PrinterMissing(HhlabError):
    """No browser that prints pages is installed; the message says which to install."""


class PrintFailed(HhlabError):
    """The browser did not print the page."""


def as_subject(path: str | Path) -> str:
    """Return `path` as text that is safe to print: undecodable bytes become escapes."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """Text that cannot steer a terminal: control characters other than newlines are shown."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )
