"""What tokens say against the tokenizer's own decoder, for tokenizers of many kinds."""

import pytest
from families import build
from families import tokenizer as byte_level
from hypothesis import given
from hypothesis import strategies as st
from properties import ANY_MACHINE
from token_kinds import KINDS, MORE, TEXT, VOCAB, byte_fallback, numbered, small_model, wrapped
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

import gptviz
from gptviz.errors import GPTVizError
from gptviz.text.decoding import Decoding
from gptviz.text.growing import kept

ALL = KINDS | MORE
TOKENIZERS = {name: make() for name, make in ALL.items()}


WRAPPED = [name for name in ALL if name != "canine"]  # its marks have ids above 57,000
WITH_IDS_OF_NO_TOKEN = [name for name in WRAPPED if len(TOKENIZERS[name]) < VOCAB]


@pytest.fixture(scope="module")
def model():
    return small_model()


@pytest.fixture(scope="module", params=WRAPPED)
def gpt(request, model):
    return gptviz.wrap(model, TOKENIZERS[request.param])


def chips(tokens):
    """Returns the text of tokens put together, as a page shows it."""
    return b"".join(token.bytes for token in tokens if not token.special).decode("utf-8", errors="replace")


def test_the_text_of_ids_is_the_decoders_and_the_chips_are_the_text(gpt):
    ids = gpt.encode(TEXT)
    expected = gpt.tokenizer.decode(ids, skip_special_tokens=True)
    assert expected.strip() == TEXT
    assert gpt.decode(ids) == expected
    assert chips(gpt.trace(TEXT).tokens) == expected
    assert gpt.trace(ids).text == gpt.complete(ids, max_tokens=1, seed=0).prompt == expected


@pytest.mark.parametrize("name", ALL)
@given(data=st.data())
@ANY_MACHINE
def test_any_ids_are_decoded_as_by_the_tokenizer(name, data):
    tokenizer = TOKENIZERS[name]
    decoding = Decoding(tokenizer)
    size = min(len(tokenizer), 300)
    ids = data.draw(st.lists(st.integers(0, size - 1), max_size=40))
    expected = tokenizer.decode(ids, skip_special_tokens=True)
    tokens = decoding.tokens(ids)
    assert decoding.decode(ids) == expected and [token.id for token in tokens] == ids
    if "\ufffd" not in expected:
        assert chips(tokens) == expected
    growing = decoding.growing(ids[:3])
    for id in ids[3:]:
        growing.add(id)
    assert growing.added == decoding.added(ids[:3], ids[3:])


def test_a_piece_says_what_it_adds():
    texts = {
        name: [
            token.text for token in Decoding(TOKENIZERS[name]).tokens(TOKENIZERS[name]("the owl playing")["input_ids"])
        ]
        for name in ("byte_fallback", "unigram", "wordpiece", "wordlevel", "word_ends", "word_continues")
    }
    assert texts == {
        "byte_fallback": ["the", " owl", " ", "p", "l", "a", "y", "ing"],
        "unigram": ["the", " owl", " ", "p", "l", "a", "y", "ing"],
        "wordpiece": ["the", " owl", " play", "ing"],
        "wordlevel": ["the", " owl", " playing"],
        "word_ends": ["the", " owl", " p", "l", "a", "y", "ing"],
        "word_continues": ["the", " owl", " play", "ing"],
    }


def test_a_token_of_no_text_says_what_it_adds_after_a_word():
    for name, piece, text in [
        ("byte_fallback", "▁owl", " owl"), ("byte_fallback", "<0xF0>", "\\xf0"), ("unigram", "▁the", " the"),
        ("wordpiece", "##ing", "ing"), ("wordpiece", "owl", " owl"), ("word_continues", "play@@", " play"),
        ("word_ends", "owl</w>", " owl"), ("characters", "é", "é"), ("byte_level", "Ġthe", " the"),
    ]:  # fmt: skip
        tokenizer = TOKENIZERS[name]
        assert Decoding(tokenizer).token(tokenizer.convert_tokens_to_ids(piece)).text == text, (name, piece)


@pytest.mark.parametrize(
    ("name", "text", "piece"),
    [
        ("byte_fallback", " owl", "▁owl"), ("unigram", " the", "▁the"), ("byte_level", "the", "the"),
        ("wordpiece", "owl", "owl"), ("wordpiece", " owl", "owl"), ("word_ends", "owl", "owl</w>"),
        ("byte_fallback", " playing", None), ("byte_level", "", None),
    ],
)  # fmt: skip
def test_the_token_of_a_text(name, text, piece):
    tokenizer = TOKENIZERS[name]
    expected = None if piece is None else tokenizer.convert_tokens_to_ids(piece)
    assert Decoding(tokenizer).token_id(text) == expected


@pytest.mark.parametrize("name", ["byte_level", "byte_fallback", "byt5", "other_marks"])
def test_a_character_of_several_tokens_keeps_its_bytes(name):
    tokenizer = TOKENIZERS[name]
    ids = tokenizer("a 🦉 é", add_special_tokens=False)["input_ids"]
    tokens = Decoding(tokenizer).tokens(ids)
    assert b"".join(token.bytes for token in tokens).decode() == tokenizer.decode(ids) == "a 🦉 é"
    assert [token.bytes for token in tokens if token.text.startswith("\\x")][:4] == [b"\xf0", b"\x9f", b"\xa6", b"\x89"]


def test_a_space_is_lost_at_the_beginning_of_a_whole_text_only(model):
    gpt = gptviz.wrap(model, byte_fallback())
    hello = gpt.encode("the")
    assert gpt.decode(hello) == gpt.trace(hello).text == gpt.complete(hello, max_tokens=1, seed=0).prompt == "the"
    assert gpt.decoding.added(hello, hello) == " the"


