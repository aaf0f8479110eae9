"""Lesson 13, played in this process: its counts, its mended steps, its costs and its fits against independent truths.

The truth is transformers' own models (built without memory where they are large), its own cache, torch's own counter of
FLOPs, and least squares worked by hand. `tests/browser/test_learning.py` runs the notebook in a kernel.
"""

import json
import re
import sys
import types

import families
import nbformat
import numpy as np
import pytest
import torch
from close import approx_float64, assert_close, assert_softmax_close, rounding
from played import (
    check_an_empty_prompt,
    check_models,
    check_solutions,
    check_views_are_shown,
    check_wrong_guesses,
    run_cell,
)
from shown import half_of_decimal
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel, OpenAIGPTConfig, OpenAIGPTLMHeadModel

import gptviz
from gptviz._paths import assets_dir, notebooks_dir
from gptviz.lessons.printing import PrintedView

LESSONS = ("13_scale",)
CHECKPOINTS = {117: 124_439_808, 345: 354_823_168, 762: 774_030_080, 1542: 1_557_611_200}


@pytest.fixture(scope="module")
def scale(played):
    return played["13_scale"]


@pytest.fixture(scope="module")
def runs():
    return json.loads((assets_dir() / "scaling" / "runs.json").read_text())


def gpt2(layers, width, heads, vocabulary=50257, context=1024, device="meta"):
    """Returns transformers' model of a shape, with random weights; on "meta" it takes no memory."""
    config = GPT2Config(vocab_size=vocabulary, n_positions=context, n_embd=width, n_layer=layers, n_head=heads)
    config._attn_implementation = "eager"
    with torch.device(device):
        return GPT2LMHeadModel(config)


def size(model):
    return size_of(model.parameters())


def size_of(parameters):
    return sum(parameter.numel() for parameter in parameters)


def test_what_would_answer_a_question_is_covered_until_it_is_revealed(scale):
    """The pictures wait; what is printed, and the text, do not have the loss that is to be predicted."""
    pictures = {cell: value for cell, value in scale.values.items() if "lessons.picture(" in scale.sources[cell]}
    assert len(pictures) == 9
    assert {cell for cell, picture in pictures.items() if not picture._covered_by} == {"fit-figure"}
    assert [row["loss, nats a token"] for row in pictures["fit-figure"].to_table()] == scale.names["losses"].tolist()
    shown = "".join(scale.printed.values()) + (notebooks_dir() / "13_scale.ipynb").read_text("utf-8")
    measured = scale.names["largest"]["held_out"][-1]
    assert not [text for text in (f"{measured:.2f}", f"{scale.names['predicted']:.3f}") if text in shown]


def test_a_cell_whose_last_line_is_a_view_shows_one(scale, model):
    check_models(scale, model)
    check_views_are_shown(scale)


def test_a_wrong_guess_gets_a_hint_and_the_truth_is_told_only_when_revealed(scale):
    check_wrong_guesses(scale)


def test_the_exercises_solutions_are_right_and_an_unwritten_one_is_no_error(scale):
    check_solutions(scale)


def test_counts_from_shapes_are_those_of_transformers_models(scale):
    count = scale.names["parameters"]
    for printed, (layers, width) in scale.names["SIZES"].items():
        assert scale.names["GPT2"][printed] == size(gpt2(layers, width, 1)) == CHECKPOINTS[printed]
    with torch.device("meta"):
        first = OpenAIGPTLMHeadModel(OpenAIGPTConfig())
    assert f"{size(first):,}" in scale.printed["gpt2"]
    assert count(12, 768, 40478, 512, final_norm=False) == size(first)
    assert count(96, 12288, 50257, 2048) == size(gpt2(96, 12288, 96, context=2048)) == 174_604_259_328
    assert count(2, 12, 7, 5, inner=20) - count(2, 12, 7, 5) == 2 * (4 * 12 * 8 + 3 * 8)


def test_the_loaded_models_count_is_its_own(scale, reference):
    assert f"{size(reference):,} parameters in its tensors" in scale.printed["own"]
    is_gpt2 = reference.config.model_type == "gpt2"
    assert ("difference 0" in scale.printed["own"]) == is_gpt2
    assert ("the formula is not for it" in scale.printed["own"]) != is_gpt2


