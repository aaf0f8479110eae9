"""Lesson 11, played in this process: its answers, shares and losses against transformers' own model.

The truth is that model alone: its greedy texts, softmax by hand, hooks that silence a part, and a mask of this test's own that
cuts one look. What the lesson says of *tales* (each job is done, examples teach the form) is asserted as well.
`test_notebooks.py` plays it with a random model.
"""

import contextlib
import json
import threading
from collections import Counter

import country
import numpy as np
import pytest
import torch
import wordings
from close import approx_float32, approx_float64, rounding
from played import (
    check_an_empty_prompt,
    check_cells_wait,
    check_solutions,
    check_views_are_shown,
    check_wrong_guesses,
    run_cell,
)
from protocol_server import ProtocolServer
from shown import half_of_decimal
from tales_bound import TALES_BOUND

import gptviz
from gptviz._paths import assets_dir, notebooks_dir

LESSON = "11_uses"
LESSONS = (LESSON,)
WAITS = {  # words of a question: the cells that would answer it
    "finish_reason": ("choices", "reply"),
    "From temperature 0 to 2": ("settings-picture",),
    "three summaries": ("summary-picture",),
    "how many lines": ("dialogue-shown",),
    "different texts": ("story-picture", "again"),
    "are Python": ("code-shown",),
    "how many are right": ("answered-shown", "again"),
    "most confident": ("answered-shown", "again"),
    "in the box": ("own-shown",),
    "one example": ("few-picture", "labels", "turned-round", "induction-picture"),
    "eight examples, four": ("few-picture", "labels", "turned-round", "induction-picture"),
    "must the model look at": ("turn-picture", "turn-view"),
    "whichever costs most": ("parts-picture",),
    "induction heads off": ("induction-picture",),
}


@pytest.fixture(scope="module")
def model():
    return str(assets_dir() / "tales")


@contextlib.contextmanager
def silenced(reference, heads=(), attention=None, mlp=None):
    """Hooks with which these heads, the attention of one layer and the MLP of one layer add nothing."""
    blocks, width = reference.transformer.h, reference.config.n_embd // reference.config.n_head
    hooks = []
    for layer, head in heads:

        def silence(_module, args, head=head):
            return (args[0].index_fill(-1, torch.arange(head * width, (head + 1) * width), 0),)

        hooks.append(blocks[layer].attn.c_proj.register_forward_pre_hook(silence))
    if attention is not None:
        hooks.append(blocks[attention].attn.register_forward_hook(lambda *given: (given[2][0] * 0, *given[2][1:])))
    if mlp is not None:
        hooks.append(blocks[mlp].mlp.register_forward_hook(lambda *given: given[2] * 0))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@torch.no_grad()
def answer_logits(reference, tokenizer, items):
    """Returns for each (prompt, answer) the logits of the answer's tokens, (tokens, vocab), and their ids: one batch."""
    starts = [tokenizer(prompt)["input_ids"] for prompt, _ in items]
    answers = [tokenizer(f" {answer}", add_special_tokens=False)["input_ids"] for _, answer in items]
    rows = [torch.tensor(start + answer) for start, answer in zip(starts, answers, strict=True)]
    logits = reference(torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)).logits.double()
    return [
        (logits[i, len(start) - 1 : len(start) - 1 + len(answer)], answer)
        for i, (start, answer) in enumerate(zip(starts, answers, strict=True))
    ]


def first_shares(reference, tokenizer, items):
    """Returns the probability of each answer's first token, by softmax."""
    return np.array(
        [logits[0].softmax(-1)[ids[0]].item() for logits, ids in answer_logits(reference, tokenizer, items)]
    )


def with_examples(names, task, count, asked):
    """Returns the prompt, written out by this test."""
    form = {"same word": "{} -> {}\n", "translation": "{}, {}\n", "review": "{} Rating: {}\n"}[task]
    examples = "".join(form.format(*example) for example in names["cases"][task][:count])
    return examples + form.format(asked, "").rstrip()


def counted(reference, tokenizer, names, task, count):
    """Returns the shares of the tests that are answered rightly, and whose first token an example's answer begins with."""
    openings = {tokenizer(f" {a}", add_special_tokens=False)["input_ids"][0] for _, a in names["cases"][task][:8]}
    items = [(with_examples(names, task, count, asked), answer) for asked, answer in names["cases"][task][8:]]
    best = [(logits.argmax(-1).tolist(), ids) for logits, ids in answer_logits(reference, tokenizer, items)]
    return np.mean([chosen == ids for chosen, ids in best]), np.mean([chosen[0] in openings for chosen, _ in best])


