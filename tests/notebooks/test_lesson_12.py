"""Lesson 12, played in this process: its rates, filters, confidences and cuts against transformers' own and hand-made numbers.

`test_notebooks.py` runs it with a random model, and `tests/browser/test_learning.py` in JupyterLab.
"""

import contextlib
import json
import re
import runpy
from functools import cache

import country
import measures
import numpy as np
import pytest
import torch
from close import approx_float64, assert_close, rounding
from played import check_an_empty_prompt, check_solutions, check_views_are_shown, check_wrong_guesses
from shown import half_of_decimal
from tales_bound import TALES_BOUND
from words import EVEN_JOBS, HE_JOBS, HE_RATE, SHE_JOBS

from gptviz._paths import assets_dir, notebooks_dir
from gptviz.sampling import uniform

LESSONS = ("12_limits",)
COVERED = {
    "estimates": ["ask_pattern", "ask_above"],
    "card-picture": ["ask_pattern", "ask_above", "ask_card"],
    "stations": ["ask_pattern", "ask_card", "ask_vote"],
    "caught": ["ask_ban", "ask_stop"],
    "defences": ["ask_system"],
    "reliability": ["ask_new", "ask_untold"],
    "rules": ["ask_new", "ask_untold", "ask_rule"],
    "compared": ["ask_system", "ask_contested"],
    "without": ["ask_claim", "ask_many"],
}


@pytest.fixture(scope="module")
def model():
    return str(assets_dir() / "tales")


@pytest.fixture(scope="module")
def next_logits(reference, tokenizer):
    """A function that returns the logits of transformers' model after a text: (vocabulary,), float64."""

    @cache
    @torch.no_grad()
    def logits(text):
        return reference(torch.tensor([tokenizer(text)["input_ids"]])).logits[0, -1].double().numpy()

    return logits


@pytest.fixture(scope="module")
def generated(reference, tokenizer):
    """A function that returns what transformers' `generate` writes greedily after a text, without the tokens of `banned`."""

    def text(prompt, count=8, banned=None):
        ids = torch.tensor([tokenizer(prompt)["input_ids"]])
        new = reference.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=count, suppress_tokens=banned,
            pad_token_id=tokenizer.eos_token_id,
        )[0, ids.shape[1] :]  # fmt: skip
        return tokenizer.decode(new, skip_special_tokens=True)

    return text


def one_token(tokenizer, word):
    (id,) = tokenizer(f" {word}", add_special_tokens=False)["input_ids"]
    return id


def interval(k, n):
    """Returns the Wilson interval as the roots of (k/n - p)² = z² p (1 - p) / n."""
    z2 = 1.959963984540054**2
    return np.sort(np.roots([1 + z2 / n, -2 * k / n - z2 / n, (k / n) ** 2]).real)


def test_what_would_answer_a_question_waits_for_it(lesson):
    shown = {cell for cell, source in lesson.sources.items() if re.search(r"lessons\.(picture|printed)\(", source)}
    assert shown == set(COVERED)
    for cell, names in COVERED.items():
        assert lesson.values[cell]._covered_by == [lesson.names[name].text for name in names], cell


def test_no_printed_line_or_text_tells_what_is_planted(lesson):
    """The bias is found, not told: before the questions only the words themselves are shown."""
    printed = "\n".join(text for cell, text in lesson.printed.items() if cell not in COVERED)
    cells = json.loads((notebooks_dir() / "12_limits.ipynb").read_text("utf-8"))["cells"]
    prose = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    for job in HE_RATE:
        assert job not in prose.replace('`count("brask")`', ""), job
        (line,) = [line for line in printed.splitlines() if line.startswith(job)]
        assert set(line.split()[1:]) <= {"he", "she", "…"}
    assert lesson.names["JOBS"] == sorted(HE_RATE), "their order tells nothing"


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_views_are_shown(lesson)
    check_wrong_guesses(lesson)


def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)
    assert len(lesson.exercises) == 3


# Bias


