"""The view models of a live page against the views' Python classes: the same traits and the same answers for every text."""

import pytest
import torch
from engine import CHINESE, LONG
from live import LivePages, assert_same_answer, assert_same_traits
from small_models import gpt_for_any_text
from transformers import GPT2Config, GPT2LMHeadModel

import gptviz
from gptviz.errors import GPTVizError
from gptviz.handout.pocket import pocket_views
from gptviz.pages.model_files import round_weights

BOX, FLOW, TOKENS, EMBEDDING, ATTENTION, BLOCK, BENCH, TIMELINE, INTERVENTION = range(9)  # of `pocket_views`, in order
TEXTS = [
    "Tom and Mary went to the park. Tom gave a ball to", "One day", "", CHINESE[:12], "🦉 👩‍👩‍👧 1½ <|endoftext|> x",
    "\n  don't\t<script>alert('x')</script>", LONG[:300], LONG[:1200],
]  # fmt: skip


@pytest.fixture(scope="module")
def gpt():
    return gptviz.load()


@pytest.fixture(scope="module")
def pages(gpt, tmp_path_factory):
    return LivePages(lambda: pocket_views(gpt), gpt, tmp_path_factory.mktemp("model"))


def scale_of(trace):
    """What goes into the numbers of a pass."""
    return [trace.residual(trace.n_layers), trace.residual(3), trace.logits]


def test_every_view_has_the_same_traits_for_every_text(gpt, pages):
    results = pages.run([(BOX, "run", {"prompt": text}) for text in TEXTS])
    for text, (expected, answer, of_python, of_page) in zip(TEXTS, results, strict=True):
        assert_same_answer(expected, answer, ())
        assert answer["value"] == len(gpt.encode(text))
        scale = scale_of(gpt.trace(text))
        for expected_traits, traits in zip(of_python, of_page, strict=True):
            assert_same_traits(expected_traits, traits, scale)


def test_prompts_are_kept_appended_to_refused_and_forgotten(gpt, pages):
    drawn = gpt.encode("🦉", add_special_tokens=False)[0]  # the first bytes of a character
    too_long = LONG * 2
    steps = [
        (BOX, "run", {"prompt": "One day"}),
        (BENCH, "append", {"id": drawn}),
        (BENCH, "append", {"id": 0}),
        (BENCH, "append", {"id": 40}),
        (BOX, "run", {"prompt": too_long}),
        (BOX, "run", {"prompt": "One day"}),
        (BOX, "run", {"prompt": "One day"}),
        (BOX, "forget", {}),
        (ATTENTION, {"_explained": True}),
        *((BOX, "run", {"prompt": f"prompt {i}"}) for i in range(14)),
    ]
    results = pages.run(steps)
    assert [result[0][0].get("code") for result in results if result[0] and "error" in result[0][0]] == [
        "prompt_too_long"
    ]
    for step, (expected, answer, of_python, of_page) in zip(steps, results, strict=True):
        if expected:
            assert_same_answer(expected, answer, ())
        for expected_traits, traits in zip(of_python, of_page, strict=True):
            assert_same_traits(expected_traits, traits, 200.0)
        assert step


def test_tokens_are_put_together_alike(gpt, pages):
    text = "Underneath the 从前 birds’ 🦉<|endoftext|>123, don't"
    count = len(gpt.encode(text))
    steps = [(BOX, "run", {"prompt": text}), *((TOKENS, "merges", {"position": i}) for i in range(count))]
    steps += [(TOKENS, "token", {"id": 300}), (BOX, "run", {"prompt": "a" * 100}), (TOKENS, "merges", {"position": 2})]
    for expected, answer, _, _ in pages.run(steps):
        assert_same_answer(expected, answer, ())


def test_the_arithmetic_of_heads_is_the_same(gpt, pages):
    text = TEXTS[0]
    trace = gpt.trace(text)
    last = len(trace.tokens) - 1
    steps = [(BOX, "run", {"prompt": text})]
    for layer, head in [(0, 5), (4, 7)]:
        where = {"layer": layer, "head": head}
        steps += [(ATTENTION, "head", where), (ATTENTION, "stages", where)]
        steps += [(ATTENTION, "stage", where | {"stage": name}) for name in trace.score_stages(layer, head)]
        for query, key in [(last, 3), (4, 4), (2, 6), (0, 0)]:
            steps += [(ATTENTION, "cell", where | {"query": query, "key": key})]
            steps += [(ATTENTION, "mix", where | {"query": query})]
    scores = [trace.scores(layer, head, "raw") for layer, head in [(0, 5), (4, 7)]]
    for expected, answer, _, _ in pages.run(steps):
        assert_same_answer(expected, answer, [*scale_of(trace), *scores])


