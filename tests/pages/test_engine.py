"""The engine of pages on a small random GPT-2: every number against NumPy float64, edits against the model in Python."""

import json
from functools import cache

import numpy as np
import pytest
from close import FACTOR, assert_close, assert_softmax_close, rounding
from engine import ask, ask_passes, assert_same_steps, generation
from families import IDS, build, tokenizer
from hooked import HEADS, LAYERS, OTHER, WIDTH, T, gpt_of
from reference_numpy import gpt2
from safetensors.numpy import save_file

import gptviz
from gptviz import lens

EVERY_HEAD = [(layer, head) for layer in range(LAYERS) for head in range(HEADS)]
ID = 101  # a token whose logit is attributed
SCORES = 2 * FACTOR  # a score has two rounded factors
FIRST = 4  # tokens of the first of two passes

# What is asked about a head, a layer or a position, and the truth: an array with these axes first.
OF_HEAD = {
    "q": lambda truth, trace: truth.q,
    "k": lambda truth, trace: truth.k,
    "v": lambda truth, trace: truth.v,
    "headMix": lambda truth, trace: truth.attention @ truth.v,
    "headOutput": lambda truth, trace: truth.head_output,
}
OF_LAYER = {
    "headBias": lambda truth, trace: np.repeat(truth.attn_bias[:, None], T, 1),
    "attnIn": lambda truth, trace: np.stack([trace.attn_in(layer) for layer in range(LAYERS)]),
    "attnOut": lambda truth, trace: truth.attn_out,
    "mlpIn": lambda truth, trace: np.stack([trace.mlp_in(layer) for layer in range(LAYERS)]),
    "mlpActivations": lambda truth, trace: truth.mlp_activations,
    "mlpOut": lambda truth, trace: truth.mlp_out,
}
OF_POSITION = {
    "logits": lambda truth, trace: truth.logits,
    "logitLens": lambda truth, trace: truth.logit_lens.transpose(1, 0, 2),
}


def save(folder, weights, **settings):
    """Saves a GPT-2 with these weights, and returns its files by what they are."""
    config = build("gpt2").config.to_dict() | settings
    folder.mkdir()
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config))
    return {"weights": folder / "model.safetensors", "config": folder / "config.json"}


@cache
def weights():
    """Returns the weights of the model by their names in the checkpoint, without the second name of a tied one."""
    state = {name: value.numpy() for name, value in build("gpt2").state_dict().items()}
    del state["lm_head.weight"]
    return state


@cache
def truth_of(*ids):
    return gpt2(weights(), list(ids or IDS), n_heads=HEADS)


@cache
def trace_of(*ids):
    return gpt_of("gpt2").trace(list(ids or IDS))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save(tmp_path_factory.mktemp("models") / "gpt2", weights())


@pytest.fixture(scope="module")
def plain(files):
    """What the engine answers about a pass over the text, and about two that read it in two parts."""
    of_pass = [
        *([what, layer, head] for what in [*OF_HEAD, "attention", "scoreStages"] for layer, head in EVERY_HEAD),
        *([what, layer] for what in OF_LAYER for layer in range(LAYERS)),
        *(["residual", depth] for depth in range(LAYERS + 1)),
        *(["embedding", kind] for kind in ("sum", "token", "position")),
        *([what, position] for what in [*OF_POSITION, "probabilities"] for position in range(T)),
        ["attribution", ID, 6],
        ["flow", T - 1],
        ["flow", 3],
        *(["neuronShares", layer, ID, 6] for layer in range(LAYERS)),
        *(["cuts", ID, position] for position in (T - 1, 6, 0)),
        ["keyCuts", ID, 6, 1, 2],
        ["keyCuts", ID, 6, 1, None, False],
    ]
    of_part = [
        ["attention", 1, 2],
        ["scoreStages", 1, 2],
        ["k", 1, 2],
        ["embedding", "position"],
        ["residual", LAYERS],
        ["logits"],
    ]
    passes = {
        "whole": {"ids": IDS, "asked": of_pass},
        "first": {"ids": IDS[:FIRST], "asked": of_part},
        "branch": {"ids": OTHER[:2], "after": "first", "asked": of_part},
        "rest": {"ids": IDS[FIRST:], "after": "first", "asked": of_part},
    }
    return ask_passes(passes, **files)