def test_added_tokens_are_what_the_decoder_says(model):
    backend = Tokenizer(models.BPE(numbered(["<unk>", "▁", "a", "b", "▁▁"]), [("▁", "▁")], unk_token="<unk>"))
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    backend.add_tokens([AddedToken("▁▁", normalized=False)])
    gpt = gptviz.wrap(model, wrapped(backend))
    ids = gpt.encode("a  b")
    assert gpt.tokenizer.convert_ids_to_tokens(ids) == ["a", "▁▁", "b"]
    assert gpt.decode(ids) == gpt.tokenizer.decode(ids) == "a  b" and gpt.token(4).text == "  "


def test_a_token_that_is_added_later_is_known():
    tokenizer = byte_level()
    gpt = gptviz.wrap(build("llama"), tokenizer)
    tokenizer.add_tokens(["đem"])
    again = gptviz.wrap(build("llama"), tokenizer)
    assert gpt.token(264).text == again.token(264).text == "đem"
    assert gpt.decode([264]) == tokenizer.decode([264], skip_special_tokens=True)


def test_special_tokens_without_a_name_of_their_own_are_special():
    backend = byte_level().backend_tokenizer
    backend.add_special_tokens(["<|head|>", "<|tail|>"])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
    )
    gpt = gptviz.wrap(build("llama"), tokenizer)
    ids = gpt.encode("<|head|>a<|tail|>")
    assert [token.special for token in gpt.tokens(ids)] == [True, False, True]
    assert gpt.decode(ids) == tokenizer.decode(ids, skip_special_tokens=True) == "a"
    assert gpt.token(264).special and gpt.token(264).text == "<|head|>"
    from gptviz.lens.roles import _start_and_random_ids

    drawn = set().union(*(_start_and_random_ids(gpt, seed, 40)[1] for seed in range(30)))
    assert not {264, 265} & drawn


@pytest.mark.parametrize("gpt", WITH_IDS_OF_NO_TOKEN, indirect=True)
def test_ids_of_no_token_say_nothing(gpt):
    last = gpt.vocab_size - 1
    assert last >= len(gpt.tokenizer)
    says = " <unk>" if "CTRL" in type(gpt.tokenizer).__name__ else ""  # which CTRL's tokenizer says for such ids
    assert gpt.token(last).text == says and gpt.decode([last]) == says.strip()
    ids = gpt.encode("the")
    assert gpt.decode([*ids, last]) == gpt.decode(ids) + says


def test_how_much_of_a_text_is_kept():
    assert [kept(before, whole) for before, whole in [
        ("", "abc"), ("ab", "abc"), ("play@@", "playing"), ("I '", "I'm"), ("a\ufffd", "aé"), ("abc", "ab"), ("x", ""),
    ]] == [0, 2, 4, 2, 1, 2, 0]  # fmt: skip


HOSTILE = {
    "long": "the owl " * 12_500,
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "scripts": "the Ω中文עברית हिन्दी 👩‍🚀 ﷽ Z̷͎a̸l̷g̶o̶",
    "right_to_left": "\u202ethe\u202c עברית \u2066owl\u2069",
    "marks": "<s></s><unk><pad>[UNK][SEP][CLS]<|endoftext|><0xF0>▁@@</w>##",
    "spaces": " \t\n\r\u00a0\u3000\u200b\ufeff ",
    "replacement": "a\ufffdb",
    "surrogates": "the \ud83d owl",
    "nothing": "",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_ends_in_an_error_that_is_not_gptvizs_own(gpt, text):
    try:
        trace = gpt.trace(text, truncate="left")
        gpt.complete(text, truncate="left", max_tokens=2, seed=0, stop=[text, "\ud83d"])
    except GPTVizError:
        return
    ids = [token.id for token in trace.tokens]
    expected = gpt.tokenizer.decode(ids, skip_special_tokens=True)
    assert gpt.decode(ids) == expected
    assert "\ufffd" in expected or chips(trace.tokens) == expected
    box = gptviz.PromptBox(text[:50], gpt=gpt)
    assert box.run(box.prompt) is box.trace


def test_a_text_that_the_tokenizer_cannot_read_is_refused(model):
    tokenizer = wrapped(Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="?")), unk_token=None)
    with pytest.raises(GPTVizError, match="can read"):
        gptviz.wrap(model, tokenizer).encode("c")


def test_a_decoder_that_panics_at_a_token_leaves_it_out(model):
    """A panic of its Rust code is no Exception in Python."""
    backend = Tokenizer(models.WordLevel(numbered(["_", "owl", "the"]), unk_token="the"))
    backend.decoder = decoders.Strip("_", 2, 2)
    tokenizer = wrapped(backend, unk_token="the")
    with pytest.raises(BaseException, match="out of bounds") as panic:
        tokenizer.decode([0])
    assert not isinstance(panic.value, Exception)
    gpt = gptviz.wrap(model, tokenizer)
    assert gpt.decode([0]) == ""
    assert chips(gpt.trace([1, 2]).tokens) == gpt.decode([1, 2])
    assert gpt.token(0).text == ""
    assert gpt.complete([1, 0], max_tokens=3, seed=1).usage.completion_tokens == 3


def test_an_interrupt_while_decoding_passes_through(monkeypatch):
    tokenizer = TOKENIZERS["byte_level"]

    def interrupted(*_args, **_keywords):
        raise KeyboardInterrupt

    monkeypatch.setattr(tokenizer, "decode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Decoding(tokenizer).decode([72])