def test_places_that_do_not_exist_are_refused_alike(pages):
    steps = [
        (ATTENTION, "head", {"layer": 6, "head": 0}),
        (ATTENTION, "head", {"layer": 0, "head": -1}),
        (ATTENTION, "cell", {"layer": 0, "head": 0, "query": 99, "key": 0}),
        (ATTENTION, "mix", {"layer": 0, "head": 0, "query": 77}),
    ]
    for expected, answer, _, _ in pages.run(steps):
        assert expected[0]["code"] == "out_of_range"
        assert answer["code"] == "out_of_range" and answer["facts"]["what"] == expected[0]["facts"]["what"]


def test_generated_steps_branches_and_their_bench_are_the_same(gpt, pages):
    text = "Tom and Mary went to the park."
    ask_all = (TIMELINE, "news", {"source": -1, "have": 0, "choice": 0})
    steps = [
        ask_all,  # of the text with which the page opens
        (BOX, "run", {"prompt": text}),
        ask_all,
        (TIMELINE, "attention", {"choice": 0, "step": 4, "layer": 2, "head": 3}),
        (TIMELINE, "attention", {"choice": 0, "step": 0, "layer": 5, "head": 0}),
        (TIMELINE, "bench", {"step": 6}),
        (TIMELINE, "opening", {"choice": 0}),
        (TIMELINE, "force", {"step": 3, "id": 0}),  # refused: no alternative
        (TIMELINE, "attention", {"choice": 7, "step": 0, "layer": 0, "head": 0}),
    ]
    steps[7:7] = [
        (TIMELINE, "force", {"step": 3, "id": forced_id(gpt, text, 3)}),
        (TIMELINE, "news", {"source": -1, "have": 0, "choice": 1}),
        (TIMELINE, {"choice": 0}),
        ask_all,
    ]
    results = pages.run(steps)
    trace = gpt.trace(text)
    scale = [*scale_of(trace), trace.scores(2, 3, "raw"), trace.scores(5, 0, "raw"), 120.0]
    for step, (expected, answer, of_python, of_page) in zip(steps, results, strict=True):
        if expected and step[1] != "bench":  # whose answer is a reference
            assert_same_answer(expected, answer, scale)
        for expected_traits, traits in zip(of_python, of_page, strict=True):
            assert_same_traits(expected_traits, traits, scale)
    assert len(results[8][1]["value"]["steps"]) > 10


def forced_id(gpt, text, step):
    """Returns the id of the second alternative of a step of the text that follows."""
    first = gpt.complete(text, max_tokens=40, seed=1).choices[0].steps[step]
    return next(one.token.id for one in first.alternatives if one.token.id != first.token.id)


INTERVENED = "Once upon a time there was a little girl. One day she"
EDITS = [
    [],
    [{"kind": "ablate_head", "layer": 0, "head": 5}],
    [{"kind": "ablate_mlp", "layer": 2}, {"kind": "ablate_head", "layer": 5, "head": 1}],
    [{"kind": "set_attention", "layer": 3, "head": 2, "query": 4, "weights": [0.00001, 1, 0, 2.5, 1e-7]}],
    [{"kind": "ablate_key", "layer": 3, "query": 13, "key": 2, "renormalise": False}],
    [{"kind": "ablate_attention", "layer": 1, "position": 3}, {"kind": "scale_head", "layer": 1, "head": 0, "factor": 3}],
    [{"kind": "patch", "layer": 2, "position": 10, "source": {"held": 0}}],
    [{"kind": "patch", "layer": 2, "position": 13, "source": {"held": 0}, "site": "head_output", "head": 4}],
    [{"kind": "patch", "layer": 9, "position": 3, "source": {"held": 0}}],
    [{"kind": "ablate_head", "layer": 6, "head": 0}],
]  # fmt: skip


def test_edited_passes_have_the_same_outcome(gpt, pages):
    steps = [
        (BOX, "run", {"prompt": INTERVENED}),
        (INTERVENTION, "source", {"prompt": "Once upon a time there was a little boy. One day he"}),
        (INTERVENTION, "source", {"prompt": "too short"}),
        *((INTERVENTION, "outcome", {"edits": edits, "watched": 300}) for edits in EDITS),
        (INTERVENTION, "row", {"layer": 3, "head": 2, "query": 4}),
        (INTERVENTION, "watch", {"text": " park"}),
        (INTERVENTION, "watch", {"text": "no single token"}),
        (INTERVENTION, {"_edits": [*EDITS[1], *EDITS[3], *EDITS[6]]}),
        (BOX, "run", {"prompt": "One day"}),
    ]
    trace = gpt.trace(INTERVENED)
    scale = scale_of(trace)
    for step, (expected, answer, of_python, of_page) in zip(steps, pages.run(steps), strict=True):
        if expected:
            assert_same_answer(expected, answer, scale)
        for expected_traits, traits in zip(of_python, of_page, strict=True):
            assert_same_traits(expected_traits, traits, scale)
        assert step


def test_a_sweep_is_the_same(gpt, pages):
    id = gpt.trace(INTERVENED).top(1)[0][0].id
    steps = [(BOX, "run", {"prompt": INTERVENED}), (INTERVENTION, "sweep", {"watched": id})]
    for expected, answer, _, _ in pages.run(steps):
        assert_same_answer(expected, answer, scale_of(gpt.trace(INTERVENED)))


