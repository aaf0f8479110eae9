"""The engine of pages on the embedded model: its tokenizer on hostile texts, its numbers, and the texts that it generates."""

import json
import unicodedata

import numpy as np
import pytest
from close import assert_close, assert_softmax_close, rounding
from engine import CHINESE, LONG, STORY, TEXTS, ask, ask_passes, assert_same_steps, generation
from tokenizers import Tokenizer

import gptviz
from gptviz._paths import assets_dir
from gptviz.errors import GPTVizError

FOLDER = assets_dir() / "tales"
FILES = {
    "weights": FOLDER / "model.safetensors",
    "config": FOLDER / "config.json",
    "tokenizer": FOLDER / "tokenizer.json",
}


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def read(gpt):
    """What the engine says about the texts: ids with and without the start token, the text of the ids, and their tokens."""
    ids = [gpt.encode(text) for text in TEXTS]
    asked = [
        *(["encode", [text, special]] for text in TEXTS for special in (True, False)),
        *(["decode", one] for one in ids),
        *(["tokens", one] for one in ids),
    ]
    answers = iter(ask(asked, tokenizer=FILES["tokenizer"]))
    encoded = [(next(answers), next(answers)) for _ in TEXTS]
    return [(*pair, next(answers)) for pair in encoded], list(answers)


def test_ids_of_texts(gpt, read):
    for text, (with_start, without, _) in zip(TEXTS, read[0], strict=True):
        assert with_start == gpt.encode(text), text
        assert without == gpt.tokenizer(text, add_special_tokens=False)["input_ids"], text


def test_texts_and_tokens_of_ids(gpt, read):
    for text, (ids, _, decoded), tokens in zip(TEXTS, *read, strict=True):
        assert decoded == gpt.decode(ids) == text.replace("<|endoftext|>", ""), text
        actual = [(token["text"], bytes(token["bytes"]), token["special"]) for token in tokens]
        assert actual == [(token.text, token.bytes, token.special) for token in gpt.tokens(ids)], text


def test_ids_in_any_order_and_surrogates(gpt):
    """Ids whose bytes are no characters decode as in Python, and a text that UTF-8 does not have is refused in its words."""
    orders = np.random.default_rng(4).integers(1, 4096, (40, 9)).tolist()
    orders += np.random.default_rng(5).integers(95, 257, (40, 9)).tolist()  # single bytes, mostly above 127
    surrogates = ["ab\ud800c", "🦉\udc00", "\udfff\ud83e"]
    asked = [*(["decode", ids] for ids in orders), *(["encode", [text, True]] for text in surrogates)]
    answers = ask(asked, tokenizer=FILES["tokenizer"])
    assert answers[: len(orders)] == [gpt.decode(ids) for ids in orders]
    for text, answer in zip(surrogates, answers[len(orders) :], strict=True):
        with pytest.raises(GPTVizError) as refused:
            gpt.encode(text)
        assert answer == {"error": str(refused.value)}


def test_words_are_cut_alike_at_characters_of_every_kind():
    """Between letters, digits, spaces and signs, each character falls into the same word as in the tokenizers library."""
    odd = [c for c in map(chr, range(0x3100)) if unicodedata.category(c) in ("Zs", "Zl", "Zp", "Cc", "Cf", "Nl", "No")]
    sample = [c for c in map(chr, range(1, 0x110000, 97)) if unicodedata.category(c) not in ("Cn", "Cs", "Co")]
    text = "".join(f"a{c}1{c} {c}.{c}'s{c}{c}\n" for c in odd + sample)
    cut = Tokenizer.from_file(str(FILES["tokenizer"])).pre_tokenizer.pre_tokenize_str(text)
    (words,) = ask([["words", text]])
    assert words == [text[start:end] for _, (start, end) in cut]


@pytest.fixture(scope="module")
def passes(gpt):
    """What the engine computes for some texts, one of them long, and with a head switched off."""
    texts = ["Tom and Mary went to the park. Tom gave a ball to", "One day", CHINESE, "👩‍👩‍👧 1½ <|endoftext|>", LONG]
    asked = [["logits"], ["probabilities"], ["attention", 4, 5], ["attention", 0, 7], ["residual", 6]]
    questions = {text: {"ids": gpt.encode(text), "asked": asked} for text in texts}
    off = {"ids": gpt.encode(texts[0]), "edits": [["ablateHead", 0, 5]], "asked": asked}
    return ask_passes(questions | {"head off": off}, **FILES)


