"""The models of a comparison, by what they make of ties."""

from hhlab.arena import bradley_terry, davidson, rao_kupper

MODELS = {"half": bradley_terry, "davidson": davidson, "rao_kupper": rao_kupper}

WORDS = {
    "half": "Bradley-Terry, a tie counting as half a win for each",
    "davidson": "Davidson's model of ties",
    "rao_kupper": "Rao and Kupper's model of ties",
}
