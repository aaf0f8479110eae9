"""The generation timeline of encoder-decoders: its steps, attention and logits are those of transformers itself."""

import pytest
import torch
from close import assert_close, assert_float32_close, assert_float32_softmax_close, rounding
from families import tokenizer
from page_messages import ask
from sequences import HEADS, LAYERS, RATE, SOUND, START, WIDTH, model_of, processor
from waiting import LONGEST_WAIT

import gptviz
from gptviz.errors import GPTVizError, NotAvailable, WrongType
from gptviz.trace.runnable import writing_model

SOURCE = "the thin owl"
SENTENCE = "the queen sees a young doctor"


@pytest.fixture(scope="module")
def gpt():
    return gptviz.wrap(model_of("bart"), tokenizer())


@pytest.fixture(scope="module")
def translator():
    return gptviz.load("translator")


def own(gpt, source, target, **options):
    """Returns what transformers itself gives for a source and target ids, with eager attention of an untouched copy."""
    source_ids = torch.tensor([gpt.tokenizer(source)["input_ids"]])
    options = {"use_cache": False, "output_attentions": True} | options
    return model_of("bart", attn_implementation="eager")(
        source_ids, decoder_input_ids=torch.tensor([target]), **options
    )


def generated(gpt, source, target, count):
    """Returns the likeliest token at each step, by transformers' own `generate`, without the end token."""
    ids, given = torch.tensor([gpt.tokenizer(source)["input_ids"]]), torch.tensor([target])
    out = gpt.model.generate(ids, decoder_input_ids=given, num_beams=1, do_sample=False, max_new_tokens=count)[
        0
    ].tolist()
    ends = gpt.end_ids
    return [id for id in out[len(target) :] if id not in ends]


def drawn(view, choice=0):
    ids = [step["token"]["id"] for step in ask(view, "news", source=-1, have=0, choice=choice)["steps"]]
    return [id for id in ids if id not in view._gpt.end_ids]


def test_a_box_writes_its_target_and_goes_on_with_a_given_one(translator):
    box = gptviz.PromptBox(SENTENCE, gpt=translator)
    view = gptviz.GenerationTimeline(box, temperature=0)
    view.wait(LONGEST_WAIT)
    news = ask(view, "news", source=-1, have=0, choice=0)
    assert (news["source_text"], news["prompt"], news["text"]) == (SENTENCE, "", "la reine voit un jeune médecin")
    assert drawn(view) == generated(translator, SENTENCE, [1], 40)
    assert [token["id"] for token in view._prompt] == [1]
    assert [token["text"] for token in view._source_tokens] == [token.text for token in box.trace.source_tokens]
    assert "the queen sees a young doctor →" in view.still()
    box.run(SENTENCE, "le roi")
    view.wait(LONGEST_WAIT)
    given = [token.id for token in box.trace.tokens]
    news = ask(view, "news", source=-1, have=0, choice=0)
    assert (news["prompt"], [token["id"] for token in view._prompt]) == ("le roi", given)
    assert drawn(view) == generated(translator, SENTENCE, given, 40)
    assert view.completion.prompt == SENTENCE and view.completion.source_tokens == box.trace.source_tokens
    box.use(gptviz.load())
    view.wait(LONGEST_WAIT)
    assert view._source_tokens == [] and ask(view, "news", source=-1, have=0, choice=0)["source_text"] == ""


def test_each_steps_attention_and_logits_equal_transformers_own(gpt):
    completion = gpt.complete(SOURCE, max_tokens=6, temperature=1.3, seed=4)
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    ids = [START, *completion.choices[0].token_ids]
    for step in (5, 0, 3):
        read = ids[: step + 1]
        truth = own(gpt, SOURCE, read)
        trace = gpt.trace(SOURCE, read)
        for stack, maps in (("decoder", truth.decoder_attentions), ("cross", truth.cross_attentions)):
            place = {} if stack == "decoder" else {"stack": stack}
            row = ask(view, "attention", choice=0, step=step, layer=2, head=3, **place)
            scores = list(trace.score_stages(2, 3, stack=stack).values())[1]
            assert_float32_softmax_close(row, maps[2][0, 3, -1].numpy(), scores)
        ask(view, "bench", step=step)
        assert_float32_close(view._bench.next_token.logits, truth.logits[0, -1].numpy(), factor=8)
        assert_float32_close(gpt.next_token(completion, step).logits, truth.logits[0, -1].numpy(), factor=8)
        probabilities = truth.logits[0, -1].double().softmax(-1)
        assert completion.choices[0].steps[step].probability == pytest.approx(
            float(probabilities[ids[step + 1]]), rel=rounding(trace.logits, trace.residual(LAYERS))
        )
    questions = [args for name, args in view._page_questions() if name == "attention"]
    assert len(questions) == 2 * LAYERS * HEADS * 6 and sum("stack" in args for args in questions) == LAYERS * HEADS * 6
    with pytest.raises(AssertionError, match="decoder or cross"):
        ask(view, "attention", choice=0, step=0, layer=0, head=0, stack="encoder")


