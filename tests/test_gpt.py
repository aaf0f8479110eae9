"""The GPT object: prompts, tokens, the numbers of its traces, and what it refuses."""

import copy
import threading

import numpy as np
import pytest
import torch
import transformers
from close import approx_float32, assert_close, assert_softmax_close, rounding
from families import build, tokenizer

import gptviz
from gptviz.errors import GPTVizError, ModelChanged, NotAvailable, OutOfRange, WrongType


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(build("gpt2"), tokenizer())


@pytest.fixture(scope="module")
def trace(gpt):
    return gpt.trace("Ada met Bob.")


@pytest.mark.parametrize(
    "text", ["plain words", "naïve café", "emoji 🦊!", "数字", "tab\tand\nline", "\u202eright to left"]
)
def test_the_bytes_of_the_tokens_are_the_bytes_of_the_text(gpt, text):
    tokens = gpt.trace(text).tokens
    assert b"".join(t.bytes for t in tokens if not t.special) == text.encode()
    assert [t.position for t in tokens] == list(range(len(tokens)))
    assert "\ufffd" not in "".join(t.text for t in tokens)


def test_a_byte_that_is_part_of_a_character_is_written_as_a_byte(gpt):
    pieces = [t.text for t in gpt.trace("é").tokens if not t.special]
    assert pieces == ["\\xc3", "\\xa9"]


def test_text_ids_and_tensors_give_the_same_trace(gpt):
    ids = gpt.encode("Ada met Bob.")
    expected = gpt.trace("Ada met Bob.").logits
    for prompt in (ids, tuple(ids), np.array(ids), torch.tensor(ids)):
        np.testing.assert_array_equal(gpt.trace(prompt).logits, expected)


def test_special_tokens_are_the_tokenizers_default_unless_overridden():
    gpt = gptviz.wrap(build("gpt2"), tokenizer(start=True))
    with_start, without = gpt.trace("Ada").tokens, gpt.trace("Ada", add_special_tokens=False).tokens
    assert with_start[0].special and with_start[1:] != () and len(without) == len(with_start) - 1
    assert len(gpt.trace("").tokens) == 1  # the start token alone is a prompt


def test_truncate_left_keeps_the_end_and_the_start_token():
    gpt = gptviz.wrap(build("gpt2"), tokenizer(start=True))
    text = "".join(chr(97 + i % 26) for i in range(gpt.context_length + 5))
    ids = gpt.encode(text, truncate="left")
    assert len(ids) == gpt.context_length
    assert gpt.token(ids[0]).special and gpt.decode(ids) == text[-(gpt.context_length - 1) :]


BAD_PROMPTS = {
    "empty": ("", GPTVizError, "no start token"),
    "no ids": ([], GPTVizError, "at least one token"),
    "number": (3, WrongType, "int"),
    "none": (None, WrongType, "NoneType"),
    "bytes": (b"abc", WrongType, "bytes"),
    "words": (["a", "b"], WrongType, "'a'"),
    "bools": ([True, False], WrongType, "True"),
    "batch": (torch.zeros(2, 3, dtype=torch.long), WrongType, "(2, 3)"),
    "floats": (torch.zeros(3), WrongType, "float32"),
    "outside": ([1, 2, 10**6], OutOfRange, "1000000"),
    "negative": ([1, -2], OutOfRange, "-2"),
    "surrogate": ("a\ud800", GPTVizError, "surrogate"),
}


@pytest.mark.parametrize("name", BAD_PROMPTS)
def test_a_bad_prompt_is_refused_in_three_parts_and_changes_nothing(gpt, name):
    prompt, kind, part = BAD_PROMPTS[name]
    before = gpt.trace("Ada").logits
    with pytest.raises(kind) as caught:
        gpt.trace(prompt)
    message = str(caught.value)
    assert message.startswith("Expected ") and " Got " in message and part in message and caught.value.remedy
    np.testing.assert_array_equal(gpt.trace("Ada").logits, before)


def test_a_prompt_longer_than_the_context_is_refused_with_both_lengths(gpt):
    with pytest.raises(GPTVizError, match=rf"{gpt.context_length}.*{gpt.context_length + 3}.*truncate=\"left\""):
        gpt.trace("x" * (gpt.context_length + 3))
    with pytest.raises(GPTVizError, match="truncate"):
        gpt.trace("x", truncate="right")
    assert len(gpt.trace("x" * (gpt.context_length + 3), truncate="left").tokens) == gpt.context_length


