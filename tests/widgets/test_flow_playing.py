"""What the flow view's player asks for: the drawn token, and the row that it adds to the pass."""

import numpy as np
import pytest
from close import assert_close
from families import IDS, build, tokenizer
from page_messages import ask
from small_models import strong_gpt2

import gptviz
from gptviz import lens
from gptviz.errors import GPTVizError, NotAvailable
from gptviz.sampling import uniform
from gptviz.widgets.flow import shares as flow_shares

PROMPT = "the thin owl sat"


@pytest.fixture
def gpt():
    return gptviz.wrap(strong_gpt2(), tokenizer())


def longer(trace):
    """Returns the pass over the text with the drawn token at its end."""
    drawn = ask(gptviz.FlowView(trace), "draw")["token"]["id"]
    return trace.gpt.trace([*(token.id for token in trace.tokens), drawn])


def test_the_draw_is_that_of_a_completion_with_the_same_seed(gpt):
    trace = gpt.trace(PROMPT)
    draw = ask(gptviz.FlowView(trace), "draw")
    step = gpt.complete(PROMPT, max_tokens=1, temperature=1.0, seed=draw["seed"]).choices[0].steps[0]
    assert draw["token"]["id"] == step.token.id
    assert_close(draw["probability"], step.probability, scale=trace.logits)
    assert draw["number"] == uniform(draw["seed"])
    # By hand: the first token, in order of probability, at which the sum exceeds the random number.
    probabilities = trace.probabilities().astype(np.float64)
    order = np.argsort(-probabilities, kind="stable")
    sums = np.cumsum(probabilities[order])
    assert order[np.argmax(sums > draw["number"])] == step.token.id
    assert step.token.id != order[0], "a draw, not the likeliest token"


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neox"])
def test_the_next_row_has_the_shares_of_the_longer_pass_and_earlier_rows_keep_theirs(name):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS)
    after, row = longer(trace), ask(gptviz.FlowView(trace), "next_pass")
    before, flow = lens.flow(trace), lens.flow(after)
    assert row["token"]["position"] == len(IDS) and row["token"]["id"] == after.tokens[-1].id
    for layer in range(trace.n_layers):
        assert_close(row["carried"][layer], flow.attention(layer)[-1], scale=1.0)
        stream = flow.residual[layer, -1] + (flow.mlp[layer, -1] if flow.parallel[layer] else 0)
        assert_close(row["kept"][layer], [stream, flow.bias[layer, -1], flow.mlp[layer, -1]], scale=1.0)
        assert_close(sum(row["carried"][layer]) + sum(row["kept"][layer][:2]), 1.0)
        assert_close(flow.attention(layer)[:-1, :-1], before.attention(layer), scale=1.0)
        assert_close(flow.mlp[layer, :-1], before.mlp[layer], scale=1.0)
    assert [(one["token"]["id"], one["before"]) for one in row["leaders"]] == [
        (token.id, share) for token, share in after.top(len(row["leaders"]))
    ]


def test_without_values_the_next_row_has_attention_weights():
    trace = gptviz.wrap(build("gpt_neo"), tokenizer()).trace(IDS)
    row, after = ask(gptviz.FlowView(trace), "next_pass"), longer(trace)
    for layer in range(trace.n_layers):
        assert_close(row["carried"][layer], after.attention(layer).mean(0)[-1])
    assert not np.any(row["kept"])


@pytest.mark.parametrize("drawn", [6, len(IDS), len(IDS) + 1])
def test_the_next_row_fits_a_page_that_draws_the_last_tokens(monkeypatch, drawn):
    monkeypatch.setattr(flow_shares, "MOST_TOKENS", drawn)
    trace = gptviz.wrap(build("llama"), tokenizer()).trace(IDS)
    view = gptviz.FlowView(trace)
    row, flow = ask(view, "next_pass"), lens.flow(longer(trace))
    tokens = view._about["tokens"]
    assert all(len(shares) == len(tokens) + 1 for shares in row["carried"])
    for layer in range(trace.n_layers):
        exact = flow.attention(layer)[-1]
        assert_close(row["carried"][layer][-3:], exact[-3:], scale=1.0)
        assert_close(sum(row["carried"][layer]), exact.sum(), scale=1.0)


def test_a_model_that_reads_a_longer_text_in_another_way_has_no_next_row(gpt):
    trace = gpt.trace(PROMPT)
    gpt.length_of_short_texts = len(trace.tokens)
    with pytest.raises(NotAvailable, match="rows keep their numbers"):
        gptviz.FlowView(trace)._answer_next_pass()
    gpt.length_of_short_texts += 1
    assert ask(gptviz.FlowView(trace), "next_pass")["token"]["position"] == len(trace.tokens)


def test_a_text_that_fills_the_context_has_no_next_row():
    gpt = gptviz.wrap(strong_gpt2(n_positions=16), tokenizer())
    view = gptviz.FlowView(gpt.trace([(7 * i) % 250 for i in range(16)]))
    assert ask(view, "draw")["token"]
    with pytest.raises(GPTVizError, match="16"):
        view._answer_next_pass()


def test_a_saved_trace_has_a_draw_and_no_next_row(gpt, tmp_path):
    trace = gpt.trace(PROMPT)
    view = gptviz.FlowView(gptviz.open_trace(trace.save(tmp_path / "trace.safetensors")))
    assert ask(view, "draw") == ask(gptviz.FlowView(trace), "draw")
    with pytest.raises(NotAvailable, match="opened from a file"):
        view._answer_next_pass()
    names = [name for name, _ in view._page_questions()]
    assert "draw" in names and "next_pass" not in names


def test_cuts_do_not_change_what_is_played(gpt):
    trace = gpt.trace(PROMPT)
    cut = gptviz.FlowView(trace, edits=[gptviz.ablate_mlp(0)])
    for name in ("draw", "next_pass"):
        assert ask(cut, name) == ask(gptviz.FlowView(trace), name)