@torch.no_grad()
def greedy(reference, tokenizer, prompt, count):
    """Returns the ids that transformers' `generate` writes, and the product of their probabilities."""
    ids = torch.tensor([tokenizer(prompt)["input_ids"]])
    keywords = {"do_sample": False, "max_new_tokens": count, "pad_token_id": tokenizer.eos_token_id}
    result = reference.generate(
        ids, attention_mask=torch.ones_like(ids), output_scores=True, return_dict_in_generate=True, **keywords
    )
    new = result.sequences[0, ids.shape[1] :].tolist()
    shares = [scores[0].double().softmax(-1)[id].item() for scores, id in zip(result.scores, new, strict=True)]
    return new, float(np.prod(shares))


def test_views_are_shown(lesson):
    check_views_are_shown(lesson)


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(lesson):
    check_wrong_guesses(lesson)


def test_what_would_answer_a_question_is_covered_until_it_is_revealed(lesson):
    waiting = {cell for cells in WAITS.values() for cell in cells} - {"turn-view"}
    shown = {cell for cell, source in lesson.sources.items() if "lessons.p" in source and "until=[" in source}
    assert waiting == shown
    assert len(lesson.questions) == len(WAITS)
    names = lesson.names
    prose = (notebooks_dir() / f"{LESSON}.ipynb").read_text("utf-8")
    printed = "".join(text for cell, text in lesson.printed.items() if cell not in shown)
    tells = [f"{names['errors'][0][4]:.2%}", names["whole"].text.strip(), names["summaries"][2].strip()]
    assert not [text for text in tells if text in prose + printed]
    for words, cells in WAITS.items():
        check_cells_wait(lesson, words, cells)


def test_the_exercises_solution_is_right_and_an_unwritten_one_is_no_error(lesson):
    check_solutions(lesson)


def test_the_reply_has_the_fields_that_the_table_names(lesson, tokenizer):
    completion, printed = lesson.names["completion"], json.loads(lesson.values["reply"].text)
    assert set(printed) == {"id", "object", "created", "model", "choices", "usage", "seed"}
    assert [choice["index"] for choice in printed["choices"]] == [0, 1]
    ids = [choice.token_ids for choice in completion.choices]
    assert printed["usage"] == {
        "prompt_tokens": len(tokenizer("Once upon a time there was a")["input_ids"]),
        "completion_tokens": sum(map(len, ids)),
        "total_tokens": len(tokenizer("Once upon a time there was a")["input_ids"]) + sum(map(len, ids)),
    }
    for choice, written in zip(completion.choices, map(tokenizer.decode, ids), strict=True):
        assert choice.text == written.split(".")[0]
        assert choice.finish_reason == ("stop" if "." in written else "length")
        assert len(choice.steps) == 10 or choice.finish_reason == "stop"
    question = lesson.question("finish_reason")
    assert question.reveal() == sum("." not in tokenizer.decode(written) for written in ids)
    assert 0 < question.truth < 4  # both reasons are there to see


def test_the_same_cells_call_a_server(lesson):
    with ProtocolServer(lesson.names["gpt"]) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        names = lesson.names | {"gpt": gptviz.connect(server.url)}
        _, picture, reply = (run_cell(lesson.sources[cell], cell, names)[1] for cell in ("call", "choices", "reply"))
        server.shutdown()
    own, served = json.loads(lesson.values["reply"].text), json.loads(reply.text)
    assert served["model"] == "little"
    assert served.keys() == own.keys() and served["choices"][0].keys() == own["choices"][0].keys()
    assert served["usage"]["prompt_tokens"] == own["usage"]["prompt_tokens"]
    assert len(picture.to_table()) == 4


def test_shares_of_right_answers_are_products_of_softmax(lesson, reference, tokenizer):
    names = lesson.names
    for job, items in names["jobs"].items():
        assert len(items) == len(set(items)) == 12
        pairs, expected = answer_logits(reference, tokenizer, items), []
        for temperature in (0.8, 2):
            each = [(logits / temperature).log_softmax(-1)[range(len(ids)), ids].sum().exp() for logits, ids in pairs]
            expected.append(np.mean(each))
        at_0 = np.mean([logits.argmax(-1).tolist() == ids for logits, ids in pairs])
        bound = rounding(*(logits.numpy() for logits, _ in pairs))
        assert names["shares"][job] == pytest.approx([at_0, *expected], abs=bound)
        assert at_0 == 1, "the lesson begins with jobs that tales does"
    assert lesson.question("From temperature 0 to 2").reveal() == "translation"