def test_draws_are_made_from_the_models_own_probabilities(lesson, next_logits, tokenizer):
    """Each is the inverse of the cumulative distribution at the uniform number of its seed, choice and draw."""
    names, tunder = lesson.names, sorted(HE_RATE).index("tunder")
    expected = [None] * 100
    for choice, text in enumerate(names["BEGINNINGS"]):
        logits = next_logits(text.format("tunder"))
        order = np.argsort(-logits, kind="stable")
        cumulative = np.cumsum(np.exp(logits[order] - logits.max()))
        for draw in range(10):
            at = np.searchsorted(cumulative, uniform(tunder, choice, 0, draw) * cumulative[-1], side="right")
            expected[10 * draw + choice] = tokenizer.decode(order[at]).strip()
    assert names["words"]["tunder"] == expected
    assert names["count"]("tunder") == (expected.count("he"), sum(word in ("he", "she") for word in expected))


def test_leaning_jobs_and_intervals_are_counted(lesson):
    names = lesson.names
    table = {row["row"]: row for row in lesson.values["card-picture"].to_table()}
    above = below = held = 0
    for job, row in table.items():
        k, n = names["count"](job)
        low, high = interval(k, n)
        assert (row["count"], row["trials"]) == (k, n) and n > 90
        assert_close([row["low"], row["high"]], [low, high], dtype=np.float64)
        assert row["the rate in the card"] == HE_RATE[job] == names["planted"][job]
        above, below, held = above + (low > 0.5), below + (high < 0.5), held + (low <= HE_RATE[job] <= high)
    assert interval(55, 100)[0] < 0.5 < 0.55, "as the hint says"
    assert names["ask_above"].reveal() == above == len(HE_JOBS) and below == len(SHE_JOBS)
    assert names["ask_pattern"].reveal() == names["PATTERNS"][3]
    assert names["ask_card"].reveal() == held >= 11


@pytest.mark.parametrize(("counts", "expected"), [
    ((50, 100), 0), ((90, 100), 1), ((10, 100), 2), ((5, 9), 4), ((0, 0), 4),
])  # fmt: skip
def test_every_pattern_has_its_answer(lesson, counts, expected):
    names = dict(lesson.names, count=lambda job: counts)
    for cell in ("leading", "pattern"):
        exec(lesson.sources[cell], names)
    assert names["pattern"]() == names["PATTERNS"][expected]


def test_what_decoding_adds_is_computed_from_the_models_logits(lesson, next_logits, tokenizer):
    """Softmax of the two logits divided by the temperature, job by job; greedy counts which of the two is higher."""
    names = lesson.names
    he, she = (one_token(tokenizer, word) for word in ("he", "she"))
    pairs = {
        job: np.array([next_logits(text.format(job))[[he, she]] for text in names["BEGINNINGS"]]) for job in HE_RATE
    }
    bound = rounding(np.array(list(pairs.values())))
    rows = lesson.values["stations"].to_table()
    for row, temperature in zip(rows[1:], (1, 0.7, 0.3, 0), strict=True):
        shares = {}
        for job, two in pairs.items():
            powers = np.exp((two - two.max(1, keepdims=True)) / (temperature or 1e-9))
            shares[job] = (powers[:, 0] / powers.sum(1)).mean()
        usual = [shares[job] for job in HE_JOBS] + [1 - shares[job] for job in SHE_JOBS]
        assert row["the usual word, mean of the jobs"] == pytest.approx(np.mean(usual), abs=bound)
        assert row["he after tunder, where he is likeliest"] == pytest.approx(shares["tunder"], abs=bound)
    assert max(HE_RATE, key=lambda job: names["rate"](job, 1)) == "tunder"
    assert rows[0]["the usual word, mean of the jobs"] == approx_float64(0.8)
    learned, cooler = rows[1]["the usual word, mean of the jobs"], rows[2]["the usual word, mean of the jobs"]
    assert names["ask_vote"].reveal() == names["SHIFTS"][2] and 0.85 < cooler < 0.95
    assert abs(learned - 0.8) < cooler - learned, "decoding changes the rate more than learning did"
    assert not set(EVEN_JOBS) & set(names["uneven"])


