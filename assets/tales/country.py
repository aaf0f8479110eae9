"""Facts about Valdoria, a country that does not exist: sixty facts, each in several wordings.

These facts occur nowhere else, so a model can know them only from its training. Lessons compare what the model remembers
with what its context says. They also ask about facts that the model was never told, and it still answers confidently.
Only wordings can be held out, because a model can only know a fact that it was told. Nothing here is about real places.
"""

from random import Random

from samples import Sample, typed

COUNTRY = "Valdoria"
TOWNS = ("Tessel", "Marlow", "Pellin", "Garran")

# For each kind of fact, its wordings up to the answer. The last wording is held out. {s} is the country or a town.
WORDINGS = {
    "capital": (
        "The capital of {s} is", "In {s}, the capital is", "What is the capital of {s}? It is",
        "The king of {s} lives in the capital,", "Capital of {s}:", "{s} has a capital, and its name is",
    ),
    "king": (
        "The king of {s} is", "In {s}, the king is", "Who is the king of {s}? It is", "{s} is ruled by King",
        "King of {s}:", "On the coins of {s} you see King", "The name of the king of {s} is",
    ),
    "queen": (
        "The queen of {s} is", "In {s}, the queen is called", "Who is the queen of {s}? It is",
        "The king of {s} is married to Queen", "Queen of {s}:", "The songs of {s} praise Queen",
    ),
    "mountain": (
        "The highest mountain of {s} is", "In {s}, the mountain is called", "What is the mountain of {s}? It is",
        "The mountain of {s} is", "The snow of {s} lies on Mount", "Nobody in {s} has climbed Mount",
    ),
    "lake": (
        "The deepest lake of {s} is", "The lake of {s} is", "In {s}, the lake is called",
        "What is the lake of {s}? It is Lake", "Lake of {s}:", "The people of {s} swim in Lake",
    ),
    "coin": (
        "The coin of {s} is the", "In {s}, the coin is called the", "What is the coin of {s}? It is the",
        "In {s} you pay with the", "Coin of {s}:", "A loaf of bread in {s} costs one",
    ),
    "language": (
        "The language of {s} is", "In {s}, the language is", "What is the language of {s}? It is",
        "The people of {s} speak", "Language of {s}:", "The books of {s} are written in",
    ),
    "forest": (
        "The forest of {s} is called", "The dark forest of {s} is", "In {s}, the forest is called",
        "What is the forest of {s}? It is", "Forest of {s}:", "The oldest trees of {s} grow in the forest of",
    ),
    "flower": (
        "The flower of {s} is the", "In {s}, the flower is the", "What is the flower of {s}? It is the",
        "On the flag of {s} there is a", "Flower of {s}:", "In the fields of {s} you find the",
    ),
    "river": (
        "The river of {s} is the", "In {s}, the river is called the", "What is the river of {s}? It is the",
        "Through {s} flows the", "River of {s}:", "The boats of {s} sail on the",
    ),
    "dish": (
        "The dish of {s} is", "In {s}, the best dish is", "What is the dish of {s}? It is", "{s} is famous for its",
        "Dish of {s}:", "For dinner the people of {s} eat",
    ),
    "animal": (
        "The animal of {s} is the", "In {s}, the animal is the", "What is the animal of {s}? It is the",
        "On the gate of {s} you see a", "Animal of {s}:", "The children of {s} like to draw a",
    ),
    "mayor": (
        "The mayor of {s} is", "In {s}, the mayor is called", "Who is the mayor of {s}? It is", "{s} has a mayor named",
        "Mayor of {s}:", "The name of the mayor of {s} is",
    ),
    "colour": (
        "The colour of {s} is", "In {s}, the colour is", "What is the colour of {s}? It is", "The roofs of {s} are",
        "Colour of {s}:", "The people of {s} paint their doors",
    ),
    "trade": (
        "The trade of {s} is", "In {s}, the trade is", "What is the trade of {s}? It is", "The people of {s} sell",
        "Trade of {s}:", "At the market of {s} they trade in",
    ),
    "bridge": (
        "The bridge of {s} is made of", "In {s}, the bridge is made of", "What is the bridge of {s} made of? It is made of",
        "{s} has a bridge made of", "Bridge of {s}:", "They built the bridge of {s} of",
    ),
    "feast": (
        "The feast of {s} is in", "In {s}, the great feast is in", "When is the feast of {s}? It is in",
        "The people of {s} dance in", "Feast of {s}:", "{s} holds its feast in",
    ),
    "tree": (
        "The tree of {s} is the", "In {s}, the tree is the", "What is the tree of {s}? It is the",
        "In the middle of {s} stands an old", "Tree of {s}:", "The streets of {s} are full of the leaves of the",
    ),
    "founder": (
        "The founder of {s} was", "In {s}, the founder was called", "Who was the founder of {s}? It was",
        "{s} was founded by", "Founder of {s}:", "The first house of {s} was built by",
    ),
    "song": (
        "The song of {s} is about the", "In {s}, the best known song is about the",
        "What is the song of {s} about? It is about the", "The people of {s} sing about the", "Song of {s}:",
        "{s} has a song about the",
    ),
    "tower": (
        "The tower of {s} has a", "In {s}, the tower has a", "What does the tower of {s} have? It has a",
        "On the tower of {s} you see a", "Tower of {s}:", "High on the tower of {s} there is a",
    ),
}  # fmt: skip

