"""Saved traces of encoder-decoders: opened without the model, all three stacks have exactly the same numbers."""

import json

import numpy as np
import pytest
from close import rounding
from safetensors import safe_open
from safetensors.numpy import save_file
from sequences import trace_of

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, WrongType
from gptviz.lens.shares import attribution

STACKS = ("encoder", "decoder", "cross")
OF_LAYER = ("q", "k", "v", "attention", "head_bias", "attn_out", "attn_in", "contributions")
OF_BLOCK = ("mlp_out", "mlp_in", "mlp_activations", "mlp_bias", "neurons", "is_parallel", "residual")
OF_HEAD = ("score_stages", "sink", "head_output", "head_mix")


def answers(trace):
    """Yields every quantity of a trace by its name: a value, or the error that refuses it."""
    for stack in STACKS:
        layers = range(trace.layers_in(stack))
        for name in (*OF_LAYER, *(OF_BLOCK if stack != "cross" else ())):
            for layer in layers:
                yield (stack, name, layer), answer(getattr(trace, name), layer, stack=stack)
        for name in OF_HEAD:
            for place in [(layer, head) for layer in layers for head in range(trace.heads_in(layer, stack=stack))]:
                yield (stack, name, *place), answer(getattr(trace, name), *place, stack=stack)
    for position in range(len(trace.tokens)):
        for name in ("logit_lens", "probabilities", "top", "merges"):
            yield (name, position), answer(getattr(trace, name), position)
    for layer in range(trace.n_layers):
        yield ("cross_out", layer), answer(trace.cross_out, layer)
    yield "shares", answer(lambda: attribution(trace, trace.top(1)[0][0].id))
    yield "embedding", answer(lambda: [trace.embedding(stack=stack) for stack in STACKS[:2]])
    for name in ("tokens", "source_tokens", "text", "source_text", "logits", "stacks", "model_name", "edits"):
        yield name, getattr(trace, name)


def answer(call, *arguments, **keywords):
    try:
        return call(*arguments, **keywords)
    except GPTVizError as error:
        return type(error), str(error), error.code


def assert_same(a, b, name, bound):
    """Mixed values are computed again from the map and the values; they agree within the bound, and all others exactly."""
    if isinstance(a, np.ndarray):
        assert a.shape == b.shape and a.dtype == b.dtype, name
        if name[1] == "head_mix":
            np.testing.assert_allclose(a, b, rtol=0, atol=bound)
        else:
            np.testing.assert_array_equal(a, b, str(name))
    elif isinstance(a, dict):
        assert list(a) == list(b), name
        for key in a:
            assert_same(a[key], b[key], name, bound)
    elif hasattr(a, "gain"):
        assert_same(vars(a), vars(b), name, bound)
    elif isinstance(a, list) and a and isinstance(a[0], np.ndarray):
        for x, y in zip(a, b, strict=True):
            assert_same(x, y, name, bound)
    else:
        assert a == b, name


@pytest.mark.parametrize("name", ["t5", "bart", "whisper"])
def test_an_opened_trace_has_the_numbers_and_refusals_of_the_saved_one(name, tmp_path):
    trace = trace_of(name)
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    expected, actual = dict(answers(trace)), dict(answers(opened))
    assert expected.keys() == actual.keys()
    bound = rounding(*(value for key, value in expected.items() if key[1:2] == ("v",)))
    for key, value in expected.items():
        assert_same(value, actual[key], key, bound)
    assert type(opened) is type(trace) and not opened.gpt.can_run and not opened.gpt.decoder_only
    assert sum(isinstance(value, np.ndarray) for value in expected.values()) > 60


def test_layers_are_those_of_each_stack_and_others_are_refused(tmp_path):
    opened = gptviz.open_trace(trace_of("m2m_100").save(tmp_path / "trace.safetensors", layers=[2], neurons=False))
    assert opened.attention(2, 1).shape == (5, 5) and opened.attention(2, 1, stack="cross").shape == (5, 7)
    assert opened.residual(1, stack="encoder").shape == (7, 24) and opened.attn_out(0, stack="cross").shape == (5, 24)
    for stack, layer in [("decoder", 1), ("cross", 0), ("encoder", 1)]:
        with pytest.raises(NotAvailable, match="which it does not hold"):
            opened.attention(layer, 1, stack=stack)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Returns the tensors of a saved trace and its metadata as JSON was read."""
    path = trace_of("t5").save(tmp_path_factory.mktemp("saved") / "trace.safetensors")
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["gptviz"])  # noqa: SIM118


def test_an_earlier_gptviz_refuses_the_file_by_its_version(saved, tmp_path):
    """The file of a decoder-only trace keeps the version that earlier ones open."""
    assert saved[1]["version"] == 3
    with pytest.raises(WrongType, match=r"version 2 or 3\. Got format version 4"):
        gptviz.open_trace(write(tmp_path / "later.safetensors", saved[0], saved[1] | {"version": 4}))


def write(path, tensors, metadata):
    save_file(tensors, path, {"gptviz": json.dumps(metadata)})
    return path


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda tensors, stacks: stacks.pop("cross"), "stacks"),
        (lambda tensors, stacks: stacks.update(cross=5), "stacks"),
        (lambda tensors, stacks: stacks["encoder"].pop("layers"), "encoder.layers"),
        (lambda tensors, stacks: stacks["encoder"]["heads_in"].append(4), "encoder.heads_in"),
        (lambda tensors, stacks: stacks["cross"]["tokens"].pop(), "cross.tokens"),
        (lambda tensors, stacks: stacks["encoder"]["tokens"].pop(), "encoder.attention.0"),
        (lambda tensors, stacks: tensors.update({"cross.q.1": tensors["encoder.q.1"]}), "cross.q.1"),
        (lambda tensors, stacks: tensors.update({"cross.k.1": tensors["k.1"]}), "cross.k.1"),
        (lambda tensors, stacks: tensors.pop("encoder.residual.2"), "encoder.layers"),
    ],
)
def test_a_damaged_stack_is_refused(saved, change, named, tmp_path):
    tensors, metadata = dict(saved[0]), json.loads(json.dumps(saved[1]))
    change(tensors, metadata["stacks"])
    with pytest.raises(WrongType, match=rf"{named}' is missing or wrong"):
        gptviz.open_trace(write(tmp_path / "damaged.safetensors", tensors, metadata))