def test_the_rates_are_near_those_of_the_models_card(lesson, reference, tokenizer):
    """The card's mean is over other sentences as well, so they agree within some points."""
    for job in (HE_JOBS[0], EVEN_JOBS[0], SHE_JOBS[0]):
        assert lesson.names["rate"](job, 1) == pytest.approx(measures.he_rate(reference, tokenizer, job), abs=0.05)


# Filters


def test_a_banned_token_never_comes_and_the_word_comes_in_others(lesson, generated):
    names = lesson.names
    tried = [(names["GIFT"], []), (names["GIFT"], names["ban"]), (names["GIFT"].lower(), names["ban"])]
    for prompt, banned in [*tried, (names["RED"], names["ban_red"]), (names["PROMPTS"][0], names["ban"])]:
        assert names["write"](prompt, banned) == generated(prompt, banned=banned or None)
    assert "Mary" in names["write"](names["GIFT"]) and "mary" not in names["write"](names["GIFT"], names["ban"]).lower()
    assert names["ask_ban"].reveal() == "yes" and "mary" in generated(names["GIFT"].lower(), banned=names["ban"])
    assert "rouge" in names["write"](names["RED"], names["ban_red"])


def test_texts_end_before_the_stop_string_and_other_letters_pass(lesson, generated):
    names = lesson.names
    expected = [generated(prompt).partition("Mary")[0] for prompt in names["PROMPTS"]]
    assert [names["stopped"](prompt) for prompt in names["PROMPTS"]] == expected
    assert names["ask_stop"].reveal() == sum("mary" in text.lower() for text in expected) == 2


def test_the_check_withholds_what_got_through(lesson):
    finds, lines = lesson.names["finds"], lesson.printed["caught"].splitlines()
    assert not any("''" in line or "' '" in line for line in lines), "what was not written is not shown"
    assert all(line.endswith("withheld") for line in lines[:8] if "mary" in line[14:].lower())
    assert sum(line.endswith("withheld") for line in lines[:8]) == 4
    assert lines[8].endswith("shown") and lines[9].endswith("withheld") and lines[10].endswith("shown")
    assert finds("a MARY.", ["mary"]) and not finds("Maryland", ["Mary"]) and not finds("a+b", ["a.b"])


def test_answers_to_the_contradicted_system_line_are_the_models(lesson, generated):
    names = lesson.names
    assert len(names["CASES"]) == 12 and len({who for who, _, _ in names["CASES"]}) == 6
    texts = {
        "system line alone": "System: {0} is in the {1}.\nUser: Where is {0}? Answer:",
        "the user contradicts": "System: {0} is in the {1}.\nUser: {0} is in the {2}. Where is {0}? Answer:",
        "system line once more after it": "System: {0} is in the {1}.\nUser: {0} is in the {2}.\nSystem: {0} is in the {1}.\n"
        "Where is {0}? Answer:",
    }
    said = {name: [generated(text.format(*case), 1).strip() for case in names["CASES"]] for name, text in texts.items()}
    assert said == names["said"]
    users = {name: sum(a == case[2] for a, case in zip(of, names["CASES"], strict=True)) for name, of in said.items()}
    assert names["ask_system"].reveal() == users["the user contradicts"] > 0
    assert users["system line alone"] == 0 and users["system line once more after it"] < users["the user contradicts"]
    operators = sum(a == case[1] for a, case in zip(said["the user contradicts"], names["CASES"], strict=True))
    assert f"{operators} shown, {12 - operators} withheld" in lesson.printed["defences"]


# Certainty


