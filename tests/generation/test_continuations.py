"""The text of a completion, and where a stop string ends it, against transformers' own `generate`."""

import pytest
import torch
from families import build
from families import tokenizer as byte_level
from hypothesis import given
from hypothesis import strategies as st
from properties import ANY_MACHINE
from token_kinds import KINDS, TEXT, Says, byte_fallback, small_model, tidied, wordpiece

import gptviz
from gptviz.text.growing import GrowingText, text_after

PROMPT = "the old"
STOPS = ["old", "wl pl", "ing", "l", "wl playing the", "ing the old"]
# Transformers takes pieces for what they are after a whole word, so in the middle of one it does not see these.
UNSEEN = {("word_ends", "wl pl"), ("word_ends", "wl playing the"), ("word_continues", "wl playing the")}


class Talker:
    """A model with a tokenizer of one kind, that says what it is told to."""

    def __init__(self, tokenizer):
        self.model = small_model()
        self.gpt = gptviz.wrap(self.model, tokenizer)
        self.gpt.end_ids = ()
        self.says = Says(self.model, [0])

    def complete(self, ids, prompt=PROMPT, **settings):
        self.says.ids = list(ids)
        self.says.again()
        return self.gpt.complete(prompt, **{"max_tokens": len(ids), "temperature": 0} | settings).choices[0]

    def generate(self, ids, stop):
        """Returns the ids that transformers generates after the prompt, and their text there."""
        self.says.ids = list(ids)
        self.says.again()
        tokenizer, prompt = self.gpt.tokenizer, self.gpt.encode(PROMPT)
        whole = self.model.generate(
            torch.tensor([prompt]), max_new_tokens=len(ids), do_sample=False, stop_strings=[stop], tokenizer=tokenizer,
            eos_token_id=None, pad_token_id=0,
        )[0].tolist()  # fmt: skip
        text = tokenizer.decode(whole, skip_special_tokens=True)
        return whole[len(prompt) :], text[len(tokenizer.decode(prompt, skip_special_tokens=True)) :]


TALKERS = {name: Talker(make()) for name, make in KINDS.items()}


@pytest.fixture(params=KINDS)
def talker(request):
    return TALKERS[request.param]


@pytest.mark.parametrize(
    ("name", "stop"), [(name, stop) for name in KINDS for stop in STOPS if (name, stop) not in UNSEEN]
)
def test_a_text_and_its_end_are_those_of_generate(name, stop):
    talker = TALKERS[name]
    ids = talker.gpt.encode(TEXT)[1:]
    expected_ids, expected_text = talker.generate(ids, stop)
    choice = talker.complete(ids, stop=stop)
    assert list(choice.token_ids) == expected_ids and stop in expected_text
    assert (choice.text, choice.finish_reason) == (expected_text[: expected_text.index(stop)], "stop")
    assert "".join(step.text for step in choice.steps) == choice.text


@pytest.mark.parametrize(("name", "stop"), sorted(UNSEEN))
def test_a_text_ends_where_its_decoded_text_has_the_stop_string(name, stop):
    talker = TALKERS[name]
    ids = talker.gpt.encode(TEXT)[1:]
    choice = talker.complete(ids, stop=stop)
    texts = [talker.gpt.decoding.added(talker.gpt.encode(PROMPT), ids[:count]) for count in range(len(ids) + 1)]
    count = next(count for count, text in enumerate(texts) if stop in text)
    assert (len(choice.steps), choice.text) == (count, texts[count][: texts[count].index(stop)])


def test_a_text_follows_its_prompt_and_its_tokens_are_the_text(talker):
    ids = talker.gpt.encode(TEXT)
    choice = talker.complete(ids)
    prompt = talker.gpt.encode(PROMPT)
    whole = talker.gpt.tokenizer.decode([*prompt, *ids], skip_special_tokens=True)
    assert talker.gpt.decode(prompt) + choice.text == whole
    assert b"".join(step.token.bytes for step in choice.steps).decode() == choice.text
    logprobs = choice.to_dict()["logprobs"]
    ends = [*logprobs["text_offset"][1:], len(choice.text)]
    pieces = [choice.text[start:end] for start, end in zip(logprobs["text_offset"], ends, strict=True)]
    assert pieces == logprobs["tokens"]


