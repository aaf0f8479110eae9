"""The views' Python side: what travels to the page is the trace's own, questions are answered, errors lose nothing."""

import gc
import time
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from close import assert_close, assert_softmax_close
from families import tokenizer
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import GPTVizError, WrongType
from gptviz.pages.modules import bundle
from gptviz.pages.wire import unpack
from gptviz.widgets.shared.chips import describe
from gptviz.widgets.shared.thumbnails import THUMBNAIL, pooled

PACKAGE = Path(gptviz.__file__).parent
TEXT = "the déjà-vu of the thin owl 🦉"


@pytest.fixture(scope="module")
def gpt():
    torch.manual_seed(5)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=907, n_embd=24, n_layer=2, n_head=3, n_positions=200))
    with torch.no_grad():
        for block in model.transformer.h:
            block.attn.c_attn.weight.normal_(0, 0.6)
        model.lm_head.weight.normal_(0, 0.8)
    return gptviz.wrap(model.eval(), tokenizer())


def question(view, name, **args):
    """Ask as the page does; the answer as the page gets it."""
    told = []
    view.send = lambda content, buffers=None: told.append((content, buffers))
    view._on_message(view, {"kind": "ask", "id": 7, "name": name, "args": args}, [])
    ((content, buffers),) = told
    assert content["kind"] == "answer" and content["id"] == 7
    if content.get("error"):
        raise AssertionError(content["error"])
    return unpack(content["array"], buffers[0]) if content["array"] else content["value"]


# The modules of the page


@pytest.mark.parametrize("name", ["prompt", "tokens", "embedding", "attention", "block", "sampling", "timeline"])
def test_a_bundle_is_one_module_without_imports(name):
    source = bundle(PACKAGE / "widgets" / name / f"{name}.js")
    assert "import " not in [line[:7] for line in source.splitlines()]
    assert source.count("export default") == 1
    assert source.count("function element(") == 1


def test_no_module_writes_markup_or_asks_the_network():
    for path in PACKAGE.rglob("*.js"):
        source = path.read_text(encoding="utf-8")
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttp"):
            assert word not in source, f"{path.name} uses {word}"
        assert "://" not in source.replace("http://www.w3.org/2000/svg", ""), path.name
    for path in PACKAGE.rglob("*.css"):
        assert "url(" not in path.read_text(encoding="utf-8") and "@import" not in path.read_text(encoding="utf-8")


def test_no_element_keeps_all_keys_from_jupyterlab():
    """`frame` lets through what JupyterLab is for, Ctrl and S above all; the attribute would not."""
    assert not [
        path.name for path in PACKAGE.rglob("*.js") if "lm-suppress-shortcuts" in path.read_text(encoding="utf-8")
    ]


# The base


def test_unknown_keywords_are_refused_with_the_nearest_name(gpt):
    with pytest.raises(WrongType, match="Did you mean layer"):
        gptviz.AttentionView(gpt.trace(TEXT), layr=1)
    with pytest.raises(WrongType, match="scale"):
        gptviz.TokensView(gpt.trace(TEXT), scale="huge")