def test_the_share_of_the_blocks_is_what_the_tables_and_the_final_norm_leave(scale, reference):
    outside = {id(w): w for w in (reference.get_input_embeddings().weight, reference.get_output_embeddings().weight)}
    outside |= {id(w): w for name, w in reference.named_parameters() if not re.search(r"\.\d+\.", name)}
    share = 1 - size_of(outside.values()) / size(reference)
    assert scale.printed["ladder-share"].endswith(f": {share:.0%} of all parameters are in its blocks\n")


def test_the_printed_totals_of_gpt_2_ask_for_the_vocabulary_of_gpt_1(scale):
    for printed, tokens in zip(scale.names["SIZES"], scale.names["truth"], strict=True):
        layers, width = scale.names["SIZES"][printed]
        assert size(gpt2(layers, width, 1)) - (50257 - tokens) * width == approx_float64(1e6 * printed)
        assert round(size(gpt2(layers, width, 1, vocabulary=40478)) / 1e6) == printed
    assert scale.question("Which vocabulary").reveal() == "40,478, that of GPT-1"


def test_each_row_of_gpt_3_agrees_with_its_printed_total_in_one_reading(scale):
    fits = {}
    for name, (layers, width, heads, d_head, printed) in scale.names["GPT3"].items():
        digits = len(str(printed).rstrip("0"))
        for reading, count in (
            ("everything is d_model wide", size(gpt2(layers, width, 1, context=2048))),
            ("everything is heads × d_head wide", size(gpt2(layers, heads * d_head, 1, context=2048))),
        ):
            assert scale.names["off"](name, reading) == approx_float64(100 * (count / (1e6 * printed) - 1))
            if float(f"{count / 1e6:.{digits}g}") == printed:
                fits.setdefault(name, []).append(reading)
    assert set(fits) == set(scale.names["GPT3"])
    assert scale.printed["largest"].startswith("175B: printed 174.6 billion, computed 174.6 billion (174,604,")
    for row in scale.values["readings-picture"].to_table():
        for reading in scale.names["READINGS"]:
            assert row[reading] == approx_float64(abs(scale.names["off"](row["row"], reading)))
    assert fits["XL or 1.3B"] == ["everything is d_model wide"]
    assert fits["13B"] == ["everything is heads × d_head wide"] == [scale.question("Row 13B").reveal()]


def test_the_five_steps_as_written_are_those_sums(scale, reference, tokenizer):
    trace, table = scale.names["box"].trace, reference.get_input_embeddings().weight.detach().double().numpy()
    rows = np.array(
        [table[tokenizer(word, add_special_tokens=False)["input_ids"]].mean(0) for word in trace.text.split()]
    )
    expected = np.zeros(len(table))
    powers = np.exp(rows @ rows[-1] - (rows @ rows[-1]).max())
    for share, row in zip(powers / powers.sum(), rows, strict=True):
        expected += table @ (share * row)
    assert_close(scale.names["literal"](trace), expected + table @ rows[-1], scale=float(np.abs(table).sum(1).max()))


def test_each_mended_step_is_the_models_own(scale, reference):
    names, trace = scale.names, scale.names["box"].trace
    ids = torch.tensor([[token.id for token in trace.tokens]])
    with torch.no_grad():
        out = reference(ids, output_attentions=True)
    for layer, weights in enumerate(out.attentions):
        assert_softmax_close(names["distribution"](trace, layer), weights[0].numpy(), trace.scores(layer, 0))
    logits = out.logits[0, -1].numpy()
    stream = names["stream"](trace, trace.n_layers)
    assert_close(names["unembed"](stream), logits, scale=[stream, float(np.abs(logits).max())])
    left = names["distances"](trace)
    assert left["norm, unembedding"] == min(left.values()) <= rounding(logits, stream)
    (mended,) = [one for one in scale.exercises if "mended" in one.name]
    assert_close(mended.truth, logits, scale=float(np.abs(logits).max()))


