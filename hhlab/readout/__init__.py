"""Read back what a clip of the small world shows and says, from pixels and sound alone.

>>> from hhlab import readout
>>> readout.read_attributes(frames, samples, sample_rate=16_000)["dye"]
'blue'
>>> readout.recognise(samples, sample_rate=16_000).sentence
'we want my blue boat'

This is the instrument that judges the generator; it knows the small world and nothing else.
"""

from hhlab.lazy import lazy

_HOME = {
    "Attributes": "reading", "Mouth": "reading", "Picture": "reading", "Sound": "reading",
    "Sync": "sync", "Words": "reading", "compare": "sync", "embed_identity": "reading",
    "listen": "reading", "read_attributes": "reading", "recognise": "reading", "watch": "reading",
}  # fmt: skip

__getattr__, __dir__, __all__ = lazy(__name__, _HOME)