def test_a_text_that_begins_with_its_stop_string_is_empty(talker):
    choice = talker.complete(talker.gpt.encode("the owl playing"), prompt="a", stop="the owl")
    assert (choice.text.strip(), choice.finish_reason) == ("", "stop")
    assert "".join(step.text for step in choice.steps) == choice.text


def test_a_space_that_only_joins_is_no_text():
    talker = Talker(wordpiece())
    choice = talker.complete(talker.gpt.encode("the owl playing"), prompt="a", stop="the owl")
    assert (len(choice.steps), choice.text, choice.finish_reason) == (2, "", "stop")
    assert talker.complete(talker.gpt.encode("the owl playing"), prompt="a", stop="owl").text == " the "


@pytest.mark.parametrize(
    ("stop", "said", "text"),
    [
        ("<|im_end|>", ["<|im_end|>"], ""),
        ("x<|im_end|>", ["x", "<|im_end|>"], ""),
        ("x<|im_end|>", ["y", "x", "x", "<|im_end|>"], "yx"),
        ("<|im_end|>y", ["x", "<|im_end|>", "y"], "x"),
        ("<|im_end|><|im_end|>", ["x", "<|im_end|>", "<|im_end|>"], "x"),
        ("xy", ["x", "<|im_end|>", "y"], ""),
        ("x</s>", ["z", "x", "</s>"], "z"),
    ],
)
def test_a_stop_string_may_be_or_contain_special_tokens(stop, said, text):
    tokenizer = byte_level()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    talker = Talker(tokenizer)
    choice = talker.complete([*tokenizer.convert_tokens_to_ids(said), 65, 66], stop=["never in it", stop])
    assert (len(choice.steps), choice.finish_reason, choice.text) == (len(said), "stop", text)
    assert "".join(step.text for step in choice.steps) == text


def test_a_stop_string_may_be_written_as_the_decoder_writes_special_tokens():
    tokenizer = wordpiece(sep_token="[SEP]")
    talker = Talker(tokenizer)
    ids = tokenizer.convert_tokens_to_ids(["owl", "the", "[SEP]", "owl"])
    for stop in ("the [SEP]", "the[SEP]"):
        choice = talker.complete(ids, stop=stop)
        found = stop in tokenizer.decode(ids)
        assert (len(choice.steps), choice.text) == ((3, " owl ") if found else (4, " owl the owl"))


def test_text_that_the_decoder_changes_later_is_held_back():
    talker = Talker(KINDS["word_continues"]())
    steps = talker.complete(talker.gpt.encode("playing")).steps
    assert [step.text for step in steps] == [" play", "ing"]
    tidy = Talker(tidied())
    choice = tidy.complete(tidy.gpt.tokenizer.convert_tokens_to_ids(["owl", "'", "m", "."]))
    assert choice.text == tidy.gpt.decode([*tidy.gpt.encode(PROMPT), *choice.token_ids])[len(PROMPT) :]


def test_half_a_character_is_held_back():
    talker = Talker(byte_fallback())
    choice = talker.complete(talker.gpt.tokenizer("x🦉x", add_special_tokens=False)["input_ids"])
    assert choice.text.strip() == "x🦉x" and not any("\ufffd" in step.text for step in choice.steps)


@given(
    name=st.sampled_from(list(KINDS)),
    places=st.lists(st.integers(0, 300), min_size=1, max_size=40),
    stops=st.lists(st.text("the owl\ufffdé", min_size=1, max_size=4), max_size=3),
)
@ANY_MACHINE
def test_a_completion_ends_at_the_first_step_whose_text_has_a_stop_string(name, places, stops):
    """Of tokens that have a text. A stop string may also be found in the names of special tokens: see the tests above."""
    talker = TALKERS[name]
    tokenizer, prompt = talker.gpt.tokenizer, talker.gpt.encode(PROMPT)
    ids = sorted(set(range(len(tokenizer))) - set(tokenizer.all_special_ids))
    choice = talker.complete([ids[place % len(ids)] for place in places], stop=stops)
    decoded = [
        tokenizer.decode([*prompt, *choice.token_ids[:n]], skip_special_tokens=True) for n in range(len(places) + 1)
    ]
    texts = [text_after(decoded[0], text) for text in decoded[: len(choice.steps) + 1]]
    stopped = [any(stop in text for stop in stops) for text in texts]
    assert not any(stopped[:-1]) and (choice.finish_reason == "stop") == stopped[-1]
    assert texts[-1].startswith(choice.text) and not any(stop in choice.text for stop in stops)
    assert stopped[-1] or choice.text == texts[-1]