def test_answers_to_hard_prompts_are_those_that_transformers_generates(lesson, reference, tokenizer):
    names, right = lesson.names, 0
    for (prompt, answer), (_, _, text, is_right, probability) in zip(names["tricky"], names["answered"], strict=True):
        ids = tokenizer(f" {answer}", add_special_tokens=False)["input_ids"]
        new, expected = greedy(reference, tokenizer, prompt, len(ids))
        assert (text, is_right) == (tokenizer.decode(new, skip_special_tokens=True), new == ids)
        assert probability == pytest.approx(expected, rel=rounding(30.0))
        right += is_right
    assert lesson.question("how many are right").reveal() == right
    prompt, answer, text, _, probability = names["errors"][0]
    assert probability == max(one[4] for one in names["answered"] if not one[3]) > 0.9, "a confident error is shown"
    assert "five more calls at temperature 0: 1 text, the same" in lesson.values["again"].text
    assert lesson.question("most confident").reveal() == ("more than 99 %" if probability > 0.99 else "90 to 99 %")


@pytest.mark.parametrize("task", ["same word", "translation", "review"])
def test_answers_against_the_number_of_examples_are_counted_again(lesson, reference, tokenizer, task):
    names = lesson.names
    assert not {asked for asked, _ in names["tests"][task]} & {asked for asked, _ in names["shown"][task]}
    assert len(names["tests"][task]) == 16
    for count, figures in zip(names["NUMBERS"], names["accuracy"][task], strict=True):
        assert figures[:2] == approx_float64(counted(reference, tokenizer, names, task, count)), count
    table = lesson.values["few-picture"].to_table()
    for i, panel in enumerate(("answered rightly, % of the tests", "answered in the form of the examples, %")):
        expected = [100 * figures[i] for figures in names["accuracy"][task]]
        assert [row[f"{panel}: {task}"] for row in table] == approx_float64(expected)
    assert [row["examples"] for row in table] == list(names["NUMBERS"])


def test_answers_with_the_examples_turned_round_are_counted_again(lesson, reference, tokenizer):
    tests = lesson.names["tests"]["review"]
    shown = [f"{text} Rating: {label}" for text, label in reversed(lesson.names["shown"]["review"])]
    assert shown[-1].endswith("bad")
    items = [("\n".join([*shown, f"{asked} Rating:"]), label) for asked, label in tests]
    first = [tokenizer.decode(logits[0].argmax()) for logits, _ in answer_logits(reference, tokenizer, items)]
    right = sum(word == f" {label}" for word, (_, label) in zip(first, tests, strict=True))
    often = ", ".join(f"{word!r} {times}" for word, times in Counter(first).most_common(4))
    before = round(16 * counted(reference, tokenizer, lesson.names, "review", 8)[0])
    expected = f"examples 8: {before} right as they were, {right} turned round: {often}"
    assert lesson.values["turned-round"].text.endswith(expected)


@pytest.mark.parametrize("heads", ["strong", "weak"])
def test_answers_without_heads_are_counted_again(lesson, reference, tokenizer, heads):
    names, column = lesson.names, {"strong": 1, "weak": 2}[heads]
    assert len(names[heads]) == 5
    with silenced(reference, names[heads]):
        for task, figures in names["without_heads"].items():
            count = names["numbers"][task]
            assert figures[column] == approx_float64(counted(reference, tokenizer, names, task, count)[0]), task


def test_the_heads_for_comparison_are_as_many_of_each_layer_and_each_task_has_its_best_number(lesson):
    names = lesson.names
    strong, weak, scores = names["strong"], names["weak"], names["scores"]
    assert not set(strong) & set(weak)
    assert Counter(layer for layer, _ in strong) == Counter(layer for layer, _ in weak)
    for at in weak:
        between = [head for head in np.ndindex(scores.shape) if head[0] == at[0] and head not in (*strong, *weak)]
        assert all(scores[at] <= scores[head] for head in between)
    for task, count in names["numbers"].items():
        right = dict(zip(names["NUMBERS"], (figures[0] for figures in names["accuracy"][task]), strict=True))
        assert [n for n in right if right[n] == max(right.values())][-1] == count


