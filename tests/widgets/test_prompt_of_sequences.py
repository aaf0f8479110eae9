"""The prompt box and the token view of encoder-decoders: a source and a target, as transformers itself reads and writes them."""

import pytest
import torch
from families import tokenizer
from page_messages import ask
from sequences import model_of, processor, trace_of

import gptviz
from gptviz.errors import NotAvailable, OutOfRange, WrongType

SOURCE, OTHER = "the small white house", "the queen sees a young doctor"


@pytest.fixture(scope="module")
def translator():
    return gptviz.load("translator")


def ids_of(tokens):
    return [token.id for token in tokens]


def own_target(gpt, source):
    """Returns what transformers' greedy `generate` writes, from the start token on and without the end token."""
    ids = torch.tensor([gpt.tokenizer(source)["input_ids"]])
    written = gpt.model.generate(ids, num_beams=1, do_sample=False, max_new_tokens=40)[0].tolist()
    return written[: written.index(gpt.tokenizer.eos_token_id)]


def check_box(box, gpt, source, target):
    """Checks the box against ids of the target; None for the model's own."""
    ids = own_target(gpt, source) if target is None else target
    text = gpt.tokenizer.decode(ids, skip_special_tokens=True)
    assert ids_of(box.trace.tokens) == ids
    assert ids_of(box.trace.source_tokens) == gpt.tokenizer(source)["input_ids"]
    assert (box.prompt, box._field, box._token_count) == (source, source, len(box.trace.source_tokens))
    assert (box._target_field, box._own_target) == (("", text) if target is None else (text, ""))
    assert box._target_count == len(ids) and box._has_target


def test_an_empty_target_is_the_models_own_and_a_given_one_is_read(translator):
    box = gptviz.PromptBox(SOURCE, gpt=translator)
    view, attention = gptviz.TokensView(box), gptviz.AttentionView(box, stack="cross")
    check_box(box, translator, SOURCE, None)
    assert box.target == "" and box._own_target == "la petite maison blanche"
    given = [1, *translator.tokenizer("la maison")["input_ids"][:-1]]
    assert ask(box, "run", prompt=SOURCE, target="la maison") == 5
    check_box(box, translator, SOURCE, given)
    assert box.target == "la maison" and view.trace is attention.trace is box.trace
    box.append(translator.tokenizer("rouge")["input_ids"][0])
    check_box(box, translator, SOURCE, [*given, translator.tokenizer("rouge")["input_ids"][0]])
    assert box.target == "la maison rouge"
    box.prompt = OTHER
    check_box(box, translator, OTHER, None)
    box.target = "la reine"
    check_box(box, translator, OTHER, [1, *translator.tokenizer("la reine")["input_ids"][:-1]])
    ask(box, "run", prompt=OTHER, target="")
    check_box(box, translator, OTHER, None)


def test_earlier_pairs_are_kept_and_a_shown_one_is_not_run_again(translator):
    box = gptviz.PromptBox(SOURCE, gpt=translator, target="la maison")
    trace = box.trace
    ask(box, "run", prompt=SOURCE, target="la maison")
    assert box.run(SOURCE, "la maison") is trace is box.trace
    box.run(OTHER)
    pairs = [{"source": OTHER, "target": ""}, {"source": SOURCE, "target": "la maison"}]
    assert box._history == pairs and box.typed == pairs[0]
    box.append(4)
    written = gptviz.PromptBox(OTHER, gpt=translator)._own_target
    assert box._history == [{"source": OTHER, "target": f"{written}."}, *pairs]
    ask(box, "forget")
    assert box._history == [{"source": OTHER, "target": f"{written}."}] and "maison" not in str(box.get_state())


def test_a_box_changes_between_an_encoder_decoder_and_a_gpt(translator, gpt):
    box = gptviz.PromptBox(SOURCE, gpt=translator)
    view = gptviz.TokensView(box)
    box.use(gpt)
    assert not box._has_target and box.trace.gpt is gpt and box.prompt == SOURCE and view._source_tokens == []
    assert (box.target, box._own_target, box._history) == ("", "", [SOURCE])
    box.use(translator)
    check_box(box, translator, SOURCE, None)
    assert len(view._source_tokens) == len(box.trace.source_tokens)
    other = gptviz.wrap(model_of("bart"), tokenizer())
    box.run(SOURCE, "la maison")
    box.use(other)
    assert box.target == "la maison" and ids_of(box.trace.source_tokens) == other.tokenizer(SOURCE)["input_ids"]


