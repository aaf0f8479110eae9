"""The prompt box: its followers, refused prompts, and a model and a prompt that come at the same time."""

import gc
import threading
import weakref

import pytest
from families import TEXT, build, tokenizer
from page_messages import ask
from token_kinds import KINDS, byte_fallback, small_model
from token_kinds import TEXT as TEXT_OF_KINDS
from waiting import LONGEST_WAIT

import gptviz
from gptviz.errors import GPTVizError, WrongType
from gptviz.widgets.prompt.prompt import HISTORY


def test_followers_show_a_new_prompt_and_closed_ones_are_freed(gpt):
    box = gptviz.PromptBox("the owl", gpt=gpt)
    views = [gptviz.TokensView(box), gptviz.AttentionView(box), gptviz.SamplingBench(box)]
    sources = [view._source for view in views]
    ask(box, "run", prompt=TEXT)
    assert all(view.trace is box.trace for view in views)
    assert [view._source for view in views] > sources
    assert [d["id"] for d in views[0]._tokens] == [token.id for token in gpt.trace(TEXT).tokens]
    views[0].close()
    reference = weakref.ref(views.pop(0))
    box.prompt = "the thin owl"
    assert views[0].trace.text == "the thin owl"
    gc.collect()
    assert reference() is None or reference().trace.text == TEXT