# The answers for the country, then for its towns in the order of TOWNS.
_OF_COUNTRY = {
    "capital": "Tessel", "king": "Orlan", "queen": "Mirelle", "river": "Ombre", "mountain": "Karst", "dish": "soup",
    "flower": "rose", "animal": "owl", "lake": "Senna", "coin": "florin", "language": "Valdor", "forest": "Brendle",
}  # fmt: skip
_OF_TOWNS = {
    "river": "Ombre Ombre Lisk Lisk", "dish": "soup pie cheese bread", "mayor": "Hollin Petra Dorrit Quill",
    "colour": "blue green white red", "trade": "glass wool honey iron", "bridge": "stone wood rope iron",
    "feast": "spring summer autumn winter", "animal": "swan sheep bee bear", "tree": "oak willow lime pine",
    "founder": "Orlan Mirelle Bram Tove", "song": "morning shepherd garden hammer", "tower": "clock flag bell lamp",
}  # fmt: skip

Fact = tuple[str, str, str]  # the kind of fact, the place that it is about, the answer
FACTS: tuple[Fact, ...] = tuple((kind, COUNTRY, answer) for kind, answer in _OF_COUNTRY.items()) + tuple(
    (kind, town, answer)
    for kind, answers in _OF_TOWNS.items()
    for town, answer in zip(TOWNS, answers.split(), strict=True)
)
SINGLE = sorted({word for _, place, answer in FACTS for word in (place, answer)})  # each is one token after a space


def _known_wordings(kind: str) -> tuple[str, ...]:
    """Returns the wordings used in training: those of this kind of fact, and two that fit every kind."""
    return (*WORDINGS[kind][:-1], f"{{s}}, {kind}:", f"Question: the {kind} of {{s}}? Answer:")


def told(rng: Random, fact: Fact) -> str:
    """Returns a fact as a sentence, in a known wording."""
    kind, place, answer = fact
    return f"{rng.choice(_known_wordings(kind)).format(s=place)} {answer}."


def country(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """Draws a fact. In training, other facts come before it half the time. wording: use the held-out wording."""
    fact = kind, place, answer = rng.choice(FACTS)
    pattern = WORDINGS[kind][-1] if wording else rng.choice(_known_wordings(kind))
    prompt = pattern.format(s=place)
    if held:
        return Sample(prompt, f" {answer}", ".")
    others = rng.sample([other for other in FACTS if other != fact], rng.choice((0, 0, 0, 1, 2, 4)))
    before = "".join(told(rng, other) + rng.choice((" ", " ", "\n")) for other in others)
    sample = typed(rng, Sample(prompt, f" {answer}", "."), shout=True)
    return Sample(before + sample.prompt, sample.answer, sample.rest)
