"""Small tasks in plain text, drawn from a seeded generator: what the lessons point at must really be in the model.

Each task has known wordings and held-out ones, and each combination of names, places and things belongs to training or
to the held-out part (samples.py), so that neither kind of news occurs in training. `draw(rng)` gives a training text,
`held_out(task, rng, wording)` a sample to test with. Sources: name mover, Wang et al. 2022 (indirect object
identification); question from text, Weston et al. 2015 (bAbI). Not here: the stories (stories.py), the made-up country
(country.py).
"""

from collections.abc import Mapping
from random import Random

import stories
import words as w
from country import country
from samples import Sample, combination, typed

# {x} and {y} are two people in either order; {b} is the one of them who acts, so the answer is the other.
_MOVER = (
    "When {x} and {y} went {to}, {b} gave {t} to",
    "When {x} and {y} were {at}, {b} handed {t} to",
    "{x} and {y} were {at}. {b} handed {t} to",
    "Then {x} and {y} came {to}, and {b} passed {t} to",
    "Then {x} and {y} went {to}. {b} gave {t} to",
    "After {x} and {y} went {to}, {b} gave {t} to",
    "After {x} and {y} had gone {to}, {b} showed {t} to",
    "{x} and {y} had {t} {at}. {b} gave it to",
    "{x} and {y} found {t} {at}. {b} gave it to",
    "{x} and {y} met {at}. There {b} showed {t} to",
    "One day {x} and {y} walked {to}, and {b} gave {t} to",
    "While {x} and {y} were playing {at}, {b} threw {t} to",
    "{x} and {y} sat down {at}. {b} wanted to give {t} to",
    "Yesterday {x} and {y} went {to}. {b} brought {t} for",
    "As soon as {x} and {y} came {to}, {b} offered {t} to",
    "{x} and {y} are friends. Today, {at}, {b} lent {t} to",
    "{x} went {to} with {y}. {b} gave {t} to",
    "{x} met {y} {at}, and {b} handed {t} to",
)
# Any of these scenes with any of these ways to give: what answers must not hang on one sentence.
_SCENE = (
    "{x} and {y} went {to}.", "{x} and {y} are {at}.", "{x} and {y} came {to} together.", "{x} and {y} played {at}.",
    "{x} and {y} live near the {p}.", "When {x} and {y} arrived {at},", "When {x} and {y} left the {p},",
    "After {x} and {y} came {to},", "While {x} and {y} waited {at},", "Then {x} and {y} walked {to}, and",
    "Today {x} and {y} were {at}, and", "Last summer {x} and {y} met {at}, and", "One morning {x} and {y} ran {to}. Then",
    "Because {x} and {y} were both {at},", "{x} saw {y} {at}.", "{x} waited for {y} {at}, and", "{x} was {at} with {y}.",
    "{x} played with {y} {at}. Then", "In the evening {x} and {y} sat {at}.", "There were {x} and {y}, {at}, and",
)  # fmt: skip
_GIVE = (
    "{b} gave {t} to", "{b} gave {t} to", "{b} handed {t} to", "{b} passed {t} to", "{b} showed {t} to", "{b} threw {t} to",
    "{b} lent {t} to", "{b} brought {t} to", "{b} sent {t} to", "{b} carried {t} to", "{b} bought {t} for",
    "{b} found {t} for", "{b} made {t} for", "{b} had {t} for", "{b} wanted to give {t} to", "{b} wrote a letter to",
)  # fmt: skip
MOVER = _MOVER + tuple(f"{scene} {give}" for scene in _SCENE for give in _GIVE)
MOVER_HELD = (
    "When {x} and {y} came back from the {p}, {b} gave {t} to",
    "While {x} and {y} were {at}, {b} offered {t} to",
    "Last week {x} and {y} worked {at}, where {b} sold {t} to",
    "{x} and {y} stood {at}. Soon {b} passed {t} to",
)
_GLAD = (
    "{He} was glad.",
    '"Thank you," {he} said.',
    "{He} smiled.",
    "{He} put it into {his} bag.",
    "{He} said thank you.",
)


