"""The intervention view of encoder-decoders: each number is that of an untouched model with a hook that does the same."""

import numpy as np
import pytest
import torch
from close import assert_close, assert_float32_softmax_close, rounding
from families import tokenizer
from hooked import input_hook, output_hook
from page_messages import ask
from sequences import HEADS, LAYERS, SEQUENCES, model_of, processor, trace_of, truth_of

import gptviz
from gptviz.errors import NotAvailable, OutOfRange
from gptviz.intervention import as_code

NAME = "m2m_100"
SOURCE, TARGET, OTHER = "the thin owl", "a new king", "a red king"
STACKS = {"encoder": (2, 3), "decoder": (LAYERS, HEADS), "cross": (LAYERS, HEADS)}


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(model_of(NAME), tokenizer())


def module_of(stack, layer, inside):
    attention = SEQUENCES[NAME].attention[stack == "cross"]
    return f"{SEQUENCES[NAME].blocks[stack != 'encoder']}.{layer}.{attention if inside == 'heads' else inside}"


def off_hook(stack, layer, head):
    """Returns a hook that switches a head off, or the MLP if head is None."""
    if head is None:
        return output_hook(module_of(stack, layer, "fc2"), torch.zeros_like)
    width = model_of(NAME).config.d_model // STACKS[stack][1]

    def silence(x):
        x[..., head * width : (head + 1) * width] = 0
        return x

    return input_hook(f"{module_of(stack, layer, 'heads')}.{SEQUENCES[NAME].projection}", silence)


def probabilities(trace, *hooks):
    """Returns the next token's probabilities, (vocab,), by transformers alone, with hooks."""
    handles = [register(model_of(NAME)) for register in hooks]
    ids, source = ([[token.id for token in tokens]] for tokens in (trace.tokens, trace.source_tokens))
    logits = model_of(NAME)(torch.tensor(source), decoder_input_ids=torch.tensor(ids), use_cache=False).logits[0, -1]
    for handle in handles:
        handle.remove()
    return logits.double().softmax(-1).numpy()


def bound(trace):
    """How near, relative to each, two computations of this pass's probabilities must be: by the logits' own rounding."""
    return rounding(trace.logits, trace.residual(trace.n_layers))


def test_edits_of_all_stacks_act_together(gpt):
    trace = gpt.trace(SOURCE, TARGET)
    edits = [
        gptviz.ablate_head(1, 2, stack="cross"), gptviz.ablate_mlp(0, stack="encoder"), gptviz.ablate_head(2, 1)
    ]  # fmt: skip
    view = gptviz.InterventionView(trace, edits=edits)
    assert view.edits == tuple(edits)
    outcome = ask(view, "outcome", edits=view._edits)
    before = probabilities(trace)
    after = probabilities(trace, off_hook("cross", 1, 2), off_hook("encoder", 0, None), off_hook("decoder", 2, 1))
    assert (
        outcome["moved"] == pytest.approx(np.abs(after - before).sum() / 2, abs=bound(trace))
        and outcome["moved"] > 1e-3
    )
    for row in outcome["movers"]:
        assert row["before"] == pytest.approx(before[row["token"]["id"]], rel=bound(trace))
        assert row["after"] == pytest.approx(after[row["token"]["id"]], rel=bound(trace))
    again = {"gpt": gpt, "gptviz": gptviz}
    exec(outcome["code"], again)
    np.testing.assert_array_equal(again["trace"].logits, view.after.logits)
    assert 'gpt.trace("the thin owl", "a new king", edits=[' in outcome["code"]


@pytest.mark.parametrize("stack", STACKS)
def test_each_part_switched_off_alone(gpt, stack):
    trace = gpt.trace(SOURCE, TARGET)
    view = gptviz.InterventionView(trace, watch=11, stack=stack)
    layers, heads = STACKS[stack]
    swept = ask(view, "sweep", watched=11, **({} if stack == "decoder" else {"stack": stack}))
    before = probabilities(trace)[11]
    columns = range(heads) if stack == "cross" else (*range(heads), None)
    expected = [[probabilities(trace, off_hook(stack, i, j))[11] - before for j in columns] for i in range(layers)]
    assert swept.shape == (layers, heads + 1) and np.isnan(swept[:, -1]).all() == (stack == "cross")
    np.testing.assert_allclose(swept[:, : len(columns)], expected, rtol=0, atol=bound(trace) * before)
    about = view._about["stacks"][stack]
    assert (about["layers"], about["heads"], view.stack) == (layers, heads, stack)