@pytest.mark.parametrize(
    ("call", "kind", "part"),
    [
        (lambda t: t.attention(99), OutOfRange, "99"),
        (lambda t: t.attention(-1), OutOfRange, "-1"),
        (lambda t: t.attention(0, 99), OutOfRange, "99"),
        (lambda t: t.attention(0, 1.5), WrongType, "1.5"),
        (lambda t: t.attention(True), WrongType, "True"),
        (lambda t: t.attention(head=1), WrongType, "head=1"),
        (lambda t: t.residual(t.n_layers + 1), OutOfRange, f"{0} to"),
        (lambda t: t.head_output(0, 77), OutOfRange, "77"),
        (lambda t: t.scores(0, 0, "softmax"), GPTVizError, "raw, scaled, masked"),
        (lambda t: t.embedding("both"), GPTVizError, "sum, token, position"),
        (lambda t: t.probabilities(500), OutOfRange, "500"),
        (lambda t: t.top(0), GPTVizError, "at least 1"),
        (lambda t: t.vocab_token(10**7), OutOfRange, "10000000"),
    ],
)
def test_a_quantity_that_does_not_exist_is_refused(trace, call, kind, part):
    with pytest.raises(kind) as caught:
        call(trace)
    assert part in str(caught.value) and "Expected" in str(caught.value)


def test_arrays_are_read_only_float32_and_probabilities_sum_to_one(trace):
    arrays = [
        trace.logits,
        trace.attention(),
        trace.attention(1, 2),
        trace.residual(0),
        trace.q(0),
        trace.probabilities(),
    ]
    assert all(a.dtype == np.float32 for a in arrays)
    with pytest.raises(ValueError, match="read-only"):
        trace.logits[0, 0] = 1.0
    assert trace.probabilities().sum() == approx_float32(1)
    logits = trace.logits[-1].astype(np.float64)
    softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    assert_softmax_close(trace.probabilities(-1), softmax, logits)
    top = trace.top(5)
    assert [t.id for t, _ in top] == list(np.argsort(-logits, kind="stable")[:5])
    assert all(p == pytest.approx(softmax[t.id], rel=rounding(logits)) for t, p in top)


def test_a_trace_of_a_changed_model_keeps_only_what_it_holds():
    model = build("gpt2")
    gpt = gptviz.wrap(model, tokenizer())
    trace = gpt.trace("Ada met Bob.")
    logits = trace.logits.copy()
    with torch.no_grad():
        model.transformer.h[1].mlp.c_fc.weight.add_(0.5)
    for ask in (
        lambda: trace.mlp_out(0),
        lambda: trace.head_output(0, 0),
        lambda: trace.attention(0, 0),
        trace.logit_lens,
    ):
        with pytest.raises(ModelChanged, match="the model has changed since: trace again"):
            ask()
    np.testing.assert_array_equal(trace.logits, logits)
    assert gpt.trace("Ada met Bob.").attention(0, 0).shape == (12, 12)


def test_a_replaced_parameter_is_a_change():
    model = build("llama")
    trace = gptviz.wrap(model, tokenizer()).trace("Ada")
    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())
    with pytest.raises(ModelChanged):
        trace.logit_lens()


def test_only_a_causal_model_and_a_tokenizer_can_be_wrapped():
    model = build("gpt2")
    encoder = transformers.BertModel(
        transformers.BertConfig(
            vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8
        )
    )
    for arguments in [
        ("gpt2", tokenizer()),
        (torch.nn.Linear(2, 2), tokenizer()),
        (encoder, tokenizer()),
        (model, "gpt2"),
    ]:
        with pytest.raises(WrongType, match="Expected"):
            gptviz.wrap(*arguments)


def test_two_wraps_of_one_model_share_its_lock(gpt):
    from gptviz.model.capture import lock_of

    other = gptviz.wrap(gpt.model, gpt.tokenizer)
    assert lock_of(other.model) is lock_of(gpt.model)
    assert lock_of(copy.deepcopy(gpt.model)) is not lock_of(gpt.model)


def test_every_end_of_text_id_is_known():
    model = build("llama")
    model.config.eos_token_id, model.generation_config.eos_token_id = 5, [7, 9]
    assert gptviz.wrap(model, tokenizer()).end_ids >= {5, 7, 9}


def test_what_a_family_does_not_have_is_refused_with_the_reason():
    rotary = gptviz.wrap(build("llama"), tokenizer()).trace("Ada")
    with pytest.raises(NotAvailable, match="rotating queries and keys"):
        rotary.embedding("position")
    eager = gptviz.wrap(build("gpt_neo"), tokenizer()).trace("Ada")
    assert eager.route == "eager"
    for ask in (lambda: eager.q(0), lambda: eager.k(0), lambda: eager.v(0), lambda: eager.scores(0, 0)):
        with pytest.raises(NotAvailable, match="eager route"):
            ask()


def test_a_step_of_a_fused_optimizer_is_a_change():
    """Training loops often use one, and it does not raise the version of its parameters."""
    model = build("llama").requires_grad_(True)
    gpt = gptviz.wrap(model, tokenizer())
    trace, ids = gpt.trace("Ada met Bob."), torch.tensor([gpt.encode("Ada met Bob.")])
    model(ids, labels=ids).loss.backward()
    torch.optim.AdamW(model.parameters(), lr=0.1, fused=True).step()
    with pytest.raises(ModelChanged):
        trace.logit_lens()
    gpt.trace("Ada met Bob.").logit_lens()


