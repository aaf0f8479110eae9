"""The merges of a word against a table worked by hand, and against the tokenizer's own tokens in several texts."""

import pytest
from families import build
from families import tokenizer as family_tokenizer
from token_kinds import word_ends
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

import gptviz
from gptviz._paths import assets_dir
from gptviz.errors import NotAvailable
from gptviz.text.merges import merges_of
from gptviz.text.tokens import Token

TEXTS = ["Once upon a time", "hippopotamus and the 🦉, naïvely", "  two  spaces\nand lines", "don't", "中文"]


def tokens_of(tokenizer, text):
    return tuple(Token(id, "", b"") for id in tokenizer(text)["input_ids"])


def tokenizer_of_five_merges(**options):
    """Returns a tokenizer with the merges l+o, lo+w, e+r, low+er, n+e, best first."""
    vocab = {p: i for i, p in enumerate(["l", "o", "w", "e", "r", "n", "s", "t", "lo", "low", "er", "lower", "ne"])}
    merges = [("l", "o"), ("lo", "w"), ("e", "r"), ("low", "er"), ("n", "e")]
    backend = Tokenizer(models.BPE(vocab=vocab, merges=merges, **options))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def test_a_word_worked_by_hand():
    tokenizer = tokenizer_of_five_merges()
    stages = merges_of(tokenizer, "newt lower", tokens_of(tokenizer, "newt lower"), 3)
    assert [(" ".join(stage.pieces), stage.rank) for stage in stages] == [
        ("l o w e r", None),
        ("lo w e r", 0),
        ("low e r", 1),
        ("low er", 2),
        ("lower", 3),
    ]
    first = merges_of(tokenizer, "newt lower", tokens_of(tokenizer, "newt lower"), 1)
    assert [" ".join(stage.pieces) for stage in first] == ["n e w t", "ne w t"]


def test_a_word_in_the_vocabulary_is_not_merged_with_ignore_merges():
    tokenizer = tokenizer_of_five_merges(ignore_merges=True)
    (stage,) = merges_of(tokenizer, "lower", tokens_of(tokenizer, "lower"), 0)
    assert stage.pieces == ("lower",)


@pytest.mark.parametrize("text", TEXTS)
def test_merges_lead_to_the_tokenizers_own_tokens(text):
    tokenizer = AutoTokenizer.from_pretrained(assets_dir() / "tales")
    tokens = tokens_of(tokenizer, text)
    pieces = tokenizer.convert_ids_to_tokens([token.id for token in tokens])
    for position in range(1, len(tokens)):
        last = merges_of(tokenizer, text, tokens, position)[-1].pieces
        assert pieces[position] in last
        assert "".join(last) in "".join(pieces)


def test_tokens_without_merges_are_refused():
    tokenizer = AutoTokenizer.from_pretrained(assets_dir() / "tales")
    tokens = tokens_of(tokenizer, "Once upon")
    with pytest.raises(NotAvailable, match="mark"):
        merges_of(tokenizer, "Once upon", tokens, 0)
    with pytest.raises(NotAvailable, match="given as ids"):
        merges_of(tokenizer, "Once upon", tokens[1:], 1)
    other = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.Unigram([("a", -1.0), ("b", -2.0)])))
    with pytest.raises(NotAvailable, match="Unigram"):
        merges_of(other, "ab", tokens_of(other, "ab"), 0)


def test_a_trace_gives_the_merges_of_each_token():
    gpt = gptviz.wrap(build("gpt2"), family_tokenizer())
    trace = gpt.trace("the owl")
    assert trace.merges(-1)[-1].pieces[-1:] != ()
    assert [len(stage.pieces) for stage in trace.merges(0)] == sorted(
        (len(stage.pieces) for stage in trace.merges(0)), reverse=True
    )


@pytest.mark.parametrize(("word", "stages"), [("té", [["t", "é"], ["té"]]), ("ğa", [["ğ", "a"], ["ğa"]])])
def test_pieces_of_characters_are_shown_as_those_characters(word, stages):
    """Both characters are also used by byte-level tokenizers, to write a byte."""
    pieces = {"<unk>": 0, "é": 1, "t": 2, "ğ": 3, "a": 4, "té": 5, "ğa": 6}
    backend = Tokenizer(models.BPE(pieces, [("t", "é"), ("ğ", "a")], unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="<unk>", clean_up_tokenization_spaces=False)
    trace = gptviz.wrap(build("llama"), tokenizer).trace(word)
    shown = [[piece["text"] for piece in stage["pieces"]] for stage in gptviz.TokensView(trace)._answer_merges(0)]
    assert shown == stages == [list(stage.pieces) for stage in trace.merges(0)]


def test_pieces_of_bytes_are_shown_as_characters_or_bytes():
    trace = gptviz.wrap(build("gpt2"), family_tokenizer()).trace("é the")
    assert [stage.raw for stage in trace.merges(0)] == [(b"\xc3", b"\xa9")]
    assert [stage.raw for stage in trace.merges(2)] == [(b" ", b"t", b"h", b"e"), (b" ", b"th", b"e"), (b" ", b"the")]


def test_a_word_whose_end_is_written():
    tokenizer = word_ends()
    stages = merges_of(tokenizer, "an owl", tokens_of(tokenizer, "an owl"), 2)
    assert [(stage.pieces, stage.rank) for stage in stages] == [
        (("o", "w", "l</w>"), None), (("ow", "l</w>"), 2), (("owl</w>",), 3)
    ]  # fmt: skip
    assert stages[0].raw == (b"o", b"w", b"l") and stages[2].raw == (b"owl",)