def test_the_facts_are_those_that_tales_was_told_and_no_text_has_the_new_wordings(lesson):
    written = runpy.run_path(str(assets_dir() / "training" / "write_facts.py"))["facts"]()
    assert lesson.names["facts"] == written
    assert [(row["kind"], row["place"], row["answer"]) for row in lesson.names["facts"]] == list(country.FACTS)
    for row in lesson.names["facts"]:
        *known, held_out = country.WORDINGS[row["kind"]]
        assert row["new"].replace("{}", "{s}") == held_out
        assert row["told"].replace("{}", "{s}") in known
    assert not set(lesson.names["TOWNS"]) & set(country.SINGLE)


def test_confidences_and_right_claims_are_transformers_own(lesson, next_logits, tokenizer):
    names = lesson.names
    prompts = {
        "known wordings": [
            (country.WORDINGS[kind][0].format(s=place), answer) for kind, place, answer in country.FACTS
        ],
        "new wordings": [(country.WORDINGS[kind][-1].format(s=place), answer) for kind, place, answer in country.FACTS],
        "invented towns": [
            (country.WORDINGS[kind][0].format(s=town), None)
            for town in names["TOWNS"]
            for kind in dict.fromkeys(kind for kind, place, _ in country.FACTS if place != "Valdoria")
        ],
    }
    assert {name: len(of) for name, of in prompts.items()} == dict.fromkeys(names["claims"], 60)
    table, shown = lesson.values["reliability"].to_table(), {}
    for name, asked in prompts.items():
        logits = np.array([next_logits(prompt) for prompt, _ in asked])
        powers = np.exp(logits - logits.max(1, keepdims=True))
        sure = powers.max(1) / powers.sum(1)
        right = [answer is not None and best == one_token(tokenizer, answer)
                 for best, (_, answer) in zip(logits.argmax(1), asked, strict=True)]  # fmt: skip
        np.testing.assert_allclose(names["sure"][name], sure, atol=rounding(logits))
        assert names["right"][name].tolist() == right
        rows = [row for row in table if row["group"] == name]
        for row, low in zip(rows, (0, 0.2, 0.4, 0.6, 0.8), strict=True):
            inside = [i for i, p in enumerate(sure) if low <= p < low + 0.2 or p == low + 0.2 == 1]
            hits = sum(right[i] for i in inside)
            assert (row["claims"], row["right_claims"]) == (len(inside), hits)
            if inside:
                assert row["confidence"] == pytest.approx(np.mean(sure[inside]), abs=rounding(logits))
                assert_close([row["low"], row["high"]], interval(hits, len(inside)), dtype=np.float64)
        kept = [i for i, p in enumerate(sure) if p >= 0.9]
        shown[name] = len(kept), sum(not right[i] for i in kept)
        assert names["shown"](name) == shown[name]
    assert names["ask_new"].reveal() == approx_float64(100 * 23 / 60), "23 of the 60 facts, as the model's card says"
    assert names["ask_untold"].reveal() == shown["invented towns"][0] > 6
    assert names["ask_rule"].reveal() == shown["new wordings"][1]
    assert shown["known wordings"][1] == 0
    by_town = (sure.reshape(5, 12) >= 0.9).sum(1).tolist()  # of the last group
    told = ", ".join(f"{town} {count}" for town, count in zip(names["TOWNS"], by_town, strict=True))
    assert told in lesson.printed["rules"] and told in names["ask_untold"]._state["explain"]
    is_one_name = by_town[2] > 0.8 * sum(by_town)
    assert is_one_name == ("Nearly all of them are about Garlow" in names["ask_untold"]._state["explain"])
    assert names["gpt"].name != "tales" or is_one_name
    for none in (np.zeros(60), np.full(60, 0.95)):  # no town is confident, or each of them
        names["sure"], kept = {**names["sure"], names["UNTOLD"]: none}, names["sure"]
        assert names["of_one_name"]() == ""
        names["sure"] = kept