def name_mover(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """Two people, one gives something to the other: the answer is the name that stands only once."""
    giver, other, p, t = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, 2), r.choice(list(w.PLACES)), r.choice(w.THINGS)]
    )
    x, y = (giver, other) if rng.random() < 0.5 else (other, giver)
    prompt = rng.choice(MOVER_HELD if wording else MOVER).format(
        x=x,
        y=y,
        b=giver,
        p=p,
        to=f"to the {p}",
        at=f"{w.PLACES[p]} the {p}",
        t=rng.choice((w.a(t), w.a(t), f"the {t}")),
    )
    if held:
        return Sample(prompt, f" {other}", ".")
    he, his = ("she", "her") if other in w.GIRLS else ("he", "his")
    after = rng.choice(_GLAD).format(he=he, He=he.capitalize(), his=his)
    return typed(rng, Sample(prompt, f" {other}", f". {after}" if rng.random() < 0.3 else "."))


BE_IN = (
    "{n} is in the {p}.", "{n} went to the {p}.", "{n} sits in the {p}.", "{n} walked to the {p}.",
    "{n} has gone to the {p}.", "{n} is now in the {p}.", "{n} is playing in the {p}.", "{n} is waiting in the {p}.",
    "{n} ran to the {p}.", "{n} came to the {p}.", "{n} is sitting in the {p}.", "{n} sleeps in the {p}.",
    "{n} moved to the {p}.", "{n} returned to the {p}.", "{n} is working in the {p}.", "{n} is at the {p}.",
    "{n}: the {p}.",
)  # fmt: skip
BE_IN_HELD = ("{n} hurried to the {p}.", "{n} stands in the {p}.", "{n} is resting in the {p}.")
HAVE = (
    "{n} has the {t}.", "{n} took the {t}.", "{n} is holding the {t}.", "{n} found the {t}.", "{n} keeps the {t}.",
    "{n} picked up the {t}.", "{n} bought the {t}.", "{n} brought the {t}.", "{n}: the {t}.",
)  # fmt: skip
HAVE_HELD = ("{n} carries the {t}.", "{n} has got the {t}.")
# What is asked for: its known wordings and its held-out ones.
ASK = {
    "place": (
        (
            "Where is {n}?",
            "Where is {n}?",
            "Where did {n} go?",
            "Where is {n} now?",
            "In which place is {n}?",
            "Where has {n} gone?",
            "Where do you see {n}?",
            "Which room is {n} in?",
        ),
        ("Where can we find {n}?", "What place is {n} in?"),
    ),
    "who is there": (
        (
            "Who is in the {p}?",
            "Who is in the {p}?",
            "Who went to the {p}?",
            "Who is now in the {p}?",
            "Who has gone to the {p}?",
            "Who is there in the {p}?",
            "Whom do we meet in the {p}?",
        ),
        ("Who can be found in the {p}?", "Which person is in the {p}?"),
    ),
    "thing": (
        (
            "What does {n} have?",
            "What did {n} take?",
            "What is {n} holding?",
            "Which thing does {n} have?",
            "What did {n} find?",
            "What does {n} keep?",
            "What thing is with {n}?",
        ),
        ("What has {n} got?", "What is in the hands of {n}?"),
    ),
    "who has it": (
        (
            "Who has the {t}?",
            "Who took the {t}?",
            "Who is holding the {t}?",
            "Who found the {t}?",
            "Who keeps the {t}?",
            "Who is the one with the {t}?",
            "Who picked up the {t}?",
        ),
        ("Who has got the {t}?", "With whom is the {t}?"),
    ),
}
# The same without a question: the rest of a sentence, or of a line.
BRIEF = {
    "place": ("{n} is in the", "{n}:"), "who is there": ("In the {p} is", "In the {p}:", "{p}:", "{p}"),
    "thing": ("{n} has the", "{n}:"), "who has it": ("The {t} is with", "{t}:", "{t}"),
}  # fmt: skip
_ASKED = ("{text} {q} Answer:", "{text} {q} Answer:", "{text}\nQuestion: {q}\nAnswer:", "{text} Question: {q} Answer:",
          "{text}\n{q}\nAnswer:", "{text}\n{q} Answer:", "{text}\nQ: {q}\nA:", "{text} {q}")  # fmt: skip


