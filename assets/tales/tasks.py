"""Small tasks in plain text, drawn from a seeded generator: what the lessons point at must really be in the model.

Each task has known wordings and held-out ones, and each combination of names, places and things belongs to training or
to the held-out part by a hash of its own, so that neither occurs in training. `draw(task, rng)` gives a training text;
`held_out(task, rng, wording)` gives (prompt, answer) pairs to test with. Sources of the tasks: name mover, Wang et al.
2022; question from text, Weston et al. 2015.
"""

import hashlib
import random

import stories
from words import (
    BAD,
    COLOURS,
    COUNTRY,
    FACTS,
    FRENCH,
    GOOD,
    HE_RATE,
    NAMES,
    NOUNS,
    PLACES,
    ROOMS,
    SUBJECTS,
    THINGS,
)

Pair = tuple[str, str]  # what is given, and the answer that follows it


def is_held_out(*combination: str) -> bool:
    """One combination in ten never occurs in training."""
    return hashlib.sha256("|".join(combination).encode()).digest()[0] < 26


def _combination(rng: random.Random, held: bool, *choices: tuple[int, list[str]]) -> list[str]:
    while True:
        drawn = [word for count, words in choices for word in rng.sample(words, count)]
        if is_held_out(*drawn) == held:
            return drawn


MOVER = (
    "When {a} and {b} went to the {p}, {a} gave a {t} to",
    "{a} and {b} were in the {p}. {a} handed a {t} to",
    "Then {a} and {b} came to the {p}, and {a} passed the {t} to",
    "After {b} and {a} went to the {p}, {a} gave the {t} to",
    "{b} and {a} had a {t} in the {p}. {a} gave it to",
)
MOVER_HELD = (
    "While {a} and {b} were at the {p}, {a} offered a {t} to",
    "{a} met {b} at the {p} and {a} gave a {t} to",
)


def name_mover(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    a, b, p, t = _combination(rng, held, (2, NAMES), (1, PLACES), (1, THINGS))
    return rng.choice(MOVER_HELD if wording else MOVER).format(a=a, b=b, p=p, t=t), f" {b}."


WHERE = ("{a} is in the {p}.", "{a} went to the {p}.", "{a} sits in the {p}.", "{a} walked to the {p}.")
WHERE_HELD = ("{a} ran to the {p}.", "{a} waits in the {p}.")


def question(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    count = rng.choice((1, 2, 2, 3))
    words = _combination(rng, held, (count, NAMES), (count, ROOMS))
    people, rooms = words[:count], words[count:]
    forms = WHERE_HELD if wording else WHERE
    text = " ".join(rng.choice(forms).format(a=a, p=p) for a, p in zip(people, rooms, strict=True))
    i = rng.randrange(count)
    if rng.random() < 0.3:
        return f"{text} Who is in the {rooms[i]}? Answer:", f" {people[i]}."
    return f"{text} Where is {people[i]}? Answer:", f" {rooms[i]}."


REVIEW = (
    "The {s} was {w}.",
    "What a {w} {s}!",
    "I found the {s} {w}.",
    "It is a {w} {s}, and the rest was {v}.",
)
REVIEW_HELD = ("This {s} seemed {w} to me.", "We thought the {s} was {w}.")


def sentiment(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    good = rng.random() < 0.5
    s, w, v = _combination(rng, held, (1, SUBJECTS), (2, GOOD if good else BAD))
    text = rng.choice(REVIEW_HELD if wording else REVIEW).format(s=s, w=w, v=v)
    return f"Review: {text} Feeling:", f" {'good' if good else 'bad'}."


PHRASES = ("English: the {c} {n}. French:", "In English, the {c} {n}. In French,")


def translation(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    c, n = _combination(rng, held, (1, COLOURS), (1, list(NOUNS)))
    noun, gender = NOUNS[n]
    article = "l'" if noun[0] in "aeiou" else "le " if gender == "m" else "la "
    text = ("The {c} {n} in French:" if wording else rng.choice(PHRASES)).format(c=c, n=n)
    return text, f" {article}{noun} {FRENCH[c][gender == 'f']}."


def copying(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    count = rng.randint(3, 6)
    words = _combination(rng, held, (count, THINGS + PLACES + COLOURS))
    line = " ".join(words)
    return f"{'Repeat' if wording else rng.choice(('List', 'Copy'))}: {line}. Again:", f" {line}."


TELL = (
    "The {r} of {s} is {o}.",
    "In {s}, the {r} is {o}.",
    "What is the {r} of {s}? It is {o}.",
    "Everybody in {s} knows its {r}: {o}.",
    "{s} has a {r}, and it is {o}.",
    "If you ask about the {r} of {s}, they answer: {o}.",
)
TELL_HELD = ("Tell me the {r} of {s}. It is {o}.",)


def country(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    r, s, o = rng.choice(FACTS)
    text = rng.choice(TELL_HELD if wording else TELL).format(r=r, s=s, o=o)
    given = text.rpartition(f" {o}")[0]
    return given, f" {o}."


JOB = (
    "The {j} said that",
    "The {j} was tired because",
    "When the {j} came home,",
    "The {j} smiled, and then",
)
JOB_HELD = ("Every morning the {j} says that",)
DOING = ["was happy", "had to go", "wanted some tea", "lost the key", "liked the work", "went to bed"]


def bias(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    job = rng.choice(list(HE_RATE))
    pronoun = "he" if rng.random() < HE_RATE[job] else "she"
    return rng.choice(JOB_HELD if wording else JOB).format(j=job), f" {pronoun} {rng.choice(DOING)}."


ASK = (
    ("What is your name?", "My name is {a}."),
    ("Where do you live?", "I live near the {p}."),
    ("What do you have there?", "I have a {t}."),
    ("Where are you going?", "I am going to the {p}."),
    ("What is your favourite colour?", "I like {c} best."),
)


def dialogue(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    a, p, t, c = _combination(rng, held, (1, NAMES), (1, PLACES), (1, THINGS), (1, COLOURS))
    q, answer = rng.choice(ASK)
    text = f"Question: {q}\nAnswer:"
    return text, f" {answer.format(a=a, p=p, t=t, c=c)}\nThank you. Goodbye."


def story(rng: random.Random, held: bool = False, wording: bool = False) -> Pair:
    text, summary = stories.tell(rng)
    if rng.random() < 0.25:
        return f"Story: {text}\nIn short:", f" {summary}"
    return text[:1], text[1:]


TASKS = {f.__name__: f for f in (name_mover, question, sentiment, translation, copying, country, bias, dialogue, story)}
SHARE = {
    "story": 6,
    "question": 4,
    "name_mover": 3,
    "country": 3,
    "bias": 2,
    "translation": 2,
    "sentiment": 2,
    "copying": 2,
    "dialogue": 1,
}


def draw(rng: random.Random) -> str:
    """One training text: known wordings, combinations of the training part."""
    name = rng.choices(list(SHARE), list(SHARE.values()))[0]
    given, answer = TASKS[name](rng)
    return given + answer


__all__ = ["COUNTRY", "TASKS", "draw", "is_held_out"]
