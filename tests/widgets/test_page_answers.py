"""Answers that an exported page keeps: they equal those of the kernel, and are computed once for all tokens."""

from collections import Counter

import pytest
from families import IDS, build, tokenizer

import gptviz
from gptviz.model.attention_of_pass import AttentionOfPass
from gptviz.pages.wire import pack

LONG = [(7 * i * i + 3 * i) % 250 for i in range(60)]


def of_page(view):
    """Returns the answers that an exported page keeps, by question."""
    return {(name, *sorted(args.items())): answer for name, args, answer in view.answers_for_a_page()}


def comparable(answer):
    return pack(answer) if hasattr(answer, "dtype") else str(answer)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_neo"])
@pytest.mark.parametrize("kind", [gptviz.BlockView, gptviz.EmbeddingView])
def test_a_page_has_the_kernels_answers(name, kind):
    trace = gptviz.wrap(build(name), tokenizer()).trace(IDS[:5])
    answers = of_page(kind(trace))
    assert len(answers) > 10
    live = kind(trace)
    for (question, *args), answer in answers.items():
        if question != "map":
            expected = live._answer({"kind": "ask", "id": 1, "name": question, "args": dict(args)})
            assert comparable(answer) == comparable(expected), (question, args)


def test_the_page_of_an_embedding_view_runs_the_model_once():
    model = build("llama")
    trace = gptviz.wrap(model, tokenizer()).trace([*IDS, *IDS, *IDS, *IDS][:40])
    passes = []
    handle = model.model.register_forward_hook(lambda *_: passes.append(1))
    answers = of_page(gptviz.EmbeddingView(trace))
    handle.remove()
    assert len([question for question in answers if question[0] == "turned"]) == 40 * 4
    assert len(passes) == 1


def test_the_page_of_a_block_view_computes_each_part_for_all_tokens_together(monkeypatch):
    for module in ("shared.view", "block.block"):
        monkeypatch.setattr(f"gptviz.widgets.{module}.PAGE_TOKENS", 8)
    model = build("llama")
    view = gptviz.BlockView(gptviz.wrap(model, tokenizer()).trace(LONG))
    counts = Counter()
    compute = AttentionOfPass.head_outputs

    def counted(self, layer, head=None):
        counts[layer, head] += 1
        return compute(self, layer, head)

    monkeypatch.setattr(AttentionOfPass, "head_outputs", counted)
    for layer in range(3):
        model.model.layers[layer].mlp.register_forward_hook(lambda *_, layer=layer: counts.update([layer]))
    answers = of_page(view)
    assert max(counts.values()) < 8, "not once for each token"
    paths = [dict(args)["position"] for name, *args in answers if name == "path"]
    assert set(paths) == set(range(52, 60)), "the last tokens"


def test_the_page_of_an_attention_view_computes_each_head_for_all_cells_together(monkeypatch):
    trace = gptviz.wrap(build("llama"), tokenizer()).trace(LONG[:9])
    view = gptviz.AttentionView(trace, layer=1, head=2)
    counts = Counter()

    def counted(name):
        compute = getattr(AttentionOfPass, name)

        def count(self, layer, head=None):
            counts[name, layer, head] += 1
            return compute(self, layer, head)

        monkeypatch.setattr(AttentionOfPass, name, count)

    for name in ("stages", "sink", "weights", "head_outputs"):
        counted(name)
    answers = of_page(view)
    assert len([question for question in answers if question[0] == "cell"]) == 9 * 9
    assert max(counts.values()) < 5, "not once for each cell"
    live = gptviz.AttentionView(trace, layer=2, head=0)
    for (question, *args), answer in answers.items():
        expected = live._answer({"kind": "ask", "id": 1, "name": question, "args": dict(args)})
        assert comparable(answer) == comparable(expected), (question, args)


def test_the_page_of_an_embedding_view_has_a_picture_of_the_map_and_makes_no_figure(monkeypatch):
    monkeypatch.setattr("gptviz.widgets.embedding.embedding._figure_class", lambda: pytest.fail("a figure"))
    trace = gptviz.wrap(build("llama"), tokenizer()).trace(IDS[:5])
    answers = of_page(gptviz.EmbeddingView(trace))
    light, dark = (answers["map", ("theme", theme)] for theme in ("light", "dark"))
    assert light["figure"] is dark["figure"] is None
    assert light["picture"].startswith("<svg") and light["picture"] != dark["picture"]