def test_what_the_lesson_says_of_examples_holds_for_tales(lesson):
    """One example of the same word is enough, and induction heads carry it; reviews get the form and stay at chance."""
    names = lesson.names
    same, review = names["accuracy"]["same word"], names["accuracy"]["review"]
    assert same[0][0] == 0 and min(right for right, *_ in same[1:]) > 0.9
    assert names["without_heads"]["same word"][1] < 0.1 and names["without_heads"]["same word"][2] > 0.9
    assert review[0][:2] == (0, 0) and review[-1][1] == 1 and abs(review[-1][0] - 0.5) < 0.2
    assert "16 of 16 right" in lesson.printed["known"]
    assert "examples 8: ' good' 16" in lesson.values["labels"].text
    labels = [label for _, label in names["shown"]["review"]]
    assert all(labels[:count].count("good") == count / 2 and labels[count - 1] == "good" for count in (2, 4, 8))


def test_what_the_text_says_of_tales_is_in_its_card_and_in_its_training_texts():
    text = (notebooks_dir() / f"{LESSON}.ipynb").read_text("utf-8")
    assert "in 79 of 100 stories" in text
    card = (assets_dir() / "tales" / "README.md").read_text("utf-8")
    assert "the hero's name comes again | 79 of 100" in card
    assert "| country | 100.0% | 43.5% |" in card and "43.5" not in text, "lesson 12 asks for it"
    assert ("trade", "Pellin", "honey") in country.FACTS
    assert "The trade of {s} is" in country.WORDINGS["trade"][:-1]
    assert "The people of {s} trade in" not in country.WORDINGS["trade"]
    read = str({name: value for name, value in vars(wordings).items() if name.isupper()})
    assert "Feeling:" in read and "->" not in read and "Rating:" not in read  # forms of the examples are new to it


def test_what_is_lost_without_a_part_is_measured_by_silencing_it(lesson, reference, tokenizer):
    names = lesson.names
    for job, items in names["parts"].items():
        whole, heads, attention, mlp = names["measured"][job]
        at = names["costliest"](job)[0]
        assert heads[at] == np.nanmin(heads)
        for got, parts in (
            (whole, {}), (heads[at], {"heads": [at]}), (attention.min(), {"attention": int(attention.argmin())}),
            (mlp.min(), {"mlp": int(mlp.argmin())}),
        ):  # fmt: skip
            with silenced(reference, **parts):
                assert got == pytest.approx(np.mean(first_shares(reference, tokenizer, items)), abs=TALES_BOUND), (
                    job,
                    parts,
                )
    costs_a_third = {job for job, (whole, heads, *_) in names["measured"].items() if np.nanmin(heads) <= 2 / 3 * whole}
    assert lesson.question("whichever costs most").reveal() == len(costs_a_third)
    assert 0 < len(costs_a_third) < len(names["parts"])
    table = lesson.values["parts-picture"].to_table()
    for row in table:
        head, job = row["row"].split(": ")
        assert head == "L{} · H{}".format(*names["costliest"](job)[0])
        assert (row["group"] == "one head costs a third or more") == (job in costs_a_third)
        whole, heads, attention, mlp = names["measured"][job]
        assert list(row.values())[2:] == approx_float32([whole, np.nanmin(heads), attention.min(), mlp.min()])
    assert len(table) == len(names["parts"])


def test_every_head_of_one_job_is_silenced(lesson, reference, tokenizer):
    job = "question from memory"
    heads, items = lesson.names["measured"][job][1], lesson.names["parts"][job]
    for at in np.ndindex(heads.shape):
        with silenced(reference, [at]):
            assert heads[at] == pytest.approx(np.mean(first_shares(reference, tokenizer, items)), abs=TALES_BOUND), at


def test_lines_of_code_have_too_little_to_lose(reference, tokenizer):
    """The lesson says so, and so the table of parts leaves this job out."""
    assert first_shares(reference, tokenizer, [("def add(a, b):\n    return", "a")])[0] < 0.001
    assert "less than 0.1 % to the right word, `a`" in (notebooks_dir() / f"{LESSON}.ipynb").read_text("utf-8")