def test_from_which_mend_on_the_favourite_is_the_models(scale, reference):
    """Before the norm it is the token whose row is most similar to the last row of transformers' stream."""
    names, trace, seen = scale.names, scale.names["box"].trace, []
    norm = [part for part in reference.modules() if "Norm" in type(part).__name__][-1]
    hook = norm.register_forward_pre_hook(lambda _, given: seen.append(given[0][0, -1]))
    with torch.no_grad():
        favourite = reference(torch.tensor([[token.id for token in trace.tokens]])).logits[0, -1].argmax().item()
        before = (reference.get_input_embeddings().weight @ seen[0]).argmax().item()
    hook.remove()
    said = names["says"](trace)
    assert (said["blocks"], said["norm, unembedding"]) == (before, favourite)
    is_right = [id == favourite for id in said.values()]
    at = list(said).index(scale.question("From which step").reveal())
    assert all(is_right[at:]) and not any(is_right[at - 1 : at])
    if reference.config.model_type == "gpt2":
        assert list(said)[at] == "blocks", "the word is right before the norm makes the numbers right"


MENDED = ("own", "mend-tokens-print", "mend-tokens", "mend-mask", "mend-mask-check-print", "mend-mask-check", "mend-values-2",
          "mend-values-check-print", "mend-values-check", "mend-blocks", "mend-blocks-2", "mend-blocks-3", "mend-solution",
          "mend-goal", "mend-all", "literal", "literal-steps", "ladder", "ladder-distance", "ladder-distance-2", "ladder-agrees",
          "ladder-hint", "ladder-share", "flops", "flops-2", "flops-3", "flops-question", "flops-question-2")  # fmt: skip


@pytest.mark.parametrize("family", ["gpt_neox", "opt", "gemma2"])
def test_the_mended_steps_and_the_flops_are_those_of_another_family(scale, family):
    """Gemma 2 caps its scores and logits, OPT divides before it compares: there the lesson does not claim the logits."""
    model = families.build(family)
    gpt = gptviz.wrap(model, families.tokenizer())
    names = dict(scale.names, gpt=gpt, config=model.config, table=gpt.token_table())
    names["box"] = box = gptviz.PromptBox("Tom gave a ball to Mary", gpt=gpt)
    printed = {cell: run_cell(scale.sources[cell], cell, names) for cell in MENDED}
    views = [view for _, view in printed.values() if isinstance(view, PrintedView)]
    assert len(views) == 3 and not [view._about["problem"] for view in views if view._about["problem"]]
    with torch.no_grad():
        logits = model(torch.tensor([[token.id for token in box.trace.tokens]])).logits[0, -1].numpy()
    is_whole = family == "gpt_neox"
    assert np.array_equal(names["goal_is"], box.trace.logits[-1]) == is_whole
    assert ("these five steps differ" in printed["mend-all"][0]) != is_whole
    if is_whole:
        stream = names["stream"](box.trace, box.trace.n_layers)
        assert_close(names["unembed"](stream), logits, scale=[stream, float(np.abs(logits).max())])
    is_right = names["says"](box.trace)["norm, unembedding"] == logits.argmax()
    assert (names["agrees_from"](box.trace) == names["NEVER"]) != is_right
    in_blocks = [w for name, w in model.named_parameters() if ".layers." in name]
    assert f"matrices {2 * size_of(w for w in in_blocks if w.ndim == 2):,}," in printed["flops-3"][0]
    assert f"{gpt.name}: {size_of(in_blocks) / size(model):.0%} of all parameters" in printed["ladder-share"][0]


@pytest.mark.parametrize("family", ["mixtral", "gpt_oss"])
def test_of_several_experts_those_of_one_token_count_and_a_head_has_its_own_size(scale, family, monkeypatch):
    """By hand, from the sizes in the configuration: attention, the router, and three matrices of each chosen expert."""
    model = families.build(family)
    config, gpt = model.config, gptviz.wrap(model, families.tokenizer())
    queries, keys = (count * gpt.d_head for count in (config.num_attention_heads, config.num_key_value_heads))
    of_a_block = 2 * gpt.d_model * (queries + keys) + gpt.d_model * config.num_local_experts
    of_a_block += config.num_experts_per_tok * 3 * gpt.d_model * config.intermediate_size
    names, shapes = dict(scale.names, gpt=gpt, config=config), []
    printed = [run_cell(scale.sources[cell], cell, names)[0] for cell in ("flops-2", "flops-3", "time", "time-measure")]
    assert names["own"] == (gpt.n_layers, queries, gpt.n_layers * of_a_block)
    assert f"matrices {2 * gpt.n_layers * of_a_block:,}," in printed[1]
    assert size_of(names["matrices"]) == of_a_block
    look = torch.nn.functional.scaled_dot_product_attention
    spy = lambda q, *given, **more: shapes.append(q.shape) or look(q, *given, **more)  # noqa: E731
    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", spy)
    names["measured"](3)
    assert set(shapes) == {(1, config.num_attention_heads, 3, gpt.d_head)}