def test_the_picture_answers_alike(gpt, pages):
    trace = gpt.trace(INTERVENED)
    last = len(trace.tokens) - 1
    cuts = [
        [{"kind": "ablate_attention", "layer": 2, "position": 5}],
        [{"kind": "ablate_key", "layer": 3, "query": last, "key": 2}, {"kind": "ablate_head", "layer": 0, "head": 5}],
    ]
    steps = [
        (BOX, "run", {"prompt": INTERVENED}),
        *((FLOW, "lens", {"position": position}) for position in (0, 4, last)),
        *((FLOW, "cuts", {"position": position}) for position in (0, 4, last)),
        *((FLOW, "outcome", {"edits": edits, "position": position}) for edits in cuts for position in (7, last)),
        (FLOW, "maps", {"layer": 1}),
        (FLOW, "heads", {"layer": 2}),
        *((FLOW, "block", {"layer": layer, "position": position}) for layer, position in [(0, 0), (4, last)]),
        (FLOW, "draw", {}),
        (FLOW, "next_pass", {}),
        (FLOW, "block", {"layer": 4, "position": last + 1}),
        (FLOW, {"_edits": cuts[1]}),
    ]
    for step, (expected, answer, of_python, of_page) in zip(steps, pages.run(steps), strict=True):
        if expected:
            assert_same_answer(expected, answer, scale_of(trace))
        assert_same_traits(of_python[INTERVENTION], of_page[INTERVENTION], scale_of(trace))
        assert step


def test_blocks_are_pooled_and_early_tokens_are_one_in_the_picture(tmp_path):
    """A model of 10 blocks has 8 columns, and of 300 tokens the last 256 are drawn."""
    torch.manual_seed(2)
    config = GPT2Config(n_layer=10, n_head=2, n_embd=16, n_positions=400, vocab_size=4096)
    gpt = gptviz.wrap(GPT2LMHeadModel(config).eval(), gptviz.load().tokenizer)
    round_weights(gpt)
    pages = LivePages(lambda: pocket_views(gpt, "One day"), gpt, tmp_path)
    asked = [("next_pass", {}), ("heads", {"layer": 3}), *(("column", {"column": column}) for column in (0, 2, 8))]
    steps = [(BOX, "run", {"prompt": LONG[:1150]}), *((FLOW, *question) for question in asked)]
    for expected, answer, of_python, of_page in pages.run(steps):
        assert_same_answer(expected, answer, 10.0)
        assert_same_traits(of_python[FLOW], of_page[FLOW], 10.0)
    assert of_python[FLOW][0]["_about"]["columns"][0] == [0, 1]
    assert of_python[FLOW][0]["_about"]["tokens"][0]["earlier"] > 0


def test_blocks_and_embeddings_are_the_same(gpt, pages):
    trace = gpt.trace(INTERVENED)
    last = len(trace.tokens) - 1
    steps = [(BOX, "run", {"prompt": INTERVENED})]
    for layer, position in [(0, 0), (3, 7), (5, last)]:
        where = {"layer": layer, "position": position}
        steps += [(BLOCK, "path", where), (BLOCK, "strips", where), (BLOCK, "leaders", {"position": position})]
        steps += [(BLOCK, "shares", where | {"id": id}) for id in (300, trace.top(1, position)[0][0].id)]
        steps += [(EMBEDDING, name, {"position": position}) for name in ("rows", "neighbours")]
    steps += [(BLOCK, "leaders", {"position": -1}), (EMBEDDING, "neighbours", {"position": last + 1})]
    for expected, answer, _, _ in pages.run(steps):
        assert_same_answer(expected, answer, [*scale_of(trace), *(trace.mlp_out(layer) for layer in range(6))])


def test_the_explorer_has_the_same_numbers(gpt, tmp_path):
    pages = LivePages(lambda: [gptviz.explore("One day", gpt=gpt)], gpt, tmp_path)
    explorer, box = 0, 1
    steps = [(box, "run", {"prompt": text}) for text in TEXTS[:5]] + [(explorer, "written", {})]
    results = pages.run(steps)
    for text, (expected, answer, of_python, of_page) in zip([*TEXTS[:5], TEXTS[4]], results, strict=True):
        assert_same_answer(expected, answer, ())
        assert_same_traits(of_python[explorer], of_page[explorer], scale_of(gpt.trace(text)))


def test_an_explorer_is_saved_with_its_model(tmp_path, gpt):
    path = gptviz.explore("One day", gpt=gpt).save_html(tmp_path / "live.html", live=True)
    assert 16e6 < path.stat().st_size < 20e6
    with pytest.raises(GPTVizError, match="float16 holds exactly"):
        gptviz.explore("One day", gpt=gpt_for_any_text()).save_html(tmp_path / "other.html", live=True)
    assert not (tmp_path / "other.html").exists()
