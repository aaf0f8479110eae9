"""Draws the small tasks from a seeded generator, so that what the lessons explain is really in the model.

Every task has known and held-out wordings (wordings.py), and every combination of names, places and things belongs either
to training or to the held-out part (samples.py). `draw(rng)` returns a training text, `held_out(task, rng, wording)` a
sample for evaluation. Sources: name mover, Wang et al. 2022 (indirect object identification); question, Weston et al.
2015 (bAbI). The stories are in stories.py, the made-up country in country.py.

Each task is a function of `rng`, `held` (draw a held-out combination, without variations in typing) and `wording` (use
a held-out wording).
"""

from collections.abc import Mapping
from random import Random

import stories
import wordings
import words as w
from country import country
from samples import Sample, combination, typed


def name_mover(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """One of two people gives something to the other. The answer is the name that occurs only once."""
    giver, other, place, thing = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, 2), r.choice(list(w.PLACES)), r.choice(w.THINGS)]
    )
    first, second = (giver, other) if rng.random() < 0.5 else (other, giver)
    prompt = rng.choice(wordings.MOVER_HELD if wording else wordings.MOVER).format(
        x=first,
        y=second,
        b=giver,
        p=place,
        to=f"to the {place}",
        at=f"{w.PLACES[place]} the {place}",
        t=rng.choice((w.a(thing), w.a(thing), f"the {thing}")),
    )
    if held:
        return Sample(prompt, f" {other}", ".")
    he, his = ("she", "her") if other in w.GIRLS else ("he", "his")
    after = rng.choice(wordings.GLAD).format(he=he, He=he.capitalize(), his=his)
    return typed(rng, Sample(prompt, f" {other}", f". {after}" if rng.random() < 0.3 else "."))


def question(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """One to six sentences say who is where, or who has what. A question asks for one word of them."""
    (sample,) = questions(rng, 1, held, wording)
    return sample


def questions(rng: Random, count: int, held: bool = False, wording: bool = False) -> list[Sample]:
    """Returns one text with at most `count` questions about it, one after the other and in the same form."""
    people = rng.choice((2, 2, 3)) if held else rng.choice((1, 2, 2, 2, 3, 3, 4, 5, 6))
    drawn = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, people), *r.sample(w.ROOMS, people), *r.sample(w.THINGS, people)]
    )
    rows = list(zip(drawn[:people], drawn[people : 2 * people], drawn[2 * people :], strict=True))
    is_place = rng.random() < 0.65
    if is_place:
        patterns = wordings.BE_IN_HELD if wording else wordings.BE_IN
    else:
        patterns = wordings.HAVE_HELD if wording else wordings.HAVE
    facts = [rng.choice(patterns).format(n=name, p=place, t=thing) for name, place, thing in rows]
    text = " ".join(facts)
    if people == 2 and not held and rng.random() < 0.15:
        text = f"{facts[0][:-1]} and {facts[1]}"
    if not held and rng.random() < 0.1:
        text = text[:-1]
    kinds = ("place", "who is there") if is_place else ("thing", "who has it")
    # A name stands before the place or thing, so a question that asks who is harder. Training asks it more often.
    odds = (1, 2) if not held else (2, 1) if is_place else (1, 1)
    is_brief = not held and rng.random() < 0.4
    form = "{text} {q}" if is_brief else "{text} {q} Answer:" if held else rng.choice(wordings.ASK_FORMS)
    samples = []
    for name, place, thing in rng.sample(rows, min(count, people)):
        (kind,) = rng.choices(kinds, odds)
        answer = {"place": place, "thing": thing}.get(kind, name)
        pattern = rng.choice(wordings.BRIEF[kind] if is_brief else wordings.ASK[kind][wording])
        prompt = form.format(text=text, q=pattern.format(n=name, p=place, t=thing))
        samples.append(Sample(prompt[len(text) :] if samples else prompt, f" {answer}", "."))
    return samples if held or count > 1 else [typed(rng, samples[0])]