LEADERS = "abca"  # the tokens with the highest score as written and after three mends


@pytest.mark.parametrize(("favourite", "given", "says"), [
    ("c", 0, "The favourite is {c}. Look at the steps after it."),
    ("a", 0, "{a} has the highest score, and that is the favourite. A later step gives the highest score to another token."),
    ("b", 1, "A later step gives the highest score to another token. Look at the steps after it."),
    ("z", 3, "{a} has the highest score. The favourite is {z}. No step comes after it."),
    ("z", 0, "Look at the steps after it."),
    ("a", 4, "After at least one of them the favourite has the highest score, and keeps it."),
])  # fmt: skip
def test_the_hint_says_what_a_step_gives_and_where_to_look(scale, monkeypatch, favourite, given, says):
    names, gpt = scale.names, scale.names["gpt"]
    tokens = {letter: gpt.token(gpt.encode(letter, add_special_tokens=False)[0]) for letter in "abcz"}
    steps = dict(zip(("one", "two", "three", "four"), LEADERS, strict=True))
    monkeypatch.setitem(names, "says", lambda _trace: {step: tokens[leader].id for step, leader in steps.items()})
    trace = types.SimpleNamespace(top=lambda _count: [(tokens[favourite], 0.5)])
    hint = names["rung_hint"]([*steps, names["NEVER"]][given], trace)
    assert says.format(**{letter: gptviz.lessons.chip(token) for letter, token in tokens.items()}) in hint


def test_the_hint_sends_back_from_a_step_that_comes_too_late(scale, monkeypatch):
    names, trace = scale.names, scale.names["box"].trace
    favourite = trace.top(1)[0][0]
    monkeypatch.setitem(names, "says", lambda _trace: {"one": -1, "two": favourite.id, "three": favourite.id})
    assert names["rung_hint"]("three", trace).endswith("that is the favourite. Was it so one step before, too?")


def test_the_share_of_a_token_said_before(scale, reference):
    names = scale.names
    distance = names["DISTANCES"][1]
    plain = np.random.default_rng(0).choice(names["gpt"].vocab_size - 8, distance, replace=False) + 4
    ids = [*names["start"], *plain.tolist(), *plain.tolist()]
    with torch.no_grad():
        logits = reference(torch.tensor([ids])).logits[0]
    shares = logits.double().softmax(-1)[range(len(ids) - distance, len(ids) - 1), ids[len(ids) - distance + 1 :]]
    assert names["recalled"](distance) == pytest.approx(shares.mean().item(), rel=rounding(1.0, logits))


def test_the_cache_is_as_large_as_transformers_own(scale, reference):
    with torch.no_grad():
        cache = reference(torch.tensor([[5, 6, 7, 8, 9]]), use_cache=True).past_key_values
    held = [layer.keys for layer in cache.layers] + [layer.values for layer in cache.layers]
    key_width = held[0].shape[1] * held[0].shape[3]
    expected = sum(tensor.numel() * tensor.element_size() for tensor in held)
    assert 1e9 * scale.names["cache_gb"](len(cache.layers), key_width, 5, 4) == approx_float64(expected)
    assert scale.question("KV cache").reveal() == approx_float64(96 * 2 * 12288 * 2048 * 2 / 1e9)
    own, _, largest = scale.values["memory-picture"].drawing.values
    cache = 96 * 2 * 12288 * 1000 * 2 / 1e9
    assert largest == approx_float64([2 * 174_604_259_328 / 1e9, cache, 100 * cache])
    assert own[:2] == approx_float64([2 * size(reference) / 1e9, expected * 1000 / 5 * 2 / 4 / 1e9])