def test_a_growing_text_is_exact_over_many_windows():
    tokenizer = KINDS["byte_fallback"]()
    decode = gptviz.text.decoding.Decoding(tokenizer).decode
    ids = tokenizer("the owl 中文 playing 🦉 the old owl. " * 12, add_special_tokens=False)["input_ids"]
    decoded = []
    growing = GrowingText(lambda some: decoded.append(len(some)) or decode(some), ids[:5])
    before = decode(ids[:5])
    for count, id in enumerate(ids[5:], 6):
        growing.add(id)
        assert growing.added == text_after(before, decode(ids[:count]))
    assert len(ids) > 300 and sum(decoded) < len(ids) ** 2 / 6


# What is told of a completion


def test_offsets_and_alternatives_of_a_reply():
    model = build("llama")
    gpt = gptviz.wrap(model, byte_level())
    rows = torch.zeros(269)
    rows[264:269] = torch.tensor([30.0, 29.0, 28.0, 27.0, 26.0])  # ids of no token, whose text is the same
    handle = model.lm_head.register_forward_hook(lambda _module, _args, logits: logits + rows)
    (logprobs,) = (choice.to_dict()["logprobs"] for choice in gpt.complete("a", max_tokens=1, temperature=0).choices)
    assert logprobs["top_logprobs"][0][""] == logprobs["token_logprobs"][0] > -1
    handle.remove()
    Says(model, [87, 256, 88])
    reply = gpt.complete("a", max_tokens=3, temperature=0).to_dict()["choices"][0]
    assert (reply["text"], reply["logprobs"]["tokens"]) == ("xy", ["x", "<s>", "y"])
    assert reply["logprobs"]["text_offset"] == [0, 1, 1]


@given(ids=st.lists(st.integers(0, 263), min_size=1, max_size=30), stop=st.text("the owl", min_size=1, max_size=2))
@ANY_MACHINE
def test_offsets_never_fall_and_never_pass_the_text(ids, stop):
    choice = BYTES.complete(ids, prompt="the", stop=stop).to_dict()
    offsets = choice["logprobs"]["text_offset"]
    assert offsets == sorted(offsets) and offsets[0] == 0 and offsets[-1] <= len(choice["text"])


# Interrupts, and ends of text that are named later


def test_an_interrupted_completion_has_the_text_of_its_steps(monkeypatch):
    gpt = gptviz.wrap(build("llama"), byte_level())
    gpt.end_ids = ()
    place = type(gpt.decoding.after([]))
    add = place.add
    for moment in range(1, 60):
        calls = []

        def interrupted(self, id, position=-1, calls=calls, moment=moment):
            calls.append(id)
            if len(calls) == moment:
                raise KeyboardInterrupt
            return add(self, id, position)

        monkeypatch.setattr(place, "add", interrupted)
        completion = gpt.complete("the owl", max_tokens=2, n=3, seed=1)
        monkeypatch.undo()
        for choice in completion.choices:
            assert choice.text == gpt.decoding.added(gpt.encode("the owl"), choice.token_ids)
            assert (choice.finish_reason == "length") == (len(choice.steps) == 2)


def test_an_end_of_text_that_is_named_after_wrapping_ends_a_text():
    model = build("llama")
    gpt = gptviz.wrap(model, byte_level())
    Says(model, [5])
    assert gpt.complete("a", max_tokens=4, temperature=0).choices[0].token_ids == (5, 5, 5, 5)
    model.generation_config.eos_token_id = 5
    assert gpt.complete("a", max_tokens=4, temperature=0).choices[0].token_ids == (5,)


BYTES = TALKERS["byte_level"]