@pytest.mark.parametrize("what", OF_HEAD)
def test_heads(plain, what):
    expected = OF_HEAD[what](truth_of(), trace_of())
    for layer, head in EVERY_HEAD:
        actual = plain["whole"][what, layer, head].reshape(T, -1)
        assert_close(actual, expected[layer, head], scale=[truth_of().v, expected])


@pytest.mark.parametrize("what", OF_LAYER)
def test_layers(plain, what):
    expected = OF_LAYER[what](truth_of(), trace_of())
    for layer in range(LAYERS):
        actual = plain["whole"][what, layer].reshape(expected[layer].shape)
        assert_close(actual, expected[layer], scale=[truth_of().residual, expected])


@pytest.mark.parametrize("what", OF_POSITION)
def test_logits(plain, what):
    expected = OF_POSITION[what](truth_of(), trace_of())
    for position in range(T):
        actual = plain["whole"][what, position].reshape(expected[position].shape)
        assert_close(actual, expected[position], scale=[truth_of().residual, expected])


def test_probabilities(plain):
    logits = truth_of().logits
    for position, row in enumerate(logits):
        expected = np.exp(row - row.max()) / np.exp(row - row.max()).sum()
        assert_softmax_close(plain["whole"]["probabilities", position], expected, [logits, truth_of().residual])


def test_streams(plain):
    truth, answers = truth_of(), plain["whole"]
    for depth in range(LAYERS + 1):
        assert_close(answers["residual", depth].reshape(T, -1), truth.residual[depth], scale=truth.residual)
    for kind, expected in truth.embedding.items():
        assert_close(answers["embedding", kind].reshape(T, -1), expected)


def test_scores_and_maps(plain):
    truth = truth_of()
    for at in EVERY_HEAD:
        stages = plain["whole"]["scoreStages", *at]
        assert list(stages) == ["raw", "scaled", "masked"]
        for stage, expected in truth.scores.items():
            assert_close(
                stages[stage].reshape(T, T), expected[at], scale=expected[at][np.isfinite(expected[at])], factor=SCORES
            )
        map = plain["whole"]["attention", *at].reshape(T, T)
        assert_softmax_close(map, truth.attention[at], truth.scores["scaled"], factor=SCORES)


@pytest.mark.parametrize(
    "part, ids, start", [("first", IDS[:FIRST], 0), ("rest", IDS, FIRST), ("branch", [*IDS[:FIRST], *OTHER[:2]], FIRST)]
)
def test_a_pass_goes_on_from_a_cache_as_if_it_read_the_whole_text(plain, part, ids, start):
    truth, answers, size = truth_of(*ids), plain[part], len(ids)
    assert_softmax_close(
        answers["attention", 1, 2].reshape(-1, size),
        truth.attention[1, 2, start:],
        truth.scores["scaled"],
        factor=SCORES,
    )
    masked = truth.scores["masked"][1, 2, start:]
    actual = answers["scoreStages", 1, 2]["masked"].reshape(-1, size)
    assert_close(actual, masked, scale=masked[np.isfinite(masked)], factor=SCORES)
    assert_close(answers["k", 1, 2].reshape(size, -1), truth.k[1, 2], scale=truth.k)
    assert_close(answers["embedding", "position"].reshape(-1, WIDTH), truth.embedding["position"][start:])
    assert_close(answers["residual", LAYERS].reshape(-1, WIDTH), truth.residual[-1, start:], scale=truth.residual)
    assert_close(answers["logits",], truth.logits[-1], scale=[truth.residual, truth.logits])


def shares_by_part(shares):
    return {
        (share["part"], share.get("layer"), share.get("head")): share["value"] for share in shares if share["value"]
    }


def expected_shares(trace, position):
    shares = lens.attribution(trace, ID, position)
    return {(share.part, share.layer, share.head): share.value for share in shares if share.value}


def assert_attribution(actual, trace, position):
    expected, actual = expected_shares(trace, position), shares_by_part(actual)
    assert actual.keys() == expected.keys() and len(actual) > 6
    scale = [trace.residual(LAYERS), *expected.values()]
    assert_close([actual[part] for part in expected], list(expected.values()), scale=scale)
    assert sum(actual.values()) == pytest.approx(trace.logits[position, ID], abs=rounding(*scale))