def test_a_row_has_the_tokens_that_the_head_sees():
    view = gptviz.InterventionView(trace_of("bart"))
    for stack, count in (("encoder", 7), ("decoder", 3), ("cross", 7)):
        row = ask(view, "row", layer=1, head=2, query=2, stack=stack)
        scores = list(trace_of("bart").score_stages(1, 2, stack=stack).values())[1]
        assert_float32_softmax_close(row, truth_of("bart").maps[stack][1, 2, 2][:count], scores)
    weights = [0.0] * 6 + [1.0]
    spec = {"kind": "set_attention", "layer": 1, "head": 2, "query": 2, "weights": weights, "stack": "cross"}
    edited = view._edited_trace([spec])
    assert_close(edited.attention(1, 2, stack="cross")[2], weights)


def test_a_patch_is_from_another_target_or_another_source(gpt):
    trace = gpt.trace(SOURCE, TARGET)
    view = gptviz.InterventionView(trace)
    source = ask(view, "source", prompt=OTHER)
    assert [token["id"] for token in source["tokens"]] == gpt.target_ids(OTHER)
    spec = {"kind": "patch", "layer": 1, "position": 2, "source": {"held": source["held"]}}
    expected = gpt.trace(SOURCE, TARGET, edits=[gptviz.patch("residual", 1, 2, gpt.trace(SOURCE, OTHER))])
    np.testing.assert_array_equal(view._edited_trace([spec]).logits, expected.logits)
    other_source = ask(view, "source", prompt="the thin own", stack="encoder")
    spec = spec | {"source": {"held": other_source["held"]}, "stack": "encoder", "position": 1}
    other = gpt.trace("the thin own", [token.id for token in trace.tokens])
    expected = gpt.trace(SOURCE, TARGET, edits=[gptviz.patch("residual", 1, 1, other, stack="encoder")])
    np.testing.assert_array_equal(view._edited_trace([spec]).logits, expected.logits)
    with pytest.raises(AssertionError, match="the same number of tokens"):
        ask(view, "source", prompt="a", stack="encoder")


def test_edits_of_a_place_stay_with_their_source_and_target(gpt):
    box = gptviz.PromptBox(SOURCE, gpt=gpt, target=TARGET)
    view = gptviz.InterventionView(box)
    view.edits = [gptviz.ablate_head(0, 1, stack="cross"), gptviz.ablate_mlp(1, position=2)]
    box.run("the red owl", TARGET)
    assert view.edits == (gptviz.ablate_head(0, 1, stack="cross"),)
    assert [edit["code"] for edit in view._dropped] == ["gptviz.ablate_mlp(1, position=2)"]
    before, after = view._probability_pair(view.after)
    assert_close(before, probabilities(box.trace), scale=bound(box.trace) / rounding(1.0))
    assert_close(after, probabilities(box.trace, off_hook("cross", 0, 1)), scale=bound(box.trace) / rounding(1.0))
    view.trace = gptviz.load().trace("Once")
    assert view.edits == () and view.stack == "decoder"


def test_a_saved_page_knows_every_part_of_every_stack_switched_off(gpt):
    view = gptviz.InterventionView(gpt.trace(SOURCE, TARGET), stack="cross")
    questions = list(view._page_questions())
    single = [args["edits"][0] for name, args in questions if name == "outcome" and len(args["edits"]) == 1]
    assert len({str(spec) for spec in single}) == LAYERS * (HEADS + 1) + LAYERS * HEADS + 2 * 4
    assert single[0] == {"kind": "ablate_head", "layer": 0, "head": 0, "stack": "cross"}
    stacks = {args.get("stack") for name, args in questions if name == "sweep"}
    assert stacks == {None, "encoder", "cross"}


def test_a_sound_is_edited_and_its_code_names_it():
    heard = gptviz.wrap(model_of("whisper"), processor())
    trace = trace_of("whisper")
    view = gptviz.InterventionView(trace, edits=[gptviz.ablate_head(0, 1, stack="cross")])
    expected = heard.with_source_of(trace).trace_continued(trace.tokens, (), list(view.edits))
    np.testing.assert_array_equal(view.after.logits, expected.logits)
    assert as_code(view.after).startswith("trace = gpt.trace(sound, ")
    with pytest.raises(AssertionError, match="a source that can be typed here"):
        ask(view, "source", prompt="a", stack="encoder")
    with pytest.raises(NotAvailable):
        view._answer_source("a", "encoder")
    with pytest.raises(OutOfRange, match="one of the stacks"):
        view.stack = "middle"
