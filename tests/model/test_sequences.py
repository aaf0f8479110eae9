"""Traces of encoder-decoders, tiny and random, equal transformers' own eager attention in all three stacks.

The truth is transformers itself (`tests/support/sequences.py`) and, for BART, a forward pass in NumPy float64.
"""

import copy

import numpy as np
import pytest
import torch
import transformers
from bart_numpy import BartInNumpy
from close import assert_close, assert_float32_close, assert_float32_softmax_close, assert_softmax_close
from families import END, START, VOCAB, build, tokenizer
from family_truth import is_refused
from model_state import assert_same, state
from sequences import (
    ENCODER_LAYERS,
    HEADS,
    LAYERS,
    RATE,
    SEQUENCES,
    SOUND,
    SOURCE,
    TARGET,
    WIDTH,
    encoder_heads,
    model_of,
    source_length,
    source_of,
    trace_of,
    traced,
    truth_of,
)
from tokenizers.processors import TemplateProcessing

import gptviz
from gptviz.errors import GPTVizError, ModelChanged, NotAvailable, OutOfRange, WrongType
from gptviz.lens.shares import attribution

T = len(TARGET)
STACKS = ("encoder", "decoder", "cross")
PRE_NORM = [name for name, sequence in SEQUENCES.items() if sequence.pre_norm]
POST_NORM = [name for name, sequence in SEQUENCES.items() if not sequence.pre_norm]
T5 = [name for name in SEQUENCES if "t5" in name]
UNSCALED = [*T5, "whisper"]  # T5 does not divide its scores; Whisper divides its queries before

every = pytest.mark.parametrize("name", SEQUENCES)
pre_norm = pytest.mark.parametrize("name", PRE_NORM)
by_stack = pytest.mark.parametrize("stack", STACKS)


def scores_of(name, stack):
    """Returns the scores of a stack, whose size decides how near two maps can be."""
    trace = trace_of(name)
    places = [(i, h) for i in range(trace.layers_in(stack)) for h in range(trace.heads_in(i, stack=stack))]
    return np.stack([list(trace.score_stages(*place, stack=stack).values())[1] for place in places])


@every
def test_shapes_are_those_of_source_and_target(name):
    trace, s = trace_of(name), source_length(name)
    assert trace.stacks == STACKS and trace.route == "interface"
    assert (trace.n_layers, trace.n_heads, trace.d_model) == (LAYERS, HEADS, WIDTH)
    assert (trace.layers_in("encoder"), trace.layers_in("cross")) == (ENCODER_LAYERS, LAYERS)
    assert trace.heads_in(1, stack="encoder") == encoder_heads(name)
    assert [token.id for token in trace.source_tokens] == ([-1] * s if name == "whisper" else SOURCE)
    assert [token.id for token in trace.tokens] == TARGET
    assert [token.position for token in trace.source_tokens] == list(range(s))
    assert trace.attention(2, 3).shape == (T, T) and trace.attention(2, 3, stack="cross").shape == (T, s)
    assert trace.attention(stack="encoder").shape == (ENCODER_LAYERS, encoder_heads(name), s, s)
    assert trace.q(0, stack="cross").shape[:2] == (HEADS, T)
    assert trace.k(0, stack="cross").shape == trace.v(0, stack="cross").shape == (HEADS, s, trace.d_head)


@every
def test_logits_equal_the_untouched_models(name):
    trace = trace_of(name)
    assert_float32_close(trace.logits, truth_of(name).logits, factor=8)
    assert trace.vocab_size == VOCAB and np.argmax(truth_of(name).logits[-1]) == trace.top(1)[0][0].id


@every
@by_stack
def test_maps_equal_transformers_own_eager_attention(name, stack):
    trace, maps = trace_of(name), truth_of(name).maps[stack]
    assert_float32_softmax_close(trace.attention(stack=stack), maps, scores_of(name, stack))
    assert_float32_softmax_close(trace.attention(1, 2, stack=stack), maps[1, 2], scores_of(name, stack))
    if stack == "decoder":
        np.testing.assert_array_equal(trace.attention(1), trace.attention(1, stack=stack))
        assert not np.triu(trace.attention(1, 2), 1).any()
    else:  # every query may look at the whole source
        assert trace.attention(stack=stack).min() > 0