def assert_flow(answer, flow):
    """Compares shares with Python's. Parts are up to ten times as long as what is left of them in a node's sum."""
    for what, expected in {"residual": flow.residual, "bias": flow.bias, "mlp": flow.mlp}.items():
        assert_close([block[what] for block in answer["blocks"]], expected, scale=10)
    for layer, block in enumerate(answer["blocks"]):
        assert_close(np.reshape(block["heads"], (HEADS, T, T)), flow.heads(layer), scale=10)
    assert_close(answer["importance"], flow.importance, scale=10)


def test_attribution(plain):
    assert_attribution(plain["whole"]["attribution", ID, 6], trace_of(), 6)


@pytest.mark.parametrize("position", [T - 1, 3])
def test_flow(plain, position):
    assert_flow(plain["whole"]["flow", position], lens.flow(trace_of(), position))


def test_shares_of_neurons(plain):
    shares = lens.attribution(trace_of(), ID, 6, neurons=True)
    for layer in range(LAYERS):
        expected = [share.value for share in shares if (share.part, share.layer) == ("neuron", layer)]
        bias = next(share.value for share in shares if (share.part, share.layer) == ("mlp_bias", layer))
        actual = plain["whole"]["neuronShares", layer, ID, 6]
        assert_close(actual["neurons"], expected, scale=trace_of().residual(LAYERS))
        assert actual["bias"] == pytest.approx(bias, rel=rounding(1.0))


def assert_probabilities(actual, expected, trace):
    scale = [trace.residual(LAYERS), trace.residual(1), trace.logits]
    assert np.ptp(expected) > 100 * rounding(*scale) * max(expected)
    assert_softmax_close(actual, expected, scale)


@pytest.mark.parametrize("position", [T - 1, 6, 0])
def test_cuts(plain, position):
    expected = lens.cuts(trace_of(), position, ID)
    for part in ("attention", "mlp"):
        assert_probabilities(plain["whole"]["cuts", ID, position][part], getattr(expected, part), trace_of())


def test_cuts_of_keys(plain):
    expected = lens.cuts(trace_of(), 6, ID)
    for rest, options in [((1, 2), {"head": 2}), ((1, None, False), {"renormalise": False})]:
        assert_probabilities(plain["whole"]["keyCuts", ID, 6, *rest], expected.keys(1, **options)[:7], trace_of())


def test_cuts_of_an_edited_pass(edited):
    trace = gpt_of("gpt2").trace(IDS, edits=[edit for _, edit in EDITS["scaled, then set"](None)])
    expected = lens.cuts(trace, 6, ID)
    assert_probabilities(edited["scaled, then set"]["cuts", ID, 6]["attention"], expected.attention, trace)


