"""Speech: are the words right, how fast, with which pauses, how loud, clipped, and how good.

>>> from hhlab.metrics import speech
>>> found = speech.measure_speech(clip.audio(), speech.asked_words(prompt),
...     detector=speech.load_detector(), judge=speech.load_judge(),
...     listener=speech.load_recogniser())
>>> found.agreement.share_right, found.pace_per_s, found.pauses_s, found.loudness_lufs
"""

from hhlab.lazy import lazy

_HOME = {
    "Agreement": "words", "Heard": "networks", "METRIC": "result", "SAMPLE_RATE": "networks",
    "Speech": "result", "VERSION": "result", "asked_words": "words", "compare": "words",
    "load_detector": "networks", "load_judge": "networks", "load_recogniser": "networks",
    "measure_speech": "measure", "normalised": "words",
}  # fmt: skip

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