def test_a_source_that_is_no_trace_is_refused():
    with pytest.raises(WrongType, match="Trace or a PromptBox"):
        gptviz.AttentionView("Once upon a time")


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        {},
        {"kind": "ask"},
        {"kind": "ask", "id": 1, "name": "_shown", "args": {}},
        {"kind": "ask", "id": 1, "name": "head", "args": {}},
        {"kind": "ask", "id": 1, "name": "head", "args": {"layer": 99, "head": 0}},
        {"kind": "ask", "id": 1, "name": "head", "args": {"layer": "0", "head": 0}},
        {"kind": "ask", "id": 1, "name": "head", "args": [0, 0]},
        {"kind": "ask", "id": "1; drop", "name": "head", "args": {"layer": 0, "head": 0}},
    ],
)
def test_a_malformed_message_is_answered_with_an_error_and_the_view_lives(gpt, message):
    view = gptviz.AttentionView(gpt.trace(TEXT))
    told = []
    view.send = lambda content, buffers=None: told.append(content)
    view._on_message(view, message, [])
    (answer,) = told
    assert answer["error"]
    size = len(view.trace.tokens)
    assert question(view, "head", layer=1, head=2).shape == (size * (size + 1) // 2,)


@pytest.mark.parametrize("wrong", [99, -1, "0", 0.5, None])
def test_a_head_or_a_row_that_is_not_there_is_refused_in_words(gpt, wrong):
    view = gptviz.AttentionView(gpt.trace("the owl sat"))
    asked = {"head": {}, "stages": {}, "stage": {"stage": "raw"}, "cell": {"query": 1, "key": 0}, "mix": {"query": 1}}
    for name, more in asked.items():
        right = {"layer": 0, "head": 0, **more}
        view._answer({"kind": "ask", "id": 1, "name": name, "args": right})
        for one in right:
            with pytest.raises(GPTVizError, match=r"Expected .* Got "):
                view._answer({"kind": "ask", "id": 1, "name": name, "args": right | {one: wrong}})


def test_a_token_is_described_as_text_or_as_its_bytes(gpt):
    described = [describe(token) for token in gpt.trace(TEXT).tokens]
    assert b"".join(bytes.fromhex(d["bytes"]) if d["bytes"] else d["text"].encode() for d in described) == TEXT.encode()
    assert any(d["bytes"] for d in described), "the owl's bytes are pieces of a character"
    assert not any("\ufffd" in d["text"] or "\\x" in d["text"] for d in described)


# The prompt box and what follows it


def test_every_follower_shows_the_new_prompt_and_closed_ones_are_let_go(gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    views = [gptviz.TokensView(box), gptviz.AttentionView(box), gptviz.SamplingBench(box)]
    sources = [view._source for view in views]
    question(box, "run", prompt=TEXT)
    assert all(view.trace is box.trace for view in views)
    assert [view._source for view in views] > sources
    assert [d["id"] for d in views[0]._tokens] == [token.id for token in gpt.trace(TEXT).tokens]
    views[0].close()
    reference = weakref.ref(views.pop(0))
    box.prompt = "the thin owl"
    assert views[0].trace.text == "the thin owl"
    gc.collect()
    assert reference() is None or reference().trace.text == TEXT


def test_a_prompt_that_is_refused_leaves_all_as_it_was(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    view = gptviz.TokensView(box)
    with pytest.raises(AssertionError, match="200"):
        question(box, "run", prompt="owl " * 400)
    assert box.prompt == TEXT
    assert view.trace.text == TEXT
    with pytest.raises(GPTVizError):
        box.run("")
    assert box.trace.text == TEXT


def test_the_box_refuses_what_is_no_text_and_no_gpt(gpt):
    with pytest.raises(WrongType, match="text"):
        gptviz.PromptBox([1, 2], gpt=gpt)
    with pytest.raises(WrongType, match="GPT"):
        gptviz.PromptBox("a", gpt=gpt.model)


# Attention


def test_thumbnails_are_the_maps_pooled_by_their_largest_weight():
    rng = np.random.default_rng(0)
    maps = rng.random((2, 70, 70)).astype(np.float32)
    small = pooled(maps)
    assert small.shape == (2, THUMBNAIL, THUMBNAIL) or small.shape[-1] <= THUMBNAIL
    assert small.max() == maps.max()
    np.testing.assert_array_equal(pooled(maps[:, :20, :20]), maps[:, :20, :20])
    marked = np.zeros((1, 70, 70), np.float32)
    marked[0, 69, 3] = 1
    assert pooled(marked)[0, -1, 0:3].max() == 1


@pytest.mark.parametrize("text", [TEXT, "the owl " * 24])
def test_the_grid_and_the_open_head_are_the_traces_own(gpt, text):
    trace = gpt.trace(text)
    view = gptviz.AttentionView(trace, layer=1, head=2)
    side = view._about["side"]
    small = np.frombuffer(view._thumbnails, np.uint8).reshape(2, 3, side, side)
    np.testing.assert_allclose(small[1, 2] / 255, pooled(trace.attention(1))[2], atol=0.5 / 255 + 1e-6)
    rows, columns = np.tril_indices(len(trace.tokens))
    np.testing.assert_array_equal(question(view, "head", layer=0, head=1), trace.attention(0, 1)[rows, columns])
    scaled = question(view, "stage", layer=1, head=2, stage="scaled")
    np.testing.assert_array_equal(scaled, trace.scores(1, 2, "scaled"))
    masked = question(view, "stage", layer=1, head=2, stage="masked")
    np.testing.assert_array_equal(masked, trace.scores(1, 2, "masked")[rows, columns])
    rows = view.to_table()
    assert rows[-1]["weight"] == pytest.approx(float(trace.attention(1, 2)[-1, -1]))
    assert len(rows) == len(trace.tokens) * (len(trace.tokens) + 1) // 2


def test_a_page_takes_every_heads_stages_and_the_arithmetic_of_the_open_head(gpt):
    trace = gpt.trace(TEXT)
    asked = list(gptviz.AttentionView(trace, layer=1, head=2)._page_questions())
    names = [name for name, _ in asked]
    stages = [i for i, name in enumerate(names) if name == "stage"]
    assert len(stages) == 2 * 3 * len(trace.score_stages(0, 0))
    before = [args for name, args in asked[: stages[-1]] if name in ("mix", "cell")]
    assert all((args["layer"], args["head"], args["query"]) == (1, 2, len(trace.tokens) - 1) for args in before)
    keys = [args["key"] for name, args in asked[: stages[0]] if name == "cell"]
    assert keys == list(range(len(trace.tokens) - 1, -1, -1)), "the open row can be followed in any page"
    assert len({str(one) for one in asked}) == len(asked)
    assert names.count("cell") == len(trace.tokens) ** 2
    cells = [args for name, args in asked if name in ("mix", "cell")]
    assert {(args["layer"], args["head"]) for args in cells} == {(1, 2)}, "the other heads' would fill any page"


def test_a_head_that_is_not_there_is_refused_and_the_old_one_stays(gpt):
    view = gptviz.AttentionView(gpt.trace(TEXT), layer=1)
    with pytest.raises(GPTVizError, match="2 layers"):
        view.layer = 2
    assert view.layer == 1


# The timeline


def test_the_timeline_of_a_completion_shows_its_steps(gpt):
    completion = gpt.complete(TEXT, max_tokens=6, n=2, seed=3, top_k=20)
    view = gptviz.GenerationTimeline(completion, choice=1)
    steps = completion.choices[1].steps
    news = question(view, "news", source=-1, have=0, choice=1)
    assert news["done"] and len(news["branches"]) == 2 and news["seed"] == 3
    assert news["text"] == completion.choices[1].text
    assert [s["token"]["id"] for s in news["steps"]] == [step.token.id for step in steps]
    assert [s["probability"] for s in news["steps"]] == [step.probability for step in steps]
    assert [row["sampling_probability"] for row in view.to_table()] == [step.sampling_probability for step in steps]
    again = question(view, "news", source=news["source"], have=4, choice=1)
    assert again["from"] == 4 and len(again["steps"]) == len(steps) - 4
    alternatives = news["steps"][2]["alternatives"]
    assert [(a["token"]["id"], a["probability"], a["sampling"]) for a in alternatives] == [
        (a.token.id, a.probability, a.sampling_probability) for a in steps[2].alternatives
    ]
    with pytest.raises(AssertionError, match="gpt=gpt"):
        question(view, "force", step=2, id=alternatives[1]["token"]["id"])


def test_forcing_a_token_gives_what_complete_gives_for_that_prefix(gpt):
    settings = {"temperature": 1.1, "top_k": 40, "seed": 6}
    completion = gpt.complete(TEXT, max_tokens=12, n=2, stop="zzz", **settings)
    view = gptviz.GenerationTimeline(completion, gpt=gpt, choice=1)
    steps = completion.choices[1].steps
    other = next(a.token for a in steps[4].alternatives if a.token.id != steps[4].token.id)
    assert view.force(4, other.id) == 2 == view.choice
    view.wait(60)
    prefix = [t.id for t in completion.prompt_tokens] + [s.token.id for s in steps[:4]] + [other.id]
    wanted = gpt.complete(prefix, max_tokens=12 - 5, stop="zzz", **settings).choices[0]
    news = question(view, "news", source=-1, have=0, choice=2)
    assert [s["token"]["id"] for s in news["steps"]] == [*prefix[-5:], *wanted.token_ids]
    assert news["text"] == gpt.decode(prefix[-5:]) + wanted.text
    assert news["finish_reason"] == wanted.finish_reason
    forced = next(a for a in steps[4].alternatives if a.token.id == other.id)
    assert news["steps"][4]["probability"] == forced.probability
    branch = news["branches"][2]
    assert (branch["parent"], branch["at"], branch["token"]["id"]) == (1, 4, other.id)
    deeper = next(a.token for a in wanted.steps[1].alternatives if a.token.id != wanted.steps[1].token.id)
    view.force(6, deeper.id)
    view.wait(60)
    again = question(view, "news", source=-1, have=0, choice=3)
    prefix += [wanted.steps[0].token.id, deeper.id]
    expected = gpt.complete(prefix, max_tokens=12 - 7, stop="zzz", **settings).choices[0]
    assert [s["token"]["id"] for s in again["steps"]][7:] == list(expected.token_ids)
    assert question(view, "news", source=-1, have=0, choice=1)["text"] == completion.choices[1].text
    with pytest.raises(GPTVizError, match="alternatives"):
        view.force(0, gpt.vocab_size - 1)


def test_a_step_s_attention_is_the_row_of_a_trace_and_its_bench_has_its_logits(gpt):
    completion = gpt.complete(TEXT, max_tokens=8, seed=2, temperature=0.9)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    ids = [t.id for t in completion.prompt_tokens] + list(completion.choices[0].token_ids)
    for step in (5, 0):
        at = len(completion.prompt_tokens) + step
        told = question(view, "attention", choice=0, step=step, layer=1, head=2)
        whole = gpt.trace(ids[:at])
        assert_softmax_close(told, whole.attention(1, 2)[-1], whole.scores(1, 2, "scaled"))
        question(view, "bench", step=step)
        assert_close(view._bench.next_token.logits, whole.logits[-1], scale=whole.residual(2))
        assert (view._bench.temperature, view._bench.seed) == (0.9, 2)
        assert view._bench.next_token.previous_ids == ids[:at]


def test_the_cache_holds_what_the_model_had_read(gpt):
    completion = gpt.complete(TEXT, max_tokens=5, n=3, seed=2)
    prompt, config = len(completion.prompt_tokens), gpt.model.config
    for choice in completion.choices:
        for step in choice.steps:
            held, size = step.cached
            assert held == prompt + step.index
            assert size == held * config.n_layer * 2 * config.n_embd * 4


def test_the_timeline_follows_a_box_and_the_same_seed_gives_completes_text(gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    view = gptviz.GenerationTimeline(box, max_tokens=9, temperature=1.1, seed=4)
    wanted = gpt.complete("the owl", max_tokens=9, temperature=1.1, seed=4).choices[0]
    assert view.wait(60).choices[0].token_ids == wanted.token_ids
    box.prompt = TEXT
    wanted = gpt.complete(TEXT, max_tokens=9, temperature=1.1, seed=4).choices[0]
    assert view.wait(60).choices[0].token_ids == wanted.token_ids
    news = question(view, "news", source=0, have=5, choice=0)
    assert news["from"] == 0, "the page showed another generation: it gets this one from its start"
    seed = question(view, "again")
    assert view.wait(60).seed == seed
    assert view.completion.choices[0].token_ids == gpt.complete(
        TEXT, max_tokens=9, temperature=1.1, seed=seed
    ).choices[0].token_ids  # fmt: skip


def test_a_generation_can_be_stopped_and_a_new_prompt_stops_the_old_one(gpt):
    box = gptviz.PromptBox("the", gpt=gpt)
    view = gptviz.GenerationTimeline(box, max_tokens=190, seed=1)
    first = view._run
    (thread,) = view._threads
    while not first.branches[0].steps:
        time.sleep(0.001)
    question(view, "stop")
    assert view.wait(60).choices[0].finish_reason == "interrupted"
    box.prompt = "the owl"
    second = view._run
    box.prompt = TEXT
    assert second.branches[0].cancel.is_set()
    thread.join(60)
    assert view.wait(60).prompt == TEXT


def test_what_goes_wrong_while_generating_is_told(gpt, monkeypatch):
    from gptviz.generation import loop as generation

    def broken(*_):
        raise RuntimeError("out of memory")

    box = gptviz.PromptBox("the", gpt=gpt)
    monkeypatch.setattr(generation, "_forward", broken)
    view = gptviz.GenerationTimeline(box, max_tokens=5, seed=1)
    view._threads[0].join(60)
    news = question(view, "news", source=-1, have=0, choice=0)
    assert news["done"] and "out of memory" in news["problem"]
    with pytest.raises(GPTVizError, match="out of memory"):
        view.wait()


def test_the_timeline_refuses_bad_settings_at_once(gpt):
    box = gptviz.PromptBox("the", gpt=gpt)
    with pytest.raises(WrongType, match="Did you mean temperature"):
        gptviz.GenerationTimeline(box, temperatur=1)
    with pytest.raises(GPTVizError, match="top_p"):
        gptviz.GenerationTimeline(box, top_p=0)
    with pytest.raises(WrongType, match="Completion"):
        gptviz.GenerationTimeline(gpt.trace("the"))
    with pytest.raises(WrongType, match="PromptBox"):
        gptviz.GenerationTimeline(gpt.complete("the", max_tokens=2), seed=3)
    view = gptviz.GenerationTimeline(gpt.complete("the", max_tokens=2))
    with pytest.raises(GPTVizError, match="choice"):
        view.choice = 1
