"""Saved traces: opened without torch or transformers they have exactly the same numbers."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from close import FACTOR, assert_close, assert_softmax_close
from families import build, tokenizer
from reference_numpy import llama
from safetensors.numpy import save_file

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, WrongType
from gptviz.lens.shares import attribution

READ = """
import json, sys
import numpy as np
import gptviz
from gptviz.lens.shares import attribution
from gptviz.widgets.attention.arithmetic import HeadArithmetic

def digest(value):
    import hashlib
    if isinstance(value, dict):
        return {name: digest(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [digest(each) for each in value]
    if isinstance(value, np.ndarray):
        return [value.dtype.name, list(value.shape), hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()]
    return repr(value)

def answer(call):
    try:
        return digest(call())
    except gptviz.GPTVizError as error:
        return [type(error).__name__, str(error)]

def everything(trace):
    layers, heads = range(trace.n_layers), range(trace.n_heads)
    plain = ("tokens", "text", "model_name", "route", "vocab_size", "logits")
    answers = {name: answer(lambda: getattr(trace, name)) for name in plain}
    of_heads, of_parts = ("q", "k", "v", "attention", "head_bias"), ("attn_out", "mlp_out", "attn_in", "mlp_in")
    for name in (*of_heads, *of_parts, "mlp_activations", "is_parallel"):
        answers[name] = [answer(lambda: getattr(trace, name)(layer)) for layer in layers]
    for name in ("attention", "score_stages", "sink", "head_output"):
        answers[name, "head"] = [answer(lambda: getattr(trace, name)(layer, head)) for layer in layers for head in heads]
    answers["contributions"] = [answer(lambda: vars(trace.contributions(layer))) for layer in layers]
    answers["embedding"] = [answer(lambda: trace.embedding(kind)) for kind in ("sum", "token", "position")]
    answers["residual"] = [answer(lambda: trace.residual(layer)) for layer in range(trace.n_layers + 1)]
    at = range(len(trace.tokens))
    answers["probabilities"] = [answer(lambda: trace.probabilities(position)) for position in at]
    answers["top"] = [answer(lambda: trace.top(5, position)) for position in at]
    answers["merges"] = [answer(lambda: trace.merges(position)) for position in at]
    answers["nearest"] = [answer(lambda: trace.nearest(token.id, 8)) for token in trace.tokens]
    answers["neurons"] = [answer(lambda: trace.neurons(layer, position)) for layer in layers for position in (0, 2)]
    answers["mlp_bias"] = [answer(lambda: trace.mlp_bias(layer)) for layer in layers]
    answers["lens"] = [answer(lambda: trace.logit_lens(position)) for position in at]
    for name in ("unrotated", "token_plane", "role_scores"):
        answers[name] = answer(getattr(trace, name))
    answers["shares"] = [answer(lambda: attribution(trace, trace.top(1, position)[0][0].id, position)) for position in at]
    answers["cell"] = answer(lambda: HeadArithmetic(trace, 1, 2).cell(4, 3))
    answers["mix"] = answer(lambda: HeadArithmetic(trace, 1, 2).mix(4))
    views = [gptviz.TokensView, gptviz.AttentionView, gptviz.EmbeddingView, gptviz.BlockView, gptviz.SamplingBench]
    views += [gptviz.InterventionView, gptviz.FlowView]
    answers["tables"] = [answer(lambda: kind(trace).to_table()) for kind in views]
    return {str(name): value for name, value in answers.items()}
"""
WITHOUT = """
trace = gptviz.open_trace(sys.argv[1])
print(json.dumps(everything(trace)))
assert not {"torch", "transformers"} & set(sys.modules), "the model's libraries were imported"
"""
namespace: dict = {}
exec(READ, namespace)  # the same program reads here and in the other process
everything = namespace["everything"]


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_oss", "gpt_neo", "mistral"])
def test_a_process_without_torch_or_transformers_reads_exactly_the_same_numbers(name, tmp_path):
    trace = gptviz.wrap(build(name), tokenizer()).trace("the thin owl 🦉")
    path = trace.save(tmp_path / "trace.safetensors")
    done = subprocess.run([sys.executable, "-c", READ + WITHOUT, path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    here, there = everything(trace), json.loads(done.stdout)
    for what in here:
        assert there[what] == json.loads(json.dumps(here[what])), what


def test_a_trace_of_the_embedded_model_is_saved_and_opened(tmp_path):
    gpt = gptviz.load()
    trace = gpt.trace("Once upon a time there was a girl")
    opened = gptviz.open_trace(trace.save(tmp_path / "tales.safetensors"))
    np.testing.assert_array_equal(opened.attention(), trace.attention())
    leader, share = opened.top(1)[0]
    assert (leader, share) == trace.top(1)[0]
    assert attribution(opened, leader.id) == attribution(trace, leader.id)
    assert opened.tokens == trace.tokens
    gptviz.AttentionView(opened).save_html(tmp_path / "page.html")


def test_layers_that_were_not_saved_are_refused(tmp_path):
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
    opened = gptviz.open_trace(trace.save(tmp_path / "one.safetensors", layers=[2, 0]))
    np.testing.assert_array_equal(opened.attention(2), trace.attention(2))
    np.testing.assert_array_equal(opened.residual(1), trace.residual(1))
    for call in (opened.attention, opened.q, lambda layer: opened.score_stages(layer, 0)):
        with pytest.raises(NotAvailable, match="layers 0, 2"):
            call(1)
    with pytest.raises(NotAvailable, match="attention and neurons of layers 0, 2"):
        opened.neurons(1)


def test_neurons_and_lenses_that_were_not_saved_are_refused_with_the_remedy(tmp_path, monkeypatch):
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
    monkeypatch.setattr("gptviz.trace.file_format.LENS_BYTES", 2 * trace.logit_lens().nbytes)
    opened = gptviz.open_trace(trace.save(tmp_path / "small.safetensors", neurons=False))
    with pytest.raises(NotAvailable, match="neurons=True"):
        opened.neurons(0)
    np.testing.assert_array_equal(opened.logit_lens(-2), trace.logit_lens(-2))
    with pytest.raises(NotAvailable, match="last 2 tokens"):
        opened.logit_lens(0)
    monkeypatch.setattr("gptviz.trace.file_format.MAX_BYTES", 1000)
    with pytest.raises(GPTVizError, match="neurons=False"):
        trace.save(tmp_path / "large.safetensors")


def test_the_block_view_of_a_saved_trace_is_that_of_the_trace(tmp_path):
    trace = gptviz.load().trace("Once upon a time")
    opened = gptviz.open_trace(trace.save(tmp_path / "tales.safetensors"))
    here, there = (gptviz.BlockView(one)._answer_path(2, 3) for one in (trace, opened))
    assert there == here
    assert not there["missing"]


def test_a_file_of_some_layers_opens_in_views_and_comparisons(tmp_path):
    trace = gptviz.load().trace("Once upon a time")
    opened = gptviz.open_trace(trace.save(tmp_path / "some.safetensors", layers=[1, 3]))
    view = gptviz.AttentionView(opened)
    assert view.layer in (1, 3), "one that is there"
    assert view._about["absent"] == [0, 2, 4, 5]
    whole = gptviz.AttentionView(trace)._thumbnails
    each = len(whole) // trace.n_layers
    for layer in range(trace.n_layers):
        part = slice(layer * each, (layer + 1) * each)
        assert view._thumbnails[part] == (whole[part] if layer in (1, 3) else bytes(each))
    view.save_html(tmp_path / "page.html")
    assert view.to_table() == gptviz.AttentionView(trace, layer=view.layer, head=view.head).to_table()
    assert gptviz.compare(opened, trace).to_table()[0]["one"] == trace.top(1)[0][1]
    none = gptviz.open_trace(trace.save(tmp_path / "none.safetensors", layers=[]))
    with pytest.raises(NotAvailable, match="layers none"):
        gptviz.AttentionView(none)


def test_other_files_are_refused_and_a_failed_save_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "text.safetensors").write_text("not one at all")
    save_file({"x": np.zeros(2)}, tmp_path / "other.safetensors")
    for name in ("text.safetensors", "other.safetensors", "none.safetensors"):
        with pytest.raises(WrongType, match=r"trace\.save"):
            gptviz.open_trace(tmp_path / name)
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace("the owl")
    with pytest.raises(GPTVizError, match="folder that exists"):
        trace.save(tmp_path / "nowhere" / "trace.safetensors")
    monkeypatch.setattr("gptviz.trace.file_format.MAX_BYTES", 1000)
    with pytest.raises(GPTVizError, match="fewer layers"):
        trace.save(tmp_path / "large.safetensors")
    assert not (tmp_path / "large.safetensors").exists()


def test_a_file_that_gptviz_0_1_saved_opens_with_the_same_numbers():
    """Saved with layers=[1], neurons=False. The truth: the NumPy forward from the weights, which gptviz has no part in."""
    opened = gptviz.open_trace(Path(__file__).with_name("saved_by_0_1.safetensors"))
    assert opened.text == "the owl"
    ids = [token.id for token in opened.tokens]
    assert ids == tokenizer()("the owl").input_ids
    weights = {name: value.numpy() for name, value in build("llama").state_dict().items()}
    expected = llama(weights, ids, n_heads=4, n_kv_heads=2)
    stream, scores = expected.residual, expected.scores["scaled"]
    assert_close(opened.logits, expected.logits, scale=stream)
    assert_close(opened.logit_lens(), expected.logit_lens[:, -1], scale=stream)
    assert [token.id for token, _ in opened.top(5)] == np.argsort(-expected.logits[-1])[:5].tolist()
    assert_softmax_close(opened.attention(1), expected.attention[1], scores, factor=2 * FACTOR)
    for depth in range(4):
        assert_close(opened.residual(depth), expected.residual[depth], scale=stream)
    for name in ("q", "k", "v", "attn_out", "mlp_out"):
        assert_close(getattr(opened, name)(1), getattr(expected, name)[1], scale=stream)
    for head in range(4):
        assert_close(opened.head_output(1, head), expected.head_output[1, head], scale=stream)
        for stage, values in opened.score_stages(1, head).items():
            assert_close(values, expected.scores[stage][1, head], scale=expected.scores["raw"], factor=2 * FACTOR)
    trace = gptviz.wrap(build("llama"), tokenizer()).trace("the owl")
    assert opened.tokens == trace.tokens
    assert opened.score_stages(1, 0).keys() == trace.score_stages(1, 0).keys()
    assert opened.role_scores().keys() == trace.role_scores().keys()
    with pytest.raises(NotAvailable, match="by rotating queries and keys"):
        opened.embedding("position")
    with pytest.raises(NotAvailable, match="neurons=True"):
        opened.neurons(1)
    assert gptviz.AttentionView(opened)._about["absent"] == [0, 2]