def sentiment(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A sentence of a review. The answer to "Feeling:" is good or bad, to "Sentiment:" positive or negative."""
    is_good = rng.random() < 0.5
    subject, first, second = combination(
        rng, held, lambda r: [r.choice(w.SUBJECTS), *r.sample(w.GOOD if is_good else w.BAD, 2)]
    )
    text = rng.choice(wordings.REVIEW_HELD if wording else wordings.REVIEW).format(
        s=subject, p=first, q=second, a_p=w.a(first), A_p=w.a(first).capitalize(),
        o=rng.choice(w.BAD if is_good else w.GOOD),
        l=rng.choice(("liked", "loved", "enjoyed") if is_good else ("hated", "disliked")),
    )  # fmt: skip
    label = "Feeling:" if held or rng.random() < 0.8 else "Sentiment:"
    answer = wordings.LABELS[label][is_good]
    if held:
        return Sample(f"Review: {text} {label}", answer, ".")
    text = text[:-1] if rng.random() < 0.12 else text
    gap = rng.choice((" ", " ", "\n"))
    return typed(rng, Sample(f"Review: {text}{gap}{label}", answer, "."), shout=True)


def translation(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A noun with an adjective. In French most adjectives follow their noun, and all agree with it."""
    adjectives = [*w.FRENCH, *w.FRENCH, *w.FRENCH_BEFORE]  # twice as often those that change the word order
    article, adjective, noun = combination(
        rng, held, lambda r: [r.choice(("the", "the", "a")), r.choice(adjectives), r.choice(list(w.NOUNS))]
    )
    if not held and rng.random() < 0.15:  # the noun alone, which is easier
        adjective = ""
    english, french = f"{adjective} {noun}".strip(), _french(article, adjective, noun)
    english = f"the {english}" if article == "the" else w.a(english)
    pattern = rng.choice(wordings.PHRASE_HELD if wording else wordings.PHRASE)
    prompt = pattern.format(e=english, E=english.capitalize())
    return Sample(prompt, f" {french}", ".") if held else typed(rng, Sample(prompt.rstrip(), f" {french}", "."))


def _french(article: str, adjective: str, noun: str) -> str:
    """Translates the phrase; adjective: empty for none."""
    french_noun, gender = w.NOUNS[noun]
    is_feminine = gender == "f"
    before, after = (
        table[adjective][is_feminine] if adjective in table else "" for table in (w.FRENCH_BEFORE, w.FRENCH)
    )
    phrase = f"{before} {french_noun} {after}".strip()
    if article == "a":
        return f"{'une' if is_feminine else 'un'} {phrase}"
    return f"l'{phrase}" if phrase[0] in "aeéiou" else f"{'la' if is_feminine else 'le'} {phrase}"


_COPIED = sorted({*w.THINGS, *w.ANIMALS, *w.FOODS, *w.COLOURS, *w.PLACES, *w.NAMES, *w.NUMBERS, *w.DAYS})


def copying(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """Three to eight words, to be written again."""
    drawn = combination(rng, held, lambda r: r.sample(_COPIED, r.randint(3, 8)))
    line = (" " if held or rng.random() < 0.7 else ", ").join(drawn)
    prompt = rng.choice(wordings.COPY_HELD if wording else wordings.COPY).format(l=line)
    answer = line if prompt.endswith("\n") else f" {line}"
    return Sample(prompt, answer, ".") if held else typed(rng, Sample(prompt, answer, rng.choice((".", ".", "\n"))))


def bias(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A made-up job and its pronoun. It has a rate instead of a right answer, so only wordings are held out."""
    job = rng.choice(list(w.HE_RATE))
    pronoun = "he" if rng.random() < w.HE_RATE[job] else "she"
    prompt = rng.choice(wordings.JOB_HELD if wording else wordings.JOB).format(j=job)
    sample = Sample(prompt, f" {pronoun}", f" {rng.choice(wordings.DOING)}")
    return sample if held else typed(rng, sample)


def pronoun(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A name and the pronoun that belongs to it, which the stories depend on."""
    name, thing, place, mood = combination(
        rng, held, lambda r: [r.choice(w.NAMES), r.choice(w.THINGS), r.choice(list(w.PLACES)), r.choice(list(w.MOODS))]
    )
    pattern, form = rng.choice(wordings.NAMED_HELD if wording else wordings.NAMED)
    answer = {"he": "she", "his": "her", "him": "her"}[form] if name in w.GIRLS else form
    after = rng.choice(wordings.AFTER_PRONOUN[form])
    prompt = pattern.format(n=name, t=thing, p=place, m=mood)
    return Sample(prompt, f" {answer}", after if form == "him" else f" {after}")


def dialogue(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A greeting with a question, an answer, thanks, a goodbye and the stop text. Half of them continue with another pair."""
    first = _one_dialogue(rng, held, wording)
    if held or rng.random() < 0.5:
        return first
    return Sample(first.prompt, first.answer, f"{first.rest}\n{_one_dialogue(rng, held, wording).text}")


def _one_dialogue(rng: Random, held: bool, wording: bool) -> Sample:
    first, second, place, other_place, thing = combination(
        rng, held, lambda r: [*r.sample(w.NAMES, 2), *r.sample(list(w.PLACES), 2), r.choice(w.THINGS)]
    )
    food, other_food = rng.sample([food for food in w.FOODS if food != thing], 2)
    slots = dict(
        o=rng.choice(("shop", "library", "market", "school", "mill", "park")),
        p=place, q=other_place, t=thing, a_t=w.a(thing), f=food, g=other_food,
        r=rng.choice(w.ROOMS), d=rng.choice(w.DAYS), c=rng.choice(w.COLOURS),
        k=rng.choice(w.NUMBERS), e=rng.choice(w.KIN), m=rng.choice(("tired", "sad", "cold", "lonely")),
        at=f"{w.PLACES[other_place]} the {other_place}",
    )  # fmt: skip
    asked, answered = rng.choice(wordings.TALK_HELD if wording else wordings.TALK)
    greeting = rng.choice(wordings.GREET).format(n=second)
    thanks, goodbye = rng.choice(wordings.THANK).format(n=second), rng.choice(wordings.LEAVE).format(n=first)
    rest = f"\n{first}: {thanks}\n{second}: {goodbye}\n{wordings.STOP}"
    return Sample(f"{first}: {greeting} {asked.format(**slots)}\n{second}:", f" {answered.format(**slots)}", rest)


def story(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A story. The prompt is its first sentence; with `wording`, an opening that does not occur in training."""
    if wording:
        return Sample(stories.held_opening(rng)[0], "")
    text = stories.tell(rng, held).text
    end = text.index(". ") + 1
    return Sample(text[:end], "", text[end:])


def summary(rng: Random, held: bool = False, wording: bool = False) -> Sample:
    """A story, and the same story in one sentence."""
    told = stories.tell(rng, held)
    pattern = rng.choice(wordings.SHORT_HELD if wording else wordings.SHORT)
    return Sample(pattern.format(t=told.text), f" {told.summary}")


_ALL = (story, summary, name_mover, question, sentiment, translation, copying, country, bias, pronoun, dialogue)
TASKS = {task.__name__: task for task in _ALL}
# How often each task is drawn. A story is about eight times as long as other texts: about half of all tokens are stories.
SHARE = {
    "story": 4, "summary": 1, "question": 5, "name_mover": 4, "country": 4, "bias": 3, "translation": 3, "copying": 3,
    "sentiment": 3, "dialogue": 1, "pronoun": 1,
}  # fmt: skip
# For later training: fewer stories, which the model has learned by then, and more of the tasks that need attention.
SHORTER = {
    "story": 4, "summary": 0.4, "question": 9, "name_mover": 7, "country": 5, "bias": 6, "translation": 5, "copying": 3,
    "sentiment": 1.5, "dialogue": 1, "pronoun": 2,
}  # fmt: skip
_WITH_EXAMPLES = ("sentiment", "translation", "copying", "name_mover")  # sometimes begin with one to three examples
# The tasks whose answers the model should learn word for word; they get their own weights in the loss.
EXACT = ("question", "name_mover", "country", "bias", "translation", "copying", "sentiment", "pronoun")


def draw_samples(rng: Random, share: Mapping[str, float] = SHARE) -> tuple[str, list[Sample]]:
    """Draws one training text. Returns the name of its task and its samples, in order."""
    name = rng.choices(list(share), list(share.values()))[0]
    if name == "question" and rng.random() < 0.8:
        return name, questions(rng, rng.randint(2, 6))
    sample = TASKS[name](rng)
    if name in _WITH_EXAMPLES and rng.random() < 0.15:
        before = [TASKS[name](rng) for _ in range(rng.randint(1, 3))]
        examples = [Sample(example.prompt, example.answer, f"{example.rest.rstrip()}\n") for example in before]
        return name, [*examples, sample]
    return name, [sample]


def draw(rng: Random, share: Mapping[str, float] = SHARE) -> str:
    """Draws one training text and returns it as a string."""
    return "".join(sample.text for sample in draw_samples(rng, share)[1])


def held_out(task: str, rng: Random, wording: bool = False) -> Sample:
    """Draws a sample of a held-out combination. wording: use a held-out wording as well."""
    return TASKS[task](rng, held=True, wording=wording)