# Edits: what the engine is told, [name, *arguments], and the same in Python. "other" is a pass over another text.
ROW = [0.5, 0, 2, 1, 0, 0, 1.5]
EDITS = {
    "head off": lambda other: [(["ablateHead", 1, 2], gptviz.ablate_head(1, 2))],
    "head at its mean": lambda other: [
        (["ablateHead", 1, 2, {"pass": "other"}], gptviz.ablate_head(1, 2, to="mean", reference=other))
    ],
    "head scaled": lambda other: [(["scaleHead", 1, 3, -1.5], gptviz.scale_head(1, 3, -1.5))],
    "row set": lambda other: [(["setAttention", 1, 0, 6, ROW], gptviz.set_attention(1, 0, 6, ROW))],
    "scaled, then set": lambda other: [
        (["scaleHead", 1, 0, 3], gptviz.scale_head(1, 0, 3)),
        (["setAttention", 1, 0, 6, ROW], gptviz.set_attention(1, 0, 6, ROW)),
    ],
    "set, then scaled": lambda other: [
        (["setAttention", 1, 0, 6, ROW], gptviz.set_attention(1, 0, 6, ROW)),
        (["scaleHead", 1, 0, 3], gptviz.scale_head(1, 0, 3)),
    ],
    "key cut": lambda other: [(["ablateKey", 1, 7, 3, 2], gptviz.ablate_key(1, 7, 3, 2))],
    "key cut in all heads, one scaled": lambda other: [
        (["scaleHead", 1, 2, 2], gptviz.scale_head(1, 2, 2)),
        (["ablateKey", 1, 7, 3], gptviz.ablate_key(1, 7, 3)),
    ],
    "key cut, the rest as it is": lambda other: [
        (["ablateKey", 1, 7, 3, None, False], gptviz.ablate_key(1, 7, 3, renormalise=False))
    ],
    "the only key cut": lambda other: [(["ablateKey", 1, 0, 0], gptviz.ablate_key(1, 0, 0))],
    "attention off": lambda other: [(["ablateAttention", 0], gptviz.ablate_attention(0))],
    "attention off at 5": lambda other: [(["ablateAttention", 1, 5], gptviz.ablate_attention(1, 5))],
    "MLP off": lambda other: [(["ablateMLP", 1], gptviz.ablate_mlp(1))],
    "MLP off at 5": lambda other: [(["ablateMLP", 1, 5], gptviz.ablate_mlp(1, 5))],
    "neuron off": lambda other: [(["ablateNeuron", 1, 9], gptviz.ablate_neuron(1, 9))],
    "stream patched": lambda other: [
        (["patch", "residual", 1, 4, {"pass": "other"}], gptviz.patch("residual", 1, 4, other))
    ],
    "last stream patched": lambda other: [
        (["patch", "residual", LAYERS, None, {"pass": "other"}], gptviz.patch("residual", LAYERS, None, other))
    ],
    "head patched": lambda other: [
        (["patch", "head_output", 1, 3, {"pass": "other"}, 2], gptviz.patch("head_output", 1, 3, other, head=2))
    ],
    "attention patched": lambda other: [
        (["patch", "attn_out", 1, None, {"pass": "other"}], gptviz.patch("attn_out", 1, None, other))
    ],
    "MLP patched": lambda other: [
        (["patch", "mlp_out", 1, 9, {"pass": "other"}], gptviz.patch("mlp_out", 1, 9, other))
    ],
    "steered": lambda other: [
        (["steer", 1, [*range(WIDTH)], 0.2], gptviz.steer(1, np.arange(WIDTH), 0.2)),
        (["steer", LAYERS, [1] * (WIDTH - 1) + [0], 2], gptviz.steer(LAYERS, [1] * (WIDTH - 1) + [0], 2)),
    ],
}
WITHOUT_FLOW = "head at its mean", "head patched", "attention patched"


@pytest.fixture(scope="module")
def edited(files):
    """What the engine answers about edited passes."""
    asked = [
        *(["logits", position] for position in range(T)),
        *(["attention", 1, head] for head in range(HEADS)),
        *(["editOut", depth] for depth in range(LAYERS + 1)),
        ["residual", LAYERS],
        *(["attribution", ID, position] for position in (5, 7)),
    ]
    passes = {"other": {"ids": OTHER, "asked": []}}
    for name, make in EDITS.items():
        also = [] if name in WITHOUT_FLOW else [["flow", T - 1]]
        also += [["cuts", ID, 6]] if name == "scaled, then set" else []
        passes[name] = {"ids": IDS, "edits": [told for told, _ in make(trace_of())], "asked": [*asked, *also]}
    return ask_passes(passes, **files)


@pytest.mark.parametrize("name", EDITS)
def test_edits(edited, name):
    trace = gpt_of("gpt2").trace(IDS, edits=[edit for _, edit in EDITS[name](trace_of(*OTHER))])
    answers, stream = edited[name], trace.residual(LAYERS)
    logits = np.stack([answers["logits", position] for position in range(T)])
    scale = [stream, trace.residual(1), trace.logits]
    assert_close(logits, trace.logits, scale=scale)
    assert np.abs(trace.logits - trace_of().logits).max() > 100 * rounding(*scale)
    for head in range(HEADS):
        scores = trace.scores(1, head, "scaled")
        map = answers["attention", 1, head].reshape(T, T)
        assert_softmax_close(map, trace.attention(1, head), [scores, stream], factor=SCORES)
    for depth in range(LAYERS + 1):
        assert_close(
            answers["editOut", depth].reshape(T, -1), trace.edit_out(depth), scale=[stream, trace.residual(depth)]
        )
    for position in (5, 7):
        assert_attribution(answers["attribution", ID, position], trace, position)
    if name not in WITHOUT_FLOW:
        assert_flow(answers["flow", T - 1], lens.flow(trace))