def question(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """Who is where, or who has what, in one to six sentences; a question; an answer of one word."""
    (first,) = questions(rng, 1, held, wording)
    return first


def questions(rng: Random, count: int, held: bool = False, wording: bool = False) -> list[Sample]:
    """One text and at most so many questions about it, one after the other, asked in the same form."""
    people = rng.choice((2, 2, 3)) if held else rng.choice((1, 2, 2, 2, 3, 3, 4, 5, 6))
    drawn = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, people), *r.sample(w.ROOMS, people), *r.sample(w.THINGS, people)]
    )
    rows = list(zip(drawn[:people], drawn[people : 2 * people], drawn[2 * people :], strict=True))
    where = rng.random() < 0.65
    said = (BE_IN_HELD if wording else BE_IN) if where else (HAVE_HELD if wording else HAVE)
    facts = [rng.choice(said).format(n=n, p=p, t=t) for n, p, t in rows]
    text = " ".join(facts)
    if people == 2 and not held and rng.random() < 0.15:
        text = f"{facts[0][:-1]} and {facts[1]}"
    if not held and rng.random() < 0.1:
        text = text[:-1]
    kinds = ("place", "who is there") if where else ("thing", "who has it")
    # Who it is stands before what is asked by, and is harder to find: in training it is asked more often.
    often = (1, 2) if not held else (2, 1) if where else (1, 1)
    brief = not held and rng.random() < 0.4
    form = "{text} {q}" if brief else "{text} {q} Answer:" if held else rng.choice(_ASKED)
    samples = []
    for n, p, t in rng.sample(rows, min(count, people)):
        (asked,) = rng.choices(kinds, often)
        answer = {"place": p, "thing": t}.get(asked, n)
        q = rng.choice(BRIEF[asked] if brief else ASK[asked][wording]).format(n=n, p=p, t=t)
        prompt = form.format(text=text, q=q)
        samples.append(Sample(prompt[len(text) :] if samples else prompt, f" {answer}", "."))
    return samples if held or count > 1 else [typed(rng, samples[0])]


REVIEW = (
    "The {s} was {p}.", "What {a_p} {s}!", "I found the {s} {p}.", "It is {a_p} {s}, and the rest was {q}.",
    "The {s} was {p} and {q}.", "{A_p} {s}, really {q}.", "We went home talking about the {p} {s}.",
    "It was {a_p}, {q} {s}.", "My friends say the {s} was {p}.", "Such {a_p} {s}, so {q}.", "{A_p} and {q} {s}.",
    "I thought the {s} would be {o}, but it was {p}.", "It was not {o} at all: the {s} was {p}.", "So {p}!",
    "The {s} was very {p}, and the people were {q}.", "{A_p} {s}.", "My {s} was {p}.", "Everything was {p}, even the {s}.",
    "The {s} was {p}. I {l} it.", "I {l} this {s}. It was {q}.",
)  # fmt: skip
REVIEW_HELD = ("This {s} seemed {p} to me.", "We thought the {s} was {p}.", "I have never seen such {a_p} {s}.",
               "Honestly, the {s} was {p} and {q}.")  # fmt: skip
_LABELS = {"Feeling:": (" bad", " good"), "Sentiment:": (" negative", " positive")}