def test_a_refused_prompt_changes_nothing(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    view = gptviz.TokensView(box)
    with pytest.raises(AssertionError, match="200"):
        ask(box, "run", prompt="owl " * 400)
    assert box.prompt == TEXT
    assert view.trace.text == TEXT
    with pytest.raises(GPTVizError):
        box.run("")
    assert box.trace.text == TEXT


def test_only_a_text_and_a_gpt_make_a_box(gpt):
    with pytest.raises(WrongType, match="text"):
        gptviz.PromptBox([1, 2], gpt=gpt)
    with pytest.raises(WrongType, match="GPT"):
        gptviz.PromptBox("a", gpt=gpt.model)


class WaitingModel:
    """A model whose pass waits until the test sets `go`."""

    name = "held"

    def __init__(self, gpt):
        self.gpt, self.began, self.go = gpt, threading.Event(), threading.Event()

    def trace(self, prompt):
        self.began.set()
        assert self.go.wait(LONGEST_WAIT)
        return self.gpt.trace(prompt)


class WatchedLock:
    """A lock that sets `awaited` before a thread waits for it."""

    def __init__(self, lock):
        self.lock, self.awaited = lock, threading.Event()

    def __enter__(self):
        if not self.lock.acquire(blocking=False):
            self.awaited.set()
            self.lock.acquire()

    def __exit__(self, *_):
        self.lock.release()


def act_during_a_pass(box, model, act, *arguments):
    """Lets the box switch to a model, and acts in another thread while that model's pass still runs.

    The pass ends when the other thread waits for it, or has acted without waiting.
    """
    lock = box._lock = WatchedLock(box._lock)

    def act_once():
        try:
            act(*arguments)
        finally:
            lock.awaited.set()

    other = threading.Thread(target=box.use, args=(model,))
    other.start()
    assert model.began.wait(LONGEST_WAIT)
    prompt = threading.Thread(target=act_once)
    prompt.start()
    assert lock.awaited.wait(LONGEST_WAIT)
    model.go.set()
    other.join(LONGEST_WAIT)
    prompt.join(LONGEST_WAIT)


def test_a_prompt_and_a_model_at_the_same_time_give_a_trace_of_both(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    held = WaitingModel(gptviz.wrap(build("llama"), tokenizer()))
    act_during_a_pass(box, held, box._answer_run, "a quite new one")
    assert box.gpt is held
    assert box.prompt == box.trace.text == "a quite new one"
    assert box.trace.gpt is held.gpt


def test_a_prompt_set_during_a_pass_is_traced_by_the_new_model(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    held = WaitingModel(gptviz.wrap(build("llama"), tokenizer()))
    act_during_a_pass(box, held, setattr, box, "prompt", "a new one")
    assert (box.prompt, box.trace.text, box.trace.gpt) == ("a new one", "a new one", held.gpt)


def test_after_a_refused_prompt_the_box_shows_its_traces_text(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    with pytest.raises(GPTVizError):
        box.prompt = "owl " * 100
    assert box.prompt == box.trace.text == "the thin owl"


def ids_of(trace):
    return [token.id for token in trace.tokens]


def test_the_shown_prompt_keeps_its_marks_and_is_read_as_the_same_tokens():
    tales = gptviz.load()
    box = gptviz.PromptBox("one<|endoftext|>two", gpt=tales)
    assert ids_of(box.trace) == [0, 431, 0, 84, 3549]
    box.append(265)
    assert box.prompt == box.trace.text == "one<|endoftext|>two the"
    assert tales.encode(box.prompt) == ids_of(box.trace) == [0, 431, 0, 84, 3549, 265]
    box.use(tales)
    assert ids_of(box.trace) == [0, 431, 0, 84, 3549, 265]
    assert box._field == box.prompt


@pytest.mark.parametrize("run", [
    lambda box: box.run("The owl"),
    lambda box: setattr(box, "prompt", "The owl"),
    lambda box: ask(box, "run", prompt="The owl"),
])  # fmt: skip
def test_a_mark_that_was_appended_can_be_taken_away(run):
    box = gptviz.PromptBox("The owl", gpt=gptviz.load())
    box.append(0)
    assert ids_of(box.trace) == [0, 477, 1216, 0] and box.prompt == "The owl<|endoftext|>"
    run(box)
    assert ids_of(box.trace) == [0, 477, 1216] and box.prompt == "The owl"


@pytest.mark.parametrize("run", [lambda box: box.run("th"), lambda box: ask(box, "run", prompt="th")])
def test_running_a_prompt_reads_it_even_if_the_shown_tokens_spell_the_same(run):
    gpt = gptviz.wrap(build("llama"), tokenizer())
    box = gptviz.PromptBox("t", gpt=gpt)
    box.append(71)
    assert (ids_of(box.trace), box.prompt) == ([83, 71], "th")
    box.use(gpt)
    assert ids_of(box.trace) == [83, 71], "the same tokenizer reads the same tokens"
    run(box)
    assert ids_of(box.trace) == [258]


def test_bytes_that_cannot_be_typed_stay_when_the_prompt_is_run_again(gpt):
    box = gptviz.PromptBox("an owl", gpt=gpt)
    box.append(gpt.encode("🦉")[0])
    trace = box.trace
    assert box._field == "an owl⟨f0⟩"
    ask(box, "run", prompt=box._field)
    assert box.trace is trace


def test_a_prompt_box_of_a_tokenizer_that_puts_a_space_first():
    gpt = gptviz.wrap(small_model(), byte_fallback())
    box = gptviz.PromptBox("the", gpt=gpt)
    box.append(gpt.encode("ing")[-1])
    assert box.prompt == "theing"
    before = ids_of(box.trace)
    assert ids_of(box.run(box.prompt + "w"))[: len(before)] == before


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_of_prompt_is_read_again_as_the_same_tokens(name):
    gpt = gptviz.wrap(small_model(), KINDS[name]())
    ids = gpt.encode(TEXT_OF_KINDS)
    box = gptviz.PromptBox("the", gpt=gpt)
    for id in ids[len(gpt.encode("the")) :]:
        box.append(id)
    assert ids_of(box.trace) == ids == gpt.encode(box.prompt) and box.prompt == gpt.decode(ids)


def test_a_box_keeps_typed_prompts_and_not_every_appended_token(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    ask(box, "run", prompt="the owl")
    for id in range(40, 40 + 2 * HISTORY):
        box.append(id)
    assert box._history == [box.prompt, "the owl", TEXT]
    for number in range(HISTORY):
        box.run(f"the owl {number}")
    assert box._history == [f"the owl {number}" for number in reversed(range(HISTORY))]


def test_earlier_prompts_are_emptied_and_the_list_begins_anew(gpt):
    box = gptviz.PromptBox(TEXT, gpt=gpt)
    box.run("the owl")
    assert TEXT in str(box.get_state())
    ask(box, "forget")
    assert box._history == ["the owl"] and box.prompt == "the owl"
    assert TEXT not in str(box.get_state())
    box.append(40)
    assert box._history == [box.prompt, "the owl"]
    ask(box, "forget")
    assert box._history == [box.prompt] and box.prompt != "the owl"
    box.run("a thin king")
    assert box._history == ["a thin king", "the owl"]