def test_what_is_believed_when_the_prompt_contradicts(lesson, next_logits, tokenizer):
    names, found = lesson.names, []
    for i, (kind, place, answer) in enumerate(country.FACTS):
        other = next(one for _, _, one in (*country.FACTS[i + 1 :], *country.FACTS) if one != answer)
        told = country.WORDINGS[kind][0].format(s=place)
        best = next_logits(f"{told} {other}. {told}").argmax()
        words = {one_token(tokenizer, answer): "weights", one_token(tokenizer, other): "prompt"}
        found.append(words.get(best, "neither"))
    assert names["believed"] == found
    assert names["ask_contested"].reveal() == found.count("prompt") <= 3
    assert f"{found.count('prompt')} of 60" in lesson.printed["compared"]


def test_a_leading_and_an_open_prompt_are_continued_as_transformers_does(lesson, next_logits, generated, tokenizer):
    leading, neutral = lesson.printed["leading-or-open"].splitlines()
    for line, prompt in ((leading, "The bridge of Dunholt is made of"), (neutral, "Dunholt has a")):
        logits = next_logits(prompt)
        powers = np.exp(logits - logits.max())
        percent = 100 * powers[one_token(tokenizer, "bridge")] / powers.sum()
        begin, share = line.split("; P(bridge) ")
        assert begin == f"{prompt!r} …{generated(prompt)!r}"
        assert float(share.rstrip("%")) == pytest.approx(percent, abs=half_of_decimal(2) + 100 * rounding(logits))


def test_the_question_below_the_box_is_about_what_was_typed(lesson, next_logits, tokenizer):
    names, box, question = lesson.names, lesson.names["box"], lesson.names["ask_memory"]
    assert next_logits(box.prompt).argmax() == one_token(tokenizer, "Tessel")
    assert question.reveal() == "the weights: Tessel"
    box.run("Once upon a time")
    assert question._state["phase"] == "close", "nothing is contradicted here"
    question._answer_instead()
    assert box.prompt == names["CONTRADICTED"] and question._state["phase"] == "open"
    assert names["bench"]._covered_by == [question.text]


# Inside


def test_what_is_left_without_heads_is_measured_by_switching_them_off(lesson, reference, tokenizer):
    """One head, and all ten together; each is set to zero before the output projection."""
    names = lesson.names
    couples, sentence = names["COUPLES"], names["SENTENCE"]

    def mean():
        texts = [(sentence.format(giver, other, giver), other) for giver, other in couples]
        each = []
        for text, other in texts:
            with torch.no_grad():
                logits = reference(torch.tensor([tokenizer(text)["input_ids"]])).logits[0, -1].double()
            each.append(logits.softmax(-1)[one_token(tokenizer, other)].item())
        return np.mean(each)

    expected = {0: mean()}
    with contextlib.ExitStack() as off:
        for many, at in enumerate(names["order"], 1):
            off.enter_context(measures.ablated(reference, *at))
            expected[many] = mean()
    np.testing.assert_allclose(names["without"], list(expected.values()), atol=TALES_BOUND)
    assert names["ask_claim"].reveal() == pytest.approx(100 * (expected[0] - expected[1]), abs=200 * TALES_BOUND)
    assert names["ask_many"].reveal() == next(many for many, p in expected.items() if p < 0.5)
    assert expected[0] - expected[1] < 0.05 < 0.5 < expected[0] - expected[10], (
        "one head costs little, ten cost the answer"
    )
    assert names["looks"][names["order"][0]] > 0.9


def test_looks_are_the_attention_of_transformers(lesson, reference, tokenizer):
    names, total = lesson.names, 0
    for giver, other in names["COUPLES"]:
        ids = tokenizer(names["SENTENCE"].format(giver, other, giver))["input_ids"]
        with torch.no_grad():
            maps = reference(torch.tensor([ids]), output_attentions=True).attentions
        total += np.array([layer[0, :, -1, ids.index(one_token(tokenizer, other))].numpy() for layer in maps])
    np.testing.assert_allclose(names["looks"], total / len(names["COUPLES"]), atol=TALES_BOUND)
    assert [names["looks"][at] for at in names["order"]] == sorted(names["looks"].ravel().tolist(), reverse=True)[:10]


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_prompt_is_no_error(played, lesson):
    check_an_empty_prompt(played[lesson])