def test_other_forms_of_a_file(tmp_path):
    """A file without the prefix, as the hub has GPT-2, and one whose unembedding is a matrix of its own."""
    bare = save(tmp_path / "bare", {name.removeprefix("transformer."): value for name, value in weights().items()})
    own = np.random.default_rng(1).normal(size=weights()["transformer.wte.weight"].shape).astype(np.float32)
    untied = weights() | {"lm_head.weight": own}
    untied_files = save(tmp_path / "untied", untied, tie_word_embeddings=False)
    question = {"plain": {"ids": IDS, "asked": [["logits"]]}}
    for files, expected in [(bare, truth_of()), (untied_files, gpt2(untied, IDS, n_heads=HEADS))]:
        logits = ask_passes(question, **files)["plain"]["logits",]
        assert_close(logits, expected.logits[-1], scale=[expected.residual, expected.logits])


REFUSED = [
    ({"ids": []}, "at least one token"),
    ({"ids": [3, 269]}, "a token id from 0 to 268. Got 269"),
    ({"ids": [3] * 65}, "at most 64 tokens. Got 65"),
    ({"ids": IDS, "asked": [["attention", 3, 0]]}, "a layer from 0 to 2. Got 3"),
    ({"ids": IDS, "asked": [["attention", 0, 4]]}, "a head from 0 to 3. Got 4"),
    ({"ids": IDS, "asked": [["logits", T]]}, "a position from 0 to 10. Got 11"),
    ({"ids": IDS, "edits": [["ablateHead", 0, 4]]}, "a head from 0 to 3. Got 4"),
    ({"ids": IDS, "edits": [["ablateMLP", 3]]}, "a layer from 0 to 2. Got 3"),
    ({"ids": IDS, "edits": [["ablateMLP", 0, T]]}, "a position from 0 to 10. Got 11"),
    ({"ids": IDS, "edits": [["ablateNeuron", 0, 56]]}, "a neuron from 0 to 55. Got 56"),
    ({"ids": IDS, "edits": [["steer", 0, [1, 2]]]}, "a vector of 24 numbers. Got 2"),
    (
        {"ids": IDS, "edits": [["patch", "mlp_out", 0, None, {"pass": "short"}]]},
        "a source of 11 tokens, as the text has. Got 2",
    ),
    (
        {"ids": IDS, "edits": [["steer", 0, [1e38] * WIDTH, 1e38]], "asked": [["logits"]]},
        "edits that leave the logits finite",
    ),
    (
        {"ids": IDS, "edits": [["ablateHead", 0, 1, {"pass": "short"}]], "asked": [["flow", 1]]},
        "in which heads mix values. Got an edit",
    ),
]


def test_what_cannot_be_is_refused_in_words(files):
    asked = [["pass", {"name": "short", "ids": [1, 2]}], *(["pass", {"name": "refused"} | what] for what, _ in REFUSED)]
    _, *answers = ask(asked, **files)
    for (what, words), answer in zip(REFUSED, answers, strict=True):
        assert words in answer.get("error", ""), what


# A random model writes random bytes, few of which are characters: texts with much that is held back.
GENERATIONS = {
    "first seed": (IDS, {"max_tokens": 50, "temperature": 1.0, "seed": 1}),
    "second seed": (OTHER, {"max_tokens": 50, "temperature": 0.8, "seed": 2, "n": 3}),
    "from half a character": ([*IDS, 162, 123], {"max_tokens": 30, "temperature": 1.5, "seed": 4}),
    "stop texts": (IDS, {"max_tokens": 50, "temperature": 1.0, "seed": 1, "stop": ["the", "in", "\ufffd", "t"]}),
    "end of context": (IDS * 5, {"max_tokens": 50, "seed": 3}),
    "no room": ([7] * 64, {"max_tokens": 5, "seed": 3}),
}


def test_generated_texts(files, tmp_path):
    tokenizer().backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    asked = [generation(ids, settings) for ids, settings in GENERATIONS.values()]
    answers = dict(zip(GENERATIONS, ask(asked, tokenizer=tmp_path / "tokenizer.json", **files), strict=True))
    for name, (ids, settings) in GENERATIONS.items():
        choice = gpt_of("gpt2").complete(list(ids), **settings).choices[-1]
        assert_same_steps(answers[name], choice, rounding(trace_of().residual(LAYERS)))
    assert len(answers["end of context"]) == 64 - 5 * T and answers["no room"] == []
    assert any(step["text"] == "" for step in answers["first seed"])