def test_flops_are_those_that_torch_counts(scale):
    """Eager attention computes the masked half as well, which the formula leaves out."""
    layers, width, tokens = 3, 24, 7
    model = gpt2(layers, width, 2, vocabulary=11, context=16, device="cpu").transformer
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.arange(tokens)[None])
    matrices, looking = scale.names["flops"](layers, width, tokens)
    assert counter.get_total_flops() == tokens * (matrices + 2 * looking)


def test_the_law_is_least_squares_of_logarithms(scale, runs):
    x, y = (
        np.log([run[name] if name == "in_blocks" else run[name][-1] for run in runs])
        for name in ("in_blocks", "held_out")
    )
    known = x[:-1] - x[:-1].mean()
    slope = float((known * y[:-1]).sum() / (known**2).sum())
    predicted = np.exp(y[:-1].mean() + slope * (x[-1] - x[:-1].mean()))
    assert scale.names["predicted"] == approx_float64(predicted, predicted * x)  # an error of the slope, times x
    assert scale.names["line"][0] == approx_float64(slope, x * y)
    question, ratio = scale.question("Compare the measured loss"), np.exp(y[-1]) / predicted
    assert question.reveal() == scale.names["SIDES"][0 if ratio < 0.98 else 1 if ratio < 1.02 else 2]
    assert f"{np.exp(y[-1]):.3f} nats" in question._state["explain"]
    table = scale.values["law-picture"].to_table()
    assert [row["loss, nats a token"] for row in table] == approx_float64(np.exp(y))
    assert table[-1]["power_law"] == approx_float64(predicted, predicted * x)


def test_the_best_size_for_a_budget(scale, runs):
    budget, losses = 6 * runs[0]["parameters"] * runs[0]["tokens"][-1], {}
    for run in runs:
        tokens = budget / (6 * run["parameters"])
        after = next(i for i, read in enumerate(run["tokens"]) if read >= tokens)
        (a, b), (low, high) = run["tokens"][after - 1 : after + 1], run["held_out"][after - 1 : after + 1]
        losses[run["width"]] = low + (high - low) * (tokens - a) / (b - a)
        assert scale.names["loss_at"](run, budget) == approx_float64(losses[run["width"]])
    assert scale.question("With 5").reveal() == min(losses, key=losses.get)


def test_the_log_is_made_by_the_code_that_is_shown(scale, runs):
    """Shapes are those of transformers' models; the first losses are those of the run in the notebook."""
    five_models = sys.modules["five_models"]
    for width, run in zip(five_models.WIDTHS, runs, strict=True):
        model = gpt2(run["layers"], width, run["heads"], vocabulary=run["vocabulary"], context=2 * five_models.LENGTH)
        assert (run["width"], run["parameters"]) == (width, size(model))
        assert run["in_blocks"] == size(model.transformer.h) + 2 * width
        assert run["tokens"][-1] == five_models.STEPS * five_models.BATCH * five_models.LENGTH
    live, logged = scale.names["live"].loss, np.array(runs[0]["first_losses"][: len(scale.names["live"].loss)])
    np.testing.assert_allclose(live, logged, atol=half_of_decimal(5) + rounding(logged), rtol=0)


def headings(lesson):
    """Returns the numbers of a lesson's sections, as texts."""
    (path,) = notebooks_dir().glob(f"{lesson}_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return set(re.findall(r"^## (\d) · ", "\n".join(cell.source for cell in cells), re.MULTILINE))


def test_each_sentence_of_the_readers_table_has_a_sense_a_source_and_sections_that_exist():
    cells = nbformat.read(notebooks_dir() / "13_scale.ipynb", as_version=4).cells
    (table,) = [cell.source for cell in cells if "**A reader's table.**" in cell.source]
    _, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    assert len(rows) >= 15
    for row in rows:
        assert len(row) == 4 and "–" not in row, row
        for place in row[3].split(", "):
            other = re.match(r"(\d\d)(.*)", place)
            lesson, sections = other.groups() if other else ("13", place)
            assert set(re.findall(r"\d", sections)) <= headings(lesson), row


@pytest.mark.parametrize("lesson", LESSONS)
def test_an_empty_prompt_is_no_error(played, lesson):
    check_an_empty_prompt(played[lesson])