def test_what_cannot_be_is_refused_and_nothing_changes(translator, gpt):
    box = gptviz.PromptBox(SOURCE, gpt=translator)
    trace = box.trace
    for act, error, words in (
        (lambda: box.run([{"role": "user", "content": "a"}]), WrongType, "a text for translator"),
        (lambda: box.run(SOURCE, 5), WrongType, "a target as text"),
        (lambda: box.run("the house " * 40), Exception, "at most 64 tokens"),
        (lambda: setattr(box, "target", "la " * 70), Exception, "at most 64 tokens"),
        (lambda: gptviz.PromptBox("the owl", gpt=gpt, target="la"), WrongType, "Leave the target out"),
        (lambda: gptviz.PromptBox("a", gpt=gptviz.wrap(model_of("whisper"), processor())), NotAvailable, "reads sound"),
        (lambda: gptviz.FlowView(box), NotAvailable, "a decoder-only model"),
        (lambda: gptviz.explore(SOURCE, translator), NotAvailable, "a decoder-only model"),
    ):
        with pytest.raises(error, match=words):
            act()
        assert box.trace is trace and (box.prompt, box.target) == (SOURCE, "")
    decoder_only = gptviz.PromptBox("the owl", gpt=gpt)
    flow = gptviz.FlowView(decoder_only)
    with pytest.raises(NotAvailable, match="a decoder-only model"):
        decoder_only.use(translator)
    assert decoder_only.gpt is gpt and flow.trace is decoder_only.trace and not flow._waiting


def test_the_token_view_has_the_tokens_of_both_texts(translator):
    trace = translator.trace(SOURCE, "la maison")
    view = gptviz.TokensView(trace)
    assert [token["id"] for token in view._source_tokens] == translator.tokenizer(SOURCE)["input_ids"]
    assert [token["id"] for token in view._tokens] == [1, *translator.tokenizer("la maison")["input_ids"][:-1]]
    assert (view._source_characters, view._characters) == (len(SOURCE), len("la maison"))
    rows = view.to_table()
    assert [row["of"] for row in rows] == ["source"] * 5 + ["target"] * 3
    assert [row["position"] for row in rows] == [*range(5), *range(3)] and rows[-1]["text"] == " maison"
    view.language = "zh"
    assert "源文：the small white house" in view.still() and "目标：la maison" in view.still()
    questions = list(view._page_questions())
    assert len(questions) == 8 and questions[1] == ("merges", {"position": 1, "stack": "encoder"})


def test_a_saved_trace_has_the_merges_of_both_texts(tmp_path):
    trace = gptviz.wrap(model_of("bart"), tokenizer()).trace("the thin owl", "a thin king")
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    of_trace, of_file = gptviz.TokensView(trace), gptviz.TokensView(opened)
    for stack, tokens in (("encoder", trace.source_tokens), ("decoder", trace.tokens)):
        texts = [token for token in tokens if not token.special]
        assert len(texts) > 2
        for token in texts:
            question = {"position": token.position, "stack": stack}
            assert ask(of_file, "merges", **question) == ask(of_trace, "merges", **question)
    assert of_file.to_table() == of_trace.to_table()


def test_merges_are_those_of_the_text_that_is_named():
    gpt = gptviz.wrap(model_of("bart"), tokenizer())
    view = gptviz.TokensView(gpt.trace("the owl", "a thin king"))
    plain = gptviz.TokensView(gpt.trace("a thin king", "the owl"))
    at = len(view._source_tokens) - 1
    same = ask(view, "merges", position=at, stack="encoder")
    assert same == ask(
        plain, "merges", position=[t["text"] for t in plain._tokens].index(view._source_tokens[at]["text"])
    )
    with pytest.raises(AssertionError, match="one of the stacks"):
        ask(view, "merges", position=0, stack="middle")
    with pytest.raises(OutOfRange):
        gptviz.TokensView(gpt.trace("the owl", "a"))._answer_merges(9, "encoder")


def test_frames_of_a_sound_have_no_ids():
    view = gptviz.TokensView(trace_of("whisper"))
    assert len(view._source_tokens) == 50 and {token["id"] for token in view._source_tokens} == {-1}
    assert view._source_tokens[7]["text"] == "0.14 s"
    assert {args.get("stack") for _, args in view._page_questions()} == {None}