def test_a_users_own_pass_in_another_thread_leaves_traces_alone():
    model = build("llama")
    gpt, stop = gptviz.wrap(model, tokenizer()), threading.Event()
    prompts = [np.random.default_rng(i).integers(0, 250, 11).tolist() for i in range(40)]
    alone = [gpt.trace(ids).attn_out(1) for ids in prompts]

    def own_passes():
        with torch.no_grad():
            while not stop.is_set():
                model(torch.tensor([prompts[0]]))

    beside = threading.Thread(target=own_passes)
    beside.start()
    try:
        for ids, expected in zip(prompts, alone, strict=True):
            assert_close(gpt.trace(ids).attn_out(1), expected, factor=8)
    finally:
        stop.set()
        beside.join()


def test_masked_scores_are_minus_infinity_in_half_precision():
    gpt = gptviz.wrap(build("gemma2", dtype=torch.float16), tokenizer())
    masked = gpt.trace("Ada met").scores(0, 1, "masked")
    assert np.isneginf(masked[np.triu_indices(len(masked), 1)]).all()
    assert np.isfinite(np.diag(masked)).all()


def test_the_context_length_is_found_under_another_name():
    gpt = gptviz.wrap(build("mpt"), tokenizer())
    assert gpt.context_length == 64
    with pytest.raises(GPTVizError, match=r"at most 64 tokens.*Got 65 tokens"):
        gpt.trace([1] * 65)


def test_truncation_leaves_room_for_what_follows(gpt):
    whole = gpt.encode("a" * 65, truncate="left")
    assert len(whole) == 64
    assert len(gpt.encode("a" * 65, truncate="left", room=5)) == 59
    assert len(gpt.complete("a" * 65, truncate="left", max_tokens=5, seed=0).choices[0].steps) > 0
    trace = gpt.trace("b" + "a" * 80, truncate="left")
    assert trace.text == "a" * len(trace.tokens)
    assert len(gpt.encode([256] * 70 + [5], truncate="left")) == 64


@pytest.mark.parametrize(
    "wrong",
    [
        lambda g: g.trace("ab", foo=1),
        lambda g: g.trace("ab", add_special_tokens="yes"),
        lambda g: g.trace("ab", add_special_tokens=1),
        lambda g: g.trace(torch.tensor([1.0, 2.0], dtype=torch.bfloat16)),
        lambda g: g.trace(torch.tensor([1, 2], device="meta")),
        lambda g: g.complete("ab", cancel=True),
        lambda g: g.complete("ab", repetition_penalty=1e-310, seed=0),
        lambda g: g.complete("ab", temperature=10**400),
        lambda g: g.trace("ab").scores(0, 0, ["raw"]),
        lambda g: g.trace("ab").top("x"),
        lambda g: g.token("a"),
        lambda g: g.token(True),
        lambda g: g.decode("abc"),
        lambda g: gptviz.load(dtype=[]),
        lambda g: gptviz.load(device="meta"),
        lambda g: gptviz.load(device="xpu"),
    ],
)
def test_impossible_calls_are_refused_and_change_nothing(gpt, wrong):
    before = gpt.trace("Ada met").logits
    with pytest.raises(GPTVizError, match=r"Expected .*\. Got .*\. .*"):
        wrong(gpt)
    np.testing.assert_array_equal(gpt.trace("Ada met").logits, before)


def test_a_step_of_a_completion_can_be_looked_at_again(gpt):
    completion = gpt.complete("Ada met Bob.", max_tokens=6, n=2, temperature=1.3, seed=4)
    step = completion.choices[1].steps[3]
    again = gpt.next_token(completion, 3, choice=1)
    assert [token.id for token in again.before][-3:] == list(completion.choices[1].token_ids[:3])
    shares = gptviz.sampling.distribution(again.logits).probabilities
    bound = rounding(gpt.trace("Ada met Bob.").residual(3))
    assert shares[step.token.id] == pytest.approx(step.probability, rel=bound)
    with pytest.raises(OutOfRange, match="a step from 0 to"):
        gpt.next_token(completion, 6)


def test_traces_and_completions_of_a_long_text_have_a_short_repr():
    gpt = gptviz.wrap(build("llama", context=2_000), tokenizer())
    text = "the owl " * 150
    assert len(repr(gpt.trace(text))) < 250
    assert len(repr(gpt.complete(text, max_tokens=300, n=12, seed=1, temperature=2.0))) < 4_000
    assert "and 2 more" in repr(gpt.complete("the owl", max_tokens=1, n=12, seed=1))