@every
@by_stack
def test_score_stages_lead_to_the_map(name, stack):
    trace = trace_of(name)
    for layer in range(trace.layers_in(stack)):
        stages = trace.score_stages(layer, 1, stack=stack)
        assert_float32_close(stages["raw"], trace.q(layer, stack=stack)[1] @ trace.k(layer, stack=stack)[1].T)
        last = list(stages.values())[-1].astype(np.float64)
        weights = np.exp(last - last.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        assert_float32_softmax_close(trace.attention(layer, 1, stack=stack), weights, last)
        divided = (
            stages["raw"] if name in UNSCALED else stages["raw"] / np.sqrt(trace.d_head if stack != "encoder" else 8)
        )
        assert_close(stages["scaled"], divided)
        assert ("biased" in stages) == (name in T5) and ("masked" in stages) == (stack == "decoder")


@pytest.mark.parametrize("name", T5)
@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_the_relative_bias_of_t5_is_a_stage(name, stack):
    """Every layer adds the first layer's bias, by how far the key is away; T5 does not divide its scores."""
    trace, length = trace_of(name), len(SOURCE) if stack == "encoder" else T
    first = getattr(model_of(name), stack).block[0].layer[0].SelfAttention
    bias = first.compute_bias(length, length)[0].numpy()
    for layer in range(trace.layers_in(stack)):
        stages = trace.score_stages(layer, 2, stack=stack)
        assert_close(stages["biased"] - stages["scaled"], bias[2], scale=[stages["biased"]])
    assert abs(bias[2]).max() > 0.1


@every
@pytest.mark.parametrize("stack", ["encoder", "decoder"])
def test_streams_are_what_enters_the_blocks(name, stack):
    trace, expected = trace_of(name), truth_of(name).streams[stack]
    layers = trace.layers_in(stack)
    assert len(expected) == layers + 1
    for depth in range(layers + 1):
        assert_float32_close(trace.residual(depth, stack=stack), expected[depth])
    assert_float32_close(trace.embedding(stack=stack), expected[0])


@pre_norm
def test_three_parts_sum_to_the_decoders_stream(name):
    trace = trace_of(name)
    of_blocks = [call(i) for i in range(LAYERS) for call in (trace.attn_out, trace.cross_out, trace.mlp_out)]
    parts = [trace.embedding(), *of_blocks]
    assert_float32_close(np.sum(parts, axis=0), trace.residual(LAYERS), scale=parts)
    assert all(abs(part).max() > 0.1 for part in of_blocks)
    for i, added in enumerate(truth_of(name).cross_out):
        assert_float32_close(trace.cross_out(i), added)


@pre_norm
def test_two_parts_sum_to_the_encoders_stream(name):
    trace = trace_of(name)
    calls = (trace.attn_out, trace.mlp_out)
    parts = [trace.embedding(stack="encoder"), *(c(i, stack="encoder") for i in range(ENCODER_LAYERS) for c in calls)]
    assert_float32_close(np.sum(parts, axis=0), trace.residual(ENCODER_LAYERS, stack="encoder"), scale=parts)


@pytest.mark.parametrize("name", POST_NORM)
@by_stack
def test_parts_are_refused_where_a_norm_follows_the_sum(name, stack):
    trace = trace_of(name)
    assert is_refused(lambda: trace.attn_out(1, stack=stack)) and is_refused(lambda: trace.cross_out(1))
    assert is_refused(lambda: trace.head_output(1, 1, stack=stack))
    if stack != "cross":
        assert is_refused(lambda: trace.mlp_out(1, stack=stack))


@pre_norm
@by_stack
def test_heads_sum_to_what_attention_adds_and_come_from_their_maps(name, stack):
    """A head is its map times its values, through its own columns of the output projection."""
    trace = trace_of(name)
    heads = trace.heads_in(1, stack=stack)
    parts = [*(trace.head_output(1, head, stack=stack) for head in range(heads)), trace.head_bias(1, stack=stack)]
    assert_float32_close(np.sum(parts, axis=0), trace.attn_out(1, stack=stack), scale=parts)
    weight = truth_of(name).projections[stack][1].double().numpy().T.reshape(heads, -1, WIDTH)
    value = trace.v(1, stack=stack)[2].astype(np.float64)
    expected = truth_of(name).maps[stack][1, 2].astype(np.float64) @ value @ weight[2]
    assert_float32_close(parts[2], expected, scale=[value, weight, parts[2]])
    factors = trace.contributions(1, stack=stack)
    by_key = factors.gain[:, None] * (factors.weights[2][..., None] * factors.values[2][None])
    assert_close(by_key.sum(1), parts[2], scale=[factors.values])


@every
def test_the_lens_is_the_familys_norm_and_unembedding_of_each_depth(name):
    """T5 with a tied head divides by √d_model first; BART, Marian and Pegasus add `final_logits_bias`."""
    trace, model = trace_of(name), model_of(name)
    norm = getattr(model.get_decoder(), "final_layer_norm", getattr(model.get_decoder(), "layer_norm", lambda x: x))
    bias = getattr(model, "final_logits_bias", torch.zeros(1))
    scale = WIDTH**-0.5 if name == "t5" else 1.0
    lens = trace.logit_lens(2)
    for depth in range(LAYERS + 1):
        expected = model.get_output_embeddings()(norm(torch.tensor(trace.residual(depth)[2])[None]) * scale)[0] + bias
        assert_close(lens[depth], expected.reshape(-1), scale=[trace.residual(depth)])
    assert_close(lens[-1], truth_of(name).logits[2], scale=[trace.residual(LAYERS)])
    assert abs(lens[0] - lens[-1]).max() > 0.1


@every
def test_the_readout_leads_to_the_logits(name):
    trace = trace_of(name)
    readout, (row, bias) = trace.readout(1), trace.unembedding(31)
    x = trace.residual(LAYERS)[1].astype(np.float64)
    normed = readout.gain * (x - x.mean() if readout.centred else x) + readout.offset
    logit = readout.multiplier * (row @ normed + bias)
    assert_close(logit, truth_of(name).logits[1, 31].astype(np.float64), scale=[np.abs(row) @ np.abs(normed)])


@every
def test_shares_sum_to_the_untouched_models_logit(name):
    """Cross attention has shares of its own."""
    trace = trace_of(name)
    if name in POST_NORM:
        assert is_refused(lambda: attribution(trace, 31))
        return
    shares = attribution(trace, 31, position=2)
    values = [share.value for share in shares]
    scale = [values, trace.residual(LAYERS)]
    assert_close(np.sum(values), truth_of(name).logits[2, 31].astype(np.float64), scale=scale)
    parts = [share.part for share in shares]
    assert parts.count("head") == parts.count("cross_head") == LAYERS * HEADS and parts.count("mlp") == LAYERS
    assert max(abs(share.value) for share in shares if share.part == "cross_head") > 0.05


def test_bart_equals_a_forward_pass_in_numpy():
    model, trace = model_of("bart"), trace_of("bart")
    layers, heads = {"encoder": ENCODER_LAYERS, "decoder": LAYERS}, {"encoder": 3, "decoder": HEADS}
    truth = BartInNumpy(model.state_dict(), layers, heads)
    logits = truth.run(SOURCE, TARGET)
    assert_close(trace.logits, logits, factor=128)
    for stack in STACKS:
        scale = scores_of("bart", stack)
        assert_softmax_close(trace.attention(stack=stack), np.stack(truth.maps[stack]), scale, factor=128)


# The target that the model writes itself


@every
def test_without_a_target_it_is_the_models_own_greedy_one(name):
    model, trace = model_of(name), traced(name, None, max_tokens=32)
    has_cache = name not in T5  # transformers makes T5's decoder a cache with as many layers as its encoder has
    neutral = transformers.GenerationConfig(
        do_sample=False, max_new_tokens=32, decoder_start_token_id=START, eos_token_id=END, pad_token_id=3,
        use_cache=has_cache,
    )  # fmt: skip
    before, model.generation_config = model.generation_config, neutral
    try:
        written = transformers.GenerationMixin.generate(model, source_of(name))[0].tolist()  # Whisper's does more
    finally:
        model.generation_config = before
    assert [token.id for token in trace.tokens] == (written[:-1] if written[-1] == END else written)
    assert len(trace.tokens) > 1
    assert trace.gpt.cache_fits() == has_cache
    likeliest = trace.logits.argmax(-1)
    np.testing.assert_array_equal(likeliest[:-1], [token.id for token in trace.tokens[1:]])


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_choices_are_drawn_from_the_probabilities_of_their_traces(name):
    gpt, source = trace_of(name).gpt, SOURCE if name != "whisper" else SOUND
    options = {"sampling_rate": RATE} if name == "whisper" else {}
    settings = {"n": 3, "max_tokens": 6, "temperature": 1.5, "seed": 4} | options
    completion = gpt.complete(source, **settings)
    assert [choice.token_ids for choice in completion.choices] == [
        c.token_ids for c in gpt.complete(source, **settings).choices
    ]
    assert len({choice.token_ids for choice in completion.choices}) == 3
    assert completion.prompt == trace_of(name).source_text and [t.id for t in completion.prompt_tokens] == [START]
    for choice in completion.choices:
        trace = traced(name, [START, *choice.token_ids[:-1]])
        for place, step in enumerate(choice.steps):
            now = trace.probabilities(place)[step.token.id]
            assert_softmax_close(np.float64(step.probability), now, trace.logits[place], factor=128)
    streamed = [step.token.id for step in gpt.stream(source, **settings | {"n": 1})]
    assert tuple(streamed) == completion.choices[0].token_ids


@pytest.mark.parametrize(
    ("template", "prefix"),
    [("$A </s>", []), ("<fr> $A </s>", ["<fr>"]), ("$A </s> <fr>", []), ("<s> <fr> $A", ["<fr>"])],
)
def test_a_target_begins_with_what_the_tokenizer_writes_before_it(template, prefix):
    """T5 writes an end token, M2M-100 a language before the text, mBART one after it, Whisper the start token too."""
    own = tokenizer()
    own.add_special_tokens({"additional_special_tokens": ["<fr>"]})
    language = own.convert_tokens_to_ids("<fr>")
    marks = [("<s>", START), ("</s>", END), ("<fr>", language)]
    own.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=marks)
    gpt = gptviz.wrap(model_of("t5"), own)
    beginning = [START, *own.convert_tokens_to_ids(prefix)]
    assert gpt.target_ids("owl") == beginning + own("owl", add_special_tokens=False).input_ids
    assert [token.id for token in gpt.trace("thin", max_tokens=1).tokens][: len(beginning)] == beginning