@torch.no_grad()
def test_a_cut_look_is_a_mask_without_it(lesson, reference, tokenizer):
    """Positions are found by the words' own tokens; the maps are transformers'."""
    names, cuts, looks = lesson.names, [], []
    at, head = names["turner"]
    for english, french in names["phrases"][:8]:
        words = [*english.split()[1:], *french.split()]
        singles = [tokenizer(f" {word}", add_special_tokens=False)["input_ids"] for word in words]
        ids = tokenizer(f"English: {english}. French: {french}")["input_ids"]
        assert all(len(single) == 1 for single in singles)
        start = len(ids) - 3
        keys = [ids.index(singles[i][0]) for i in (0, 1)]
        maps = reference(torch.tensor([ids]), output_attentions=True).attentions[at][0, head]
        of_phrase = []
        for query in (start, start + 1):
            of_phrase.append([])
            for key in (None, *keys):
                mask = torch.full((len(ids), len(ids)), -torch.inf).triu(1)
                if key is not None:
                    mask[query, key] = -torch.inf
                logits = reference(torch.tensor([ids]), attention_mask=mask[None, None]).logits[0, query].double()
                of_phrase[-1].append(logits.softmax(-1)[ids[query + 1]].item())
        cuts.append(of_phrase)
        looks.append([[maps[query, key].item() for key in keys] for query in (start, start + 1)])
    cuts, looks = np.mean(cuts, 0), np.mean(looks, 0)
    np.testing.assert_allclose(names["turned"], cuts, atol=TALES_BOUND)
    np.testing.assert_allclose(names["looks"][:, :, at, head], looks, atol=TALES_BOUND)
    answers = [names["fetched"](*row) for row in cuts]
    assert answers == ["the noun", "the adjective"]
    assert lesson.question("must the model look at").reveal() == answers[1]
    rows = [[looks[word][key], cuts[word][0], cuts[word][1 + key]] for word in (0, 1) for key in (0, 1)]
    table = lesson.values["turn-picture"].to_table()
    np.testing.assert_allclose([list(row.values())[2:] for row in table], rows, atol=TALES_BOUND)
    view = names["one_phrase"]
    assert view.trace.tokens[view.selection.query].text == " la"


@pytest.mark.parametrize(
    ("whole", "adjective", "noun", "expected"),
    [(0.9, 0.8, 0.1, "the noun"), (0.9, 0.1, 0.8, "the adjective"), (0.9, 0.5, 0.6, "neither word alone")],
)
def test_the_word_that_is_fetched(lesson, whole, adjective, noun, expected):
    assert lesson.names["fetched"](whole, adjective, noun) == expected


@torch.no_grad()
def test_the_bits_of_a_character_are_the_cross_entropy(lesson, reference, tokenizer):
    def bits(text):
        ids = torch.tensor(tokenizer(text)["input_ids"])
        nats = torch.nn.functional.cross_entropy(reference(ids[None]).logits[0, :-1].double(), ids[1:], reduction="sum")
        return nats.item() / np.log(2) / len(text)

    text = lesson.names["beginnings"][1]
    assert lesson.names["bits"](text) == pytest.approx(bits(text), abs=TALES_BOUND / np.log(2))
    code, story = np.mean([bits(begin) for begin in lesson.names["beginnings"]]), bits(lesson.names["stories"][0])
    *_, of_code, of_story = lesson.values["code-shown"].text.splitlines()
    assert [float(line.split()[0]) for line in (of_code, of_story)] == pytest.approx(
        [code, story], abs=half_of_decimal(1) + TALES_BOUND / np.log(2)
    )
    assert code > 2 * story, "tales has read little code"


@pytest.mark.parametrize(("code", "expected"), [("x = 1", True), ("x =", False), ("def f():\n    return 2", True)])
def test_what_counts_as_python(lesson, code, expected):
    assert lesson.names["is_python"](code) is expected


def test_words_that_a_summary_adds(lesson):
    invented = lesson.names["invented"]
    assert invented("The shop is shut.", " In spring Leila told Omar, and he ran.") == ["Leila", "Omar"]
    assert invented("Helen saved it.", ' Helen was glad. "Helen!" said the dog.') == []
    added = [bool(invented(*both)) for both in zip(lesson.names["stories"], lesson.names["summaries"], strict=True)]
    assert added == [False, False, True]


def test_an_empty_prompt_is_no_error(lesson):
    check_an_empty_prompt(lesson)