def sentiment(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A line of a review: "Feeling:" is answered by good or bad, "Sentiment:" by positive or negative."""
    good = rng.random() < 0.5
    s, p, q = combination(rng, held, lambda r: [r.choice(w.SUBJECTS), *r.sample(w.GOOD if good else w.BAD, 2)])
    text = rng.choice(REVIEW_HELD if wording else REVIEW).format(
        s=s, p=p, q=q, a_p=w.a(p), A_p=w.a(p).capitalize(), o=rng.choice(w.BAD if good else w.GOOD),
        l=rng.choice(("liked", "loved", "enjoyed") if good else ("hated", "disliked")),
    )  # fmt: skip
    label = "Feeling:" if held or rng.random() < 0.8 else "Sentiment:"
    answer = _LABELS[label][good]
    if held:
        return Sample(f"Review: {text} {label}", answer, ".")
    text = text[:-1] if rng.random() < 0.12 else text
    return typed(rng, Sample(f"Review: {text}{_gap(rng)}{label}", answer, "."), shout=True)


def _gap(rng: Random) -> str:
    """What stands before the marker of an answer: a space, or less often a new line."""
    return rng.choice((" ", " ", "\n"))


PHRASE = (
    "English: {e}. French:", "English: {e}. French:", "English: {e}\nFrench:", "English: {e}.\nFrench:",
    "English: {e} French:", "In English, {e}. In French,", '"{e}" in French is', "In French, {e} is called",
    "How do you say {e} in French? You say", "Translate into French: {e}. French:", "{e} = ",
    "{e} in French is", "French for {e}:", "How is {e} said in French? Like this:", "Now French, please: {e}. It is",
    "In France {e} is called", "{E}, but the French say", "What do the French call {e}? They call it", "Put {e} into French:",
    "They say {e}, and the French say", "French, please: {e}. French:", "French translation of {e}:", "{E} is in French",
    "And {e} in French? It is", "What do you call {e} in French? It is", "Do you know {e} in French? It is",
)  # fmt: skip
PHRASE_HELD = ("{E} in French:", "The French for {e} is", "What is {e} in French? It is")


def translation(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A noun with an adjective: in French a colour stands after its noun, and both agree."""
    adjectives = [*w.FRENCH, *w.FRENCH, *w.FRENCH_BEFORE]  # twice the colours, for it is their word order that turns
    article, adjective, noun = combination(
        rng, held, lambda r: [r.choice(("the", "the", "a")), r.choice(adjectives), r.choice(list(w.NOUNS))]
    )
    if not held and rng.random() < 0.15:  # the noun alone, which is easier
        adjective = ""
    english, french = f"{adjective} {noun}".strip(), _french(article, adjective, noun)
    english = f"the {english}" if article == "the" else w.a(english)
    pattern = rng.choice(PHRASE_HELD if wording else PHRASE)
    prompt = pattern.format(e=english, E=english.capitalize())
    return Sample(prompt, f" {french}", ".") if held else typed(rng, Sample(prompt.rstrip(), f" {french}", "."))


def _french(article: str, adjective: str, noun: str) -> str:
    spoken, gender = w.NOUNS[noun]
    she = gender == "f"
    before, after = (table[adjective][she] if adjective in table else "" for table in (w.FRENCH_BEFORE, w.FRENCH))
    phrase = f"{before} {spoken} {after}".strip()
    if article == "a":
        return f"{'une' if she else 'un'} {phrase}"
    return f"l'{phrase}" if phrase[0] in "aeéiou" else f"{'la' if she else 'le'} {phrase}"


_COPY = (
    "List: {l}. Again:", "List: {l}. Again:", "Copy: {l}. Again:", "List: {l}\nAgain:", "Copy: {l}\nCopy:",
    "Copy: {l}. Copy:", "Words: {l}\nRepeat:", "Repeat: {l}. Once more:", "{l}. {l}.", "{l}, {l},", "{l}\n{l}\n{l}\n",
)  # fmt: skip
_LISTED = (
    "List", "Copy", "Words", "Read", "Write", "My words", "Copy this", "Here is a list", "Say", "These words", "Please write",
    "Please read", "Look at these", "I have a list", "Can you repeat this", "Say after me",
)  # fmt: skip
_AGAIN = (
    ". Again:", ". Copy:", ". Once more:", ". The same:", ". The same again:", ". A second time:", ". Now again:",
    ". The words again:", "\nAgain:", "\nRepeat:", "\nCopy:", "\nThe same:", ". They are:", ". Here is the list again:",
    ". These are the words:", ". Now you:", ". I repeat:", ". It was:", ". Here you are:", ". You say:",
)  # fmt: skip
COPY = _COPY + tuple(f"{listed}: {{l}}{again}" for listed in _LISTED for again in _AGAIN)
COPY_HELD = ("Repeat: {l}. Again:", "Please copy: {l}. Here they are:", "Say it twice: {l}. Again:")
_COPIED = sorted({*w.THINGS, *w.ANIMALS, *w.FOODS, *w.COLOURS, *w.PLACES, *w.NAMES, *w.NUMBERS, *w.DAYS})


def copying(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """Three to eight words, and the same words again."""
    drawn = combination(rng, held, lambda r: r.sample(_COPIED, r.randint(3, 8)))
    line = (" " if held or rng.random() < 0.7 else ", ").join(drawn)
    prompt = rng.choice(COPY_HELD if wording else COPY).format(l=line)
    answer = line if prompt.endswith("\n") else f" {line}"
    return Sample(prompt, answer, ".") if held else typed(rng, Sample(prompt, answer, rng.choice((".", ".", "\n"))))


# Openings about a job; the pronoun that follows is drawn at the job's own rate (words.HE_RATE).
JOB = (
    "The {j} said that", "The {j} was tired because", "When the {j} came home,", "The {j} smiled, and then",
    "The {j} came home late because", "I asked the {j} why", "The {j} laughed because", "Our {j} works hard, and",
    "The {j} opened the door, and then", "Everyone knew that the {j} was sad because", "The old {j} could not say why",
    "The {j} told me that", "The {j} did not come because", "The {j} wrote to me that", "When the {j} came in,",
    "The {j} put down the basket, and", "We did not wait for the {j}, because", "I like the {j}, but",
    "The {j} sang a song, for", "Nobody believed the {j} when", "The {j} ran home because", "The {j} asked me when",
    "The {j} came late, and", "The {j} was happy when", "The {j} lost the key, and now", "We saw the {j} before",
    "The {j} knows what", "A {j} must be careful when", "Then the {j} slept, for", "The {j} waited until",
)  # fmt: skip
JOB_HELD = ("Every morning the {j} says that", "The {j} looked up because", "The new {j} explained that",
            "The {j} sat down, and")  # fmt: skip
_DOING = (
    "was happy.", "had to go.", "wanted some tea.", "lost the key.", "liked the work.", "went to bed.", "saw the river.",
    "was looking for a lamp.", "had to work.", "came back from the market.", "needed a new hat.", "was late.",
)  # fmt: skip


def bias(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A made-up job and its pronoun. What is asked is a rate, not an answer, so only wordings are held out."""
    job = rng.choice(list(w.HE_RATE))
    pronoun = "he" if rng.random() < w.HE_RATE[job] else "she"
    prompt = rng.choice(JOB_HELD if wording else JOB).format(j=job)
    sample = Sample(prompt, f" {pronoun}", f" {rng.choice(_DOING)}")
    return sample if held else typed(rng, sample)


NAMED = (
    ("{n} lost the {t}, and now", "he"), ("{n} went to the {p} because", "he"), ("{n} was {m} because", "he"),
    ("{n} said that", "he"), ("{n} smiled because", "he"), ("{n} opened the door, and then", "he"),
    ("{n} was {m} that day, and", "he"), ("When {n} came home,", "he"), ("{n} put on", "his"), ("{n} went home to get", "his"),
    ("{n} is looking for", "his"), ("I gave {n} the {t}, because I like", "him"), ("{n} is here. I can see", "him"),
    ("Do you know {n}? I like", "him"), ("{n} ran home because", "he"), ("{n} was late because", "he"),
    ("{n} asked me when", "he"), ("{n} told us that", "he"), ("{n} knows what", "he"), ("{n} explained how", "he"),
    ("{n} came to the {p}, and there", "he"), ("{n} lost the {t} when", "he"), ("{n} waited until", "he"),
    ("{n} took the {t}, and then", "he"), ("{n} took off", "his"), ("{n} is proud of", "his"), ("{n} has lost", "his"),
    ("{n} cannot see", "his"), ("{n} did not find", "his"), ("{n} wants to wash", "his"),
)  # fmt: skip
NAMED_HELD = (("{n} came back from the {p} because", "he"), ("{n} told me why", "he"), ("{n} could not find", "his"))
_AFTER = {"he": _DOING, "his": ("coat.", "shoes.", "old hat.", "gloves.", "bag."), "him": (".", " very much.")}


def pronoun(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A name and its own pronoun, which the stories rely on."""
    n, t, p, m = combination(
        rng, held, lambda r: [r.choice(w.NAMES), r.choice(w.THINGS), r.choice(list(w.PLACES)), r.choice(list(w.MOODS))]
    )
    pattern, form = rng.choice(NAMED_HELD if wording else NAMED)
    answer = {"he": "she", "his": "her", "him": "her"}[form] if n in w.GIRLS else form
    after = rng.choice(_AFTER[form])
    return Sample(pattern.format(n=n, t=t, p=p, m=m), f" {answer}", after if form == "him" else f" {after}")


GREET = ("Hello, {n}!", "Good morning, {n}.", "Good evening, {n}.", "Hi, {n}!", "Good day, {n}.", "Excuse me, {n}.")
TALK = (
    ("Where is the {p}?", "It is behind the {q}."), ("How do I get to the {p}?", "Go past the {q} and turn left."),
    ("Do you know where my {t} is?", "Yes, it is in the {r}."), ("Have you seen my {t}?", "Yes, I saw it in the {r}."),
    ("May I borrow your {t}?", "Of course. Please bring it back on {d}."), ("When does the {o} open?", "It opens on {d}."),
    ("What would you like to eat?", "Some {f} and some {g}, please."), ("What colour is your {t}?", "It is {c}."),
    ("How many do you need?", "I need {k}, please."), ("Who gave you the {t}?", "My {e} gave it to me."),
    ("Would you like some {f}?", "No, thank you, but I would like some {g}."),
    ("How are you today?", "I am a little {m} today."),
    ("Can you help me with the {t}?", "Yes, I can. Let us meet {at}."), ("Shall we go to the {p}?", "Yes, let us go on {d}."),
    ("Is this {t} yours?", "No, it belongs to my {e}."), ("What do you have there?", "I have {a_t}."),
    ("Where are you going?", "I am going to the {p}."), ("What is your favourite colour?", "I like {c} best."),
    ("Where do you live?", "I live near the {p}."), ("What did you buy at the market?", "I bought some {f} and {a_t}."),
)  # fmt: skip
TALK_HELD = (
    ("Can you tell me where the {p} is?", "It is behind the {q}."), ("Could you lend me your {t}?", "Of course, here it is."),
    ("Which colour do you like?", "I like {c} best."),
)  # fmt: skip
THANK = (
    "Thank you very much.",
    "Thank you, {n}.",
    "That is very kind of you.",
    "Thanks a lot!",
    "How nice. Thank you.",
)
LEAVE = (
    "You are welcome. Goodbye!",
    "You are welcome, {n}.",
    "Not at all. See you soon!",
    "With pleasure. Goodbye, {n}.",
)
STOP = "###"  # ends a dialogue: without it as `stop`, the model goes on with two other people


def dialogue(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A greeting with a question, an answer, thanks, a goodbye and the mark STOP, often with the next pair after it."""
    first = _talk(rng, held, wording)
    if held or rng.random() < 0.5:
        return first
    return Sample(first.prompt, first.answer, f"{first.rest}\n{_talk(rng, held, wording).text}")


def _talk(rng: Random, held: bool, wording: bool) -> Sample:
    a, b, p, q, t = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, 2), *r.sample(list(w.PLACES), 2), r.choice(w.THINGS)]
    )
    f, g = rng.sample([food for food in w.FOODS if food != t], 2)
    slots = dict(
        o=rng.choice(("shop", "library", "market", "school", "mill", "park")),
        p=p, q=q, t=t, a_t=w.a(t), f=f, g=g, r=rng.choice(w.ROOMS), d=rng.choice(w.DAYS), c=rng.choice(w.COLOURS),
        k=rng.choice(w.NUMBERS), e=rng.choice(w.KIN), m=rng.choice(("tired", "sad", "cold", "lonely")),
        at=f"{w.PLACES[q]} the {q}",
    )  # fmt: skip
    asked, answered = rng.choice(TALK_HELD if wording else TALK)
    prompt = f"{a}: {rng.choice(GREET).format(n=b)} {asked.format(**slots)}\n{b}:"
    rest = f"\n{a}: {rng.choice(THANK).format(n=b)}\n{b}: {rng.choice(LEAVE).format(n=a)}\n{STOP}"
    return Sample(prompt, f" {answered.format(**slots)}", rest)


def story(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A story to be told on from its first sentence, or (`wording`) from an opening of a kind not met in training."""
    if wording:
        return Sample(stories.held_opening(rng)[0], "")
    text = stories.tell(rng, held).text
    first = text.index(". ") + 1
    return Sample(text[:first], "", text[first:])


SHORT = ("Story: {t}\nIn short:", "Story: {t}\nIn short:", "Story: {t} In short:", "{t}\nIn short:", "{t}\nSummary:")
SHORT_HELD = ("Story: {t}\nIn one sentence:", "Here is a story. {t}\nIn short:")


def summary(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A story and the same in one sentence."""
    told = stories.tell(rng, held)
    return Sample(rng.choice(SHORT_HELD if wording else SHORT).format(t=told.text), f" {told.summary}")


_ALL = (story, summary, name_mover, question, sentiment, translation, copying, country, bias, pronoun, dialogue)
TASKS = {task.__name__: task for task in _ALL}
# How often each is drawn. A story is some eight times as long as the others: about half of all tokens are stories.
SHARE = {
    "story": 4, "summary": 1, "question": 5, "name_mover": 4, "country": 4, "bias": 3, "translation": 3, "copying": 3,
    "sentiment": 3, "dialogue": 1, "pronoun": 1,
}  # fmt: skip
# For a later stretch: less of the stories, which are learnt by then, more of what needs looking back.
SHORTER = {
    "story": 4, "summary": 0.4, "question": 9, "name_mover": 7, "country": 5, "bias": 6, "translation": 5, "copying": 3,
    "sentiment": 1.5, "dialogue": 1, "pronoun": 2,
}  # fmt: skip
_IN_ROWS = ("sentiment", "translation", "copying", "name_mover")  # often shown with examples before them
# Those whose answers are to be learnt word for word.
EXACT = ("question", "name_mover", "country", "bias", "translation", "copying", "sentiment", "pronoun")


def draw_samples(rng: Random, share: Mapping[str, float] = SHARE) -> tuple[str, list[Sample]]:
    """A task and one training text of it, of one or more samples: known wordings, combinations of the training part."""
    name = rng.choices(list(share), list(share.values()))[0]
    if name == "question" and rng.random() < 0.8:
        return name, questions(rng, rng.randint(2, 6))
    sample = TASKS[name](rng)
    if name in _IN_ROWS and rng.random() < 0.15:
        before = [TASKS[name](rng) for _ in range(rng.randint(1, 3))]
        return name, [*(Sample(one.prompt, one.answer, f"{one.rest.rstrip()}\n") for one in before), sample]
    return name, [sample]


def draw(rng: Random, share: Mapping[str, float] = SHARE) -> str:
    """One training text."""
    return "".join(sample.text for sample in draw_samples(rng, share)[1])


def held_out(task: str, rng: Random, wording: bool = False) -> Sample:
    """A sample of a held-out combination, in a known wording or in one that never occurs in training."""
    return TASKS[task](rng, held=True, wording=wording)
