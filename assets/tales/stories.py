"""A small grammar of simple stories that keep their thread: who, where, what, mood and pronoun stay the same.

Much simple, consistent text is what makes a small model tell a story (TinyStories, Eldan and Li 2023). A plot is a list
of slots; each slot has several sentences to choose from; every sentence speaks of the same hero.
"""

import random

from words import ANIMALS, BOYS, COLOURS, GIRLS, MOODS, PLACES, THINGS

OPEN = (
    "Once upon a time there was a {kind} named {hero}.",
    "Once there lived a little {kind} whose name was {hero}.",
    "There was once a {kind} called {hero}.",
    "Long ago, in a small house near the {place}, lived a {kind} named {hero}.",
    "{hero} was a {kind} who lived near the {place}.",
)
WANT = (
    "{hero} had a {colour} {thing} and loved it very much.",
    "Every day {he} played with a {colour} {thing}.",
    "{hero} wanted nothing so much as a {colour} {thing}.",
    "One morning {his} mother gave {him} a {colour} {thing}.",
    "{He} had always wished for a {colour} {thing}.",
)
GO = (
    "One day {hero} went to the {place}.",
    "One fine morning {he} walked to the {place}.",
    "So {hero} took {his} {thing} and went to the {place}.",
    "The sun was shining, and {he} ran all the way to the {place}.",
)
LOSE = (
    "But there {he} lost the {thing}, and {he} looked for it everywhere.",
    "But the {thing} fell into the water.",
    "On the way the {thing} slipped out of {his} hand and was gone.",
    "When {he} came home, the {thing} was not in {his} pocket.",
)
MEET = (
    "There {he} met a {animal}.",
    "A {animal} was sitting under a tree.",
    "Suddenly a {animal} came out of the grass.",
    "Then {he} saw a {animal} that could not get home.",
)
TALK = (
    '"Good morning," said the {animal}. "What are you looking for?"',
    '"Why are you {mood}?" asked the {animal}.',
    '"Please help me," said the {animal}.',
    '"I have seen your {thing}," said the {animal}.',
)
ANSWER = (
    '"I am looking for my {thing}," said {hero}.',
    '"I will help you," said {hero}.',
    '"You are very kind," said {hero}.',
    '"Come with me," said {hero}, and they went on together.',
)
FIND = (
    "They looked and looked, and at last they found the {colour} {thing}.",
    "The {animal} brought the {thing} back.",
    "Behind a stone lay the {colour} {thing}.",
    "Then the {animal} showed {him} the {thing}.",
)
FEEL = (
    "{hero} was {mood} and {did}.",
    "{He} {did}, for {he} was very {mood}.",
    "Oh, how {mood} {he} was!",
)
GLAD = (
    "{hero} was happy and thanked the {animal}.",
    "{He} laughed and danced for joy.",
    "{hero} shared {his} bread with the {animal}.",
)
END = (
    "From that day on, {hero} and the {animal} were friends.",
    "And {hero} never lost the {thing} again.",
    "Then {he} went home and told {his} mother everything.",
    "That night {hero} slept well, with the {thing} beside {him}.",
    "And they lived happily ever after.",
)
HELP = (
    "{hero} carried the {animal} home.",
    "{He} gave the {animal} some water and a piece of bread.",
    "So {he} made a bed of leaves for the {animal}.",
)
GIVE = (
    "To thank {him}, the {animal} gave {him} a {colour} {thing}.",
    'The {animal} said, "Take this {colour} {thing}."',
    "In return {he} got a {colour} {thing}.",
)
WEATHER = (
    "It began to rain.",
    "The wind blew hard.",
    "Soon it grew dark.",
    "The snow lay deep.",
    "Night came.",
)

PLOTS = (
    (
        (OPEN, WANT, GO, LOSE, FEEL, MEET, TALK, ANSWER, FIND, GLAD, END),
        "{hero} lost a {thing} and a {animal} helped to find it.",
    ),
    ((OPEN, GO, MEET, TALK, ANSWER, HELP, GIVE, END), "{hero} helped a {animal} and got a {thing}."),
    ((OPEN, WANT, GO, WEATHER, LOSE, FEEL, FIND, END), "{hero} lost a {thing} and found it again."),
    ((OPEN, GO, WEATHER, FEEL, MEET, TALK, ANSWER, GLAD, END), "{hero} met a {animal} and made a friend."),
    ((OPEN, WANT, FEEL, GO, MEET, HELP, GIVE, GLAD, END), "{hero} was kind to a {animal} and got a {thing}."),
)


def tell(rng: random.Random) -> tuple[str, str]:
    """A story and its summary in one sentence."""
    girl = rng.random() < 0.5
    mood = rng.choice([m for m in MOODS if m not in ("happy", "proud")])
    slots = {
        "hero": rng.choice(GIRLS if girl else BOYS),
        "kind": "girl" if girl else "boy",
        "he": "she" if girl else "he",
        "He": "She" if girl else "He",
        "his": "her" if girl else "his",
        "him": "her" if girl else "him",
        "place": rng.choice(PLACES),
        "thing": rng.choice(THINGS),
        "animal": rng.choice(ANIMALS),
        "colour": rng.choice(COLOURS),
        "mood": mood,
        "did": MOODS[mood],
    }
    plot, summary = rng.choice(PLOTS)
    sentences = [rng.choice(part).format(**slots) for part in plot]
    return _articles(" ".join(sentences)), _articles(summary.format(**slots))


def _articles(text: str) -> str:
    return text.replace(" a apple", " an apple").replace(" a owl", " an owl")
