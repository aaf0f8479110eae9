"""The Explorer's Python side: its sentences' numbers are the trace's own, its stations share one prompt and selection."""

import numpy as np
import pytest
import torch
from families import build, tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import GPTVizError
from gptviz.widgets.explorer import station_numbers

TEXT = "the déjà-vu of the thin owl"


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(5)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=907, n_embd=24, n_layer=2, n_head=3, n_positions=64))
    with torch.no_grad():
        for block in model.transformer.h:
            block.attn.c_attn.weight.normal_(0, 0.6)
        model.lm_head.weight.normal_(0, 0.8)
    return gptviz.wrap(model.eval(), tokenizer())


def test_the_sentences_numbers_are_the_traces(gpt):
    trace = gpt.trace(TEXT)
    numbers = station_numbers(trace)
    last = len(trace.tokens) - 1
    assert numbers["tokens"] == {"characters": len(TEXT), "tokens": len(trace.tokens), "marks": 0}
    assert (numbers["embedding"]["position"], numbers["embedding"]["id"]) == (last, trace.tokens[-1].id)
    attention = numbers["attention"]
    maps = trace.attention()[:, :, last, :last]
    assert attention["weight"] == pytest.approx(float(maps.max()))
    assert maps[attention["layer"], attention["head"], attention["key"]] == maps.max()
    assert attention["stream"][1] == pytest.approx(float(np.linalg.norm(trace.residual(2)[last])), rel=1e-6)
    p = trace.probabilities().astype(np.float64)
    assert numbers["sampling"]["entropy"] == pytest.approx(float(-(p * np.log2(p)).sum()), rel=1e-5)
    assert numbers["logits"]["leader"]["id"] == int(trace.logits[-1].argmax())


def test_rotary_positions_have_no_row_of_a_table():
    trace = gptviz.wrap(build("llama"), tokenizer()).trace([5, 9, 2, 31])
    assert station_numbers(trace)["embedding"]["position"] is None


def test_a_text_of_one_token_looks_at_nobody(gpt):
    attention = station_numbers(gpt.trace([7]))["attention"]
    assert attention["key"] is attention["looked"] is None


def test_every_station_follows_and_earlier_prompts_are_kept(gpt):
    page = gptviz.explore(TEXT, gpt=gpt)
    page.prompt = "the owl"
    shown = [view.trace for name, view in page._stations.items()]
    assert all(trace is page.box.trace for trace in shown)
    assert page._history == ["the owl", TEXT]
    assert page._about["tokens"]["characters"] == 7
    assert len({view._selection for view in page._stations.values()} | {page._selection}) == 1
    with pytest.raises(GPTVizError):
        page.prompt = "owl " * 100
    assert page.prompt == "the owl"


def test_a_drawn_token_is_appended_as_it_is(gpt):
    page = gptviz.explore("the owl", gpt=gpt)
    before = [token.id for token in page.trace.tokens]
    bench = page._stations["sampling"]
    assert bench._can_append
    bench._answer_append(200)
    assert [token.id for token in page.trace.tokens] == [*before, 200]
    assert bench.trace is page.trace
    with pytest.raises(GPTVizError, match="token id"):
        bench._answer_append(907)
    with pytest.raises(GPTVizError, match="PromptBox"):
        gptviz.SamplingBench(page.trace)._answer_append(1)


def test_the_menu_changes_the_model_and_a_refused_one_stays(gpt, monkeypatch):
    other = gptviz.wrap(build("llama"), tokenizer())
    page = gptviz.explore("the owl", gpt=gpt)
    monkeypatch.setattr("gptviz.loading.load", lambda name: other)
    page._answer_use("another")
    assert page.gpt is other
    assert all(view.trace.gpt is other for view in page._stations.values())
    page._stations["generation"].wait(60)
    monkeypatch.undo()
    with pytest.raises(GPTVizError, match="nowhere"):
        page._answer_use("nowhere/at-all")
    assert page.gpt is other