def test_a_target_text_begins_with_the_start_token_and_lacks_the_end_token():
    own = tokenizer(start=True)
    gpt = gptviz.wrap(model_of("t5"), own)
    trace = gpt.trace("thin", "the owl")
    assert [token.id for token in trace.tokens] == own("the owl").input_ids  # it begins with the start token already
    assert (trace.text, trace.source_text) == ("the owl", "thin") and trace.tokens[0].special
    gpt = gptviz.wrap(model_of("t5"), tokenizer())
    assert gpt.trace("thin", "the owl", add_special_tokens=False).tokens == trace.tokens
    assert [token.id for token in gpt.trace("thin", "").tokens] == [START]
    assert gpt.target_ids("</s>") == [START]
    np.testing.assert_array_equal(gpt.trace(trace.source_tokens, trace.tokens).logits, trace.logits)


# What is refused


def test_what_is_not_for_encoder_decoders_yet_is_refused_in_words():
    trace = trace_of("t5")
    gpt = trace.gpt
    from gptviz.lens import (
        cuts,
        flow,
        role_scores,
        run_edited,
        word_probability,
    )

    calls = [
        lambda: gpt.chat([{"role": "user", "content": "a"}]),
        lambda: gpt.role_scores(),
        lambda: role_scores(gpt), lambda: flow(trace), lambda: cuts(trace),
        lambda: run_edited(gpt, TARGET, [[]]),
        lambda: word_probability(gpt, "a", "b"), lambda: gptviz.explore("a", gpt=gpt),
        lambda: gptviz.compare(trace, trace), lambda: gptviz.lessons.guessing_game(["a"], gpt),
        *(lambda view=view: view(trace) for view in (gptviz.EmbeddingView, gptviz.FlowView)),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(NotAvailable, match=r"Expected a decoder-only model\. Got .*, an encoder-decoder") as caught:
            call()
        assert caught.value.code == "encoder_decoder"


def test_wrong_arguments_are_refused_in_words():
    trace = trace_of("bart")
    for call, kind, words in [
        (lambda: trace.attention(0, 0, stack="middle"), OutOfRange, "one of the stacks encoder, decoder, cross"),
        (lambda: trace.attention(0, 0, stack=2), OutOfRange, "one of the stacks"),
        (lambda: trace.residual(0, stack="cross"), OutOfRange, "encoder or decoder"),
        (lambda: trace.attention(2, 0, stack="encoder"), OutOfRange, "a layer from 0 to 1"),
        (lambda: trace.attention(1, 3, stack="encoder"), OutOfRange, "a head from 0 to 2"),
        (lambda: trace.gpt.trace("a", 5), WrongType, "token ids"),
        (lambda: trace.gpt.trace(""), GPTVizError, "at least one token"),
        (lambda: trace.gpt.trace([VOCAB]), OutOfRange, f"{VOCAB}"),
        (lambda: trace.gpt.trace("a", [VOCAB]), OutOfRange, f"{VOCAB}"),
        (lambda: trace.gpt.trace("a" * 65), GPTVizError, "at most 64 tokens"),
        (lambda: trace.gpt.trace("a", max_tokens=0), GPTVizError, "max_tokens"),
        (lambda: trace.gpt.trace("a", tempreature=1), WrongType, "keywords among"),
        (lambda: gptviz.wrap(model_of("t5"), "t5"), WrongType, "tokenizer"),
        (lambda: gptviz.GPT(model_of("t5"), tokenizer()), WrongType, "a decoder-only model"),
    ]:
        with pytest.raises(kind, match=words):
            call()
    model = copy.deepcopy(model_of("t5"))
    model.config.decoder_start_token_id = model.generation_config.decoder_start_token_id = None
    gpt = gptviz.wrap(model, tokenizer())
    assert gpt.trace("a", TARGET).logits.shape == (T, VOCAB)
    with pytest.raises(GPTVizError, match="decoder_start_token_id"):
        gpt.trace("a", "b")


@pytest.mark.parametrize("name", ["t5", "bart"])
def test_the_model_is_left_as_it_was_and_changed_weights_are_noticed(name):
    model = copy.deepcopy(model_of(name))
    before = state(model)
    trace = gptviz.wrap(model, tokenizer()).trace(SOURCE, TARGET)
    trace.logit_lens(), [trace.attention(stack=stack) for stack in STACKS], trace.check_repeats()
    assert_same(before, state(model))
    assert trace.nbytes > trace.logits.nbytes + sum(trace.q(i, stack=s).nbytes for s in STACKS for i in range(2))
    with torch.no_grad():
        model.get_encoder().embed_tokens.weight.mul_(2)
    for stack in STACKS:
        with pytest.raises(ModelChanged):
            trace.attention(0, 0, stack=stack)


def test_a_decoder_only_trace_has_one_stack():
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
    assert trace.stack == "decoder" and trace.gpt.decoder_only and trace.stacks == ("decoder",)