def test_numbers_of_texts(gpt, passes):
    for text, answers in passes.items():
        edits = [gptviz.ablate_head(0, 5)] if text == "head off" else []
        trace = gpt.trace(next(iter(passes)) if edits else text, edits=edits)
        size, stream = len(trace.tokens), trace.residual(6)
        scale = [stream, trace.residual(3), trace.logits]
        assert_close(answers["residual", 6].reshape(size, -1), stream, scale=scale)
        assert_close(answers["logits",], trace.logits[-1], scale=scale)
        assert_softmax_close(answers["probabilities",], trace.probabilities(), scale)
        for at in [(4, 5), (0, 7)]:
            bounds = [*scale, trace.scores(*at, "scaled")]
            assert_softmax_close(answers["attention", *at].reshape(size, size), trace.attention(*at), bounds)
    assert size > 11 and len(gpt.encode(LONG)) > 350


DIALOGUE = "Simon: Good day, Victor. Where is the castle?\nVictor:"
QUESTION = "Laura is waiting in the hall. Jack has gone to the castle. Who went to the castle? Answer:"
CUTS = {"temperature": 0.9, "top_k": 60, "top_p": 0.97, "min_p": 0.01, "repetition_penalty": 1.15}
GENERATIONS = {
    "greedy": (STORY, {"max_tokens": 100, "temperature": 0}),
    "seeded": ("Once upon a time there was a", {"max_tokens": 60, "temperature": 0.8, "seed": 1}),
    "second choice": ("One day", {"max_tokens": 60, "seed": 2**40 + 3, "n": 2} | CUTS),
    "stop text": (DIALOGUE, {"max_tokens": 40, "temperature": 0, "stop": ["###"]}),
    "end token": (QUESTION, {"max_tokens": 40, "temperature": 0}),
    "edited": ("Once upon a time", {"max_tokens": 30, "seed": 3, "edits": [gptviz.ablate_head(0, 5), gptviz.ablate_mlp(4, 1)]}),
}  # fmt: skip
TOLD = {"edited": [["ablateHead", 0, 5], ["ablateMLP", 4, 1]]}


@pytest.fixture(scope="module")
def generated(gpt):
    """The engine's steps of every generation, by its name."""
    asked = [
        generation(gpt.encode(prompt), settings, TOLD.get(name, [])) for name, (prompt, settings) in GENERATIONS.items()
    ]
    return dict(zip(GENERATIONS, ask(asked, **FILES), strict=True))


@pytest.mark.parametrize("name", GENERATIONS)
def test_generated_texts(gpt, generated, name):
    prompt, settings = GENERATIONS[name]
    choice = gpt.complete(prompt, **settings).choices[-1]
    if settings.get("temperature") == 0:  # the condition under which texts must be equal
        gaps = [step.alternatives[0].probability - step.alternatives[1].probability for step in choice.steps]
        assert min(gaps) > 1e-4
    assert_same_steps(
        generated[name], choice, rounding(120)
    )  # streams of this model reach 120, and logits are as exact as these


def test_generations_cover_every_end(generated):
    """Each example ends as its name says, so that the comparison means something."""
    ends = {name: steps[-1]["finishReason"] for name, steps in generated.items()}
    assert ends == dict.fromkeys(GENERATIONS, "length") | {"stop text": "stop", "end token": "stop"}
    assert len(generated["greedy"]) == 100 and len(generated["seeded"]) == len(generated["second choice"]) == 60
    assert generated["end token"][-1]["id"] == json.loads(FILES["config"].read_text())["eos_token_id"]
    assert "###" not in "".join(step["text"] for step in generated["stop text"])


REFUSED = [
    ({"maxTokens": 0}, "a whole number of at least 1 as maxTokens. Got 0"),
    ({"temperature": -1}, "a finite number of 0 or more as temperature"),
    ({"topK": 1.5}, "a whole number of at least 1, or null as topK"),
    ({"topP": 0}, "a number above 0 and at most 1, or null as topP"),
    ({"minP": 2}, "a number from 0 to 1, or null as minP"),
    ({"repetitionPenalty": 0}, "a finite number above 0 as repetitionPenalty"),
    ({"repetitionPenalty": 5e-324}, "a repetition penalty that leaves logits finite"),
    ({"seed": 2**53}, "a whole number below 2**53 as seed"),
    ({"stop": [""]}, "strings of at least one character as stop"),
]


def test_settings_out_of_range_are_refused():
    answers = ask([["generate", {"ids": [5, 6], "settings": settings}] for settings, _ in REFUSED], **FILES)
    for (settings, words), answer in zip(REFUSED, answers, strict=True):
        assert words in answer["error"], settings