def test_a_forced_word_begins_a_branch_of_the_same_source(translator):
    box = gptviz.PromptBox(SENTENCE, gpt=translator)
    view = gptviz.GenerationTimeline(box, temperature=0)
    steps = view.wait(LONGEST_WAIT).choices[0].steps
    other = next(a.token for a in steps[1].alternatives if a.token.id not in (steps[1].token.id, *translator.end_ids))
    view.force(1, other.id)
    view.wait(LONGEST_WAIT)
    prefix = [1, steps[0].token.id, other.id]
    assert drawn(view, 1) == prefix[1:] + generated(translator, SENTENCE, prefix, 40)
    text = ask(view, "news", source=-1, have=0, choice=1)["text"]
    assert text == translator.tokenizer.decode([1, *drawn(view, 1)], skip_special_tokens=True)
    opening = ask(view, "opening", choice=1)
    assert 0 <= opening["layer"] < translator.n_layers


def test_a_completion_keeps_its_source_and_edits_hold_in_its_branches(gpt):
    edits = [gptviz.ablate_head(1, 2, stack="cross"), gptviz.ablate_head(0, 1, stack="encoder")]
    completion = gpt.complete(SOURCE, max_tokens=4, temperature=0, edits=edits)
    assert [token.id for token in completion.source_tokens] == gpt.tokenizer(SOURCE)["input_ids"]
    view = gptviz.GenerationTimeline(completion, gpt=gpt)
    forced = completion.choices[0].steps[1].alternatives[1].token.id
    view.force(1, forced)
    view.wait(LONGEST_WAIT)
    prefix = [START, completion.choices[0].token_ids[0], forced]
    edited = gpt.trace(SOURCE, prefix, edits=edits)
    assert drawn(view, 1)[2] == int(edited.logits[-1].argmax())
    row = ask(view, "attention", choice=1, step=2, layer=1, head=1, stack="cross")
    assert_close(row, edited.attention(1, 1, stack="cross")[-1], scale=edited.scores(1, 1, stack="cross"))
    assert writing_model(gpt, completion).source_text == SOURCE


def test_the_cache_of_a_step_holds_the_target_before_it(gpt):
    for step in gpt.complete(SOURCE, max_tokens=4, temperature=0).choices[0].steps:
        held, size = step.cached
        assert held == 1 + step.index and size == held * LAYERS * 2 * WIDTH * 4


def test_a_completion_without_its_source_is_refused_in_words(gpt, translator):
    plain = gptviz.load().complete("Once", max_tokens=2)
    with pytest.raises(WrongType, match="a completion of this encoder-decoder"):
        gptviz.GenerationTimeline(plain, gpt=translator)
    listener = gptviz.wrap(model_of("whisper"), processor())
    heard = listener.complete(SOUND, sampling_rate=RATE, max_tokens=3)
    with pytest.raises(NotAvailable, match="one of a sound"):
        gptviz.GenerationTimeline(heard, gpt=listener)
    view = gptviz.GenerationTimeline(heard)  # without the model it shows the steps
    assert len(ask(view, "news", source=-1, have=0, choice=0)["steps"]) == len(heard.choices[0].steps)
    with pytest.raises(WrongType, match="a source beside the target"):
        gpt.trace_continued([START], [])
    with pytest.raises(GPTVizError):
        gptviz.GenerationTimeline(gptviz.PromptBox(SOURCE, gpt=gpt), temperature=-1)
