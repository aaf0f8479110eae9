"""Answers to chats: where they end, what their message is, and that the views' passes keep the roles."""

import json

import numpy as np
import pytest
from chat_templates import CHATML, LLAMA_3, PLAIN, VOCAB, applied, chat, chatty
from small_models import strong_gpt2
from token_kinds import Says
from waiting import LONGEST_WAIT

import gptviz

ASKED = chat("The owl?", "in the inn", "Thanks", system="Be kind.")


def says(template, text, model=None, **keywords):
    """Returns a GPT that answers with this text, written with its marks, whatever it reads."""
    model = model or strong_gpt2(n_positions=400, vocab_size=VOCAB)
    tokenizer = chatty(template, **keywords)
    gpt = gptviz.wrap(model, tokenizer)
    gpt.said = Says(model, tokenizer(text, add_special_tokens=False)["input_ids"])
    return gpt


@pytest.mark.parametrize(("template", "text", "content"), [
    (CHATML, "the owl<|im_end|>\n<|im_start|>user\n", "the owl"),
    (LLAMA_3, " the owl\n<|eot_id|>", " the owl\n"),
    (PLAIN, " the owl\nand\nQ: more", "the owl\nand"),
    (PLAIN, "the owl</s>", "the owl"),
])  # fmt: skip
def test_an_answer_ends_at_the_end_of_the_turn_and_its_message_has_no_marks(template, text, content):
    gpt = says(template, text)
    completion = gpt.chat(ASKED, max_tokens=40, n=1, temperature=0)
    (choice,) = completion.choices
    assert choice.message == {"role": "assistant", "content": content}
    assert choice.finish_reason == "stop"
    assert {step.token.role for step in choice.steps} == {"assistant"}
    assert completion.prompt_tokens == gpt.trace(ASKED).tokens
    assert json.loads(json.dumps(completion.to_dict()))["choices"][0]["message"] == choice.message
    gpt.said.again()
    same = gpt.complete(ASKED, max_tokens=40, temperature=0)
    assert same.choices == completion.choices
    gpt.said.again()
    assert "".join(step.text for step in gpt.stream(ASKED, max_tokens=40, temperature=0)) == choice.text
    follows = applied(gpt.tokenizer, [*ASKED, choice.message])
    assert follows[: len(completion.prompt_tokens)] == [token.id for token in completion.prompt_tokens]


def test_settings_are_those_of_complete():
    gpt = says(CHATML, "the owl in the inn<|im_end|>")
    completion = gpt.chat(ASKED, max_tokens=3, n=2, temperature=0, stop=None, seed=4)
    assert [choice.finish_reason for choice in completion.choices] == ["length"] * 2
    assert completion.seed == 4 and completion.usage.completion_tokens == 6
    gpt.said.again()
    stopped = gpt.chat(ASKED, temperature=0, stop="in")
    assert stopped.choices[0].message["content"] == "the owl " and stopped.stop == ("in",)


def test_what_follows_a_finished_answer_is_no_message():
    gpt = says(CHATML, "the owl<|im_end|>")
    (choice,) = gpt.complete(chat("A", "B"), temperature=0).choices
    assert choice.message is None and "message" not in choice.to_dict()
    assert {step.token.role for step in choice.steps} == {None}
    assert gpt.complete("a text", max_tokens=2).choices[0].message is None


def test_a_trace_of_another_traces_tokens_has_their_roles():
    gpt = gptviz.wrap(strong_gpt2(n_positions=400, vocab_size=VOCAB), chatty(LLAMA_3))
    trace = gpt.trace(ASKED)
    again = gpt.trace(trace.tokens)
    assert again.tokens == trace.tokens and again.text == trace.text
    np.testing.assert_array_equal(again.logits, trace.logits)
    assert {token.role for token in gpt.trace([token.id for token in trace.tokens]).tokens} == {None}


def test_a_step_that_is_looked_at_again_and_edited_passes_keep_the_roles():
    gpt = gptviz.wrap(strong_gpt2(n_positions=400, vocab_size=VOCAB), chatty(CHATML))
    completion = gpt.chat(ASKED, max_tokens=3, seed=1)
    timeline = gptviz.GenerationTimeline(completion, gpt=gpt)
    trace, _ = timeline._trace_of(0, 2)
    generated = [step.token for step in completion.choices[0].steps[:2]]
    assert [(token.id, token.role) for token in trace.tokens] == [
        (token.id, token.role) for token in (*completion.prompt_tokens, *generated)
    ]
    view = gptviz.InterventionView(gpt.trace(ASKED), edits=[gptviz.ablate_head(0, 1)])
    assert view.after.tokens == view.trace.tokens and view.after.tokens[-1].role == "assistant"


def test_a_timeline_of_a_chat_ends_at_the_end_of_the_turn_and_forced_tokens_keep_their_role():
    gpt = says(CHATML, "the owl<|im_end|>")
    view = gptviz.GenerationTimeline(gptviz.PromptBox(ASKED, gpt=gpt), temperature=0)
    completion = view.wait(LONGEST_WAIT)
    end = gpt.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert completion.choices[0].token_ids[-1] == end and completion.choices[0].finish_reason == "stop"
    step = completion.choices[0].steps[0]
    other = next(a.token.id for a in step.alternatives if a.token.id not in (step.token.id, end))
    gpt.said.again()
    branch = view._run.branches[view.force(0, other)]
    view.wait(LONGEST_WAIT)
    assert {step.token.role for step in branch.steps} == {"assistant"}
    assert branch.finish_reason == "stop"


def test_a_saved_chat_keeps_its_roles(tmp_path):
    gpt = gptviz.wrap(strong_gpt2(n_positions=400, vocab_size=VOCAB), chatty(LLAMA_3))
    trace = gpt.trace(ASKED)
    opened = gptviz.open_trace(trace.save(tmp_path / "chat.safetensors"))
    assert opened.tokens == trace.tokens and opened.tokens[-1].role == "assistant" and opened.tokens[0].role is None
    assert gptviz.TokensView(opened).to_table() == gptviz.TokensView(trace).to_table()
