"""What cannot be trained on is refused before anything begins, with expected, got and a remedy."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from trained import TEXTS, example_run, quick, small_gpt

import gptviz
from gptviz import training
from gptviz.errors import GPTVizError, OutOfRange, WrongType
from gptviz.training.learner import TOO_FAST

HUGE, UNWRITABLE = 10**400, 10**5000  # Python writes no number of more than 4,300 digits
NAN, INFINITY = float("nan"), float("inf")


@pytest.fixture(scope="module")
def gpt():
    return small_gpt()


def refused(kind, words):
    """Expects an error of exactly this class whose short text begins with "Expected", these words and what came."""
    return pytest.raises(kind, match=f"^Expected (?=.{{,400}}$).*{words}")


@pytest.mark.parametrize(
    ("texts", "settings", "kind", "words"),
    [
        ([], {}, GPTVizError, "at least 1 text in texts. Got 0"),
        ("one text", {}, WrongType, r"a list of texts as texts. Got 'one text' \(str\)"),
        (None, {}, WrongType, r"a list of texts as texts. Got None \(NoneType\)"),
        (["fine", 3], {}, WrongType, r"a text or messages as texts\[1\]. Got 3 \(int\)"),
        (["t"], {}, GPTVizError, r"at least 2 tokens in texts\[0\]. Got 1. There is nothing to predict"),
        (["tin", ""], {}, GPTVizError, r"at least 1 token in texts\[1\]. Got 0. Write at least one"),
        (["tin", "x" * 65], {}, GPTVizError, r"at most 64 tokens in texts\[1\], the context of the model. Got 65. Shorten"),
        (["tin", "a\ud800b"], {}, GPTVizError, r"UTF-8, for texts\[1\]. Got a lone surrogate"),
        ([{"role": "user", "content": "a"}], {}, WrongType, r"a list of messages, for texts\[0\]. Got a message alone"),
        (TEXTS, {"method": "lore"}, GPTVizError, "a method among full, lora. Got 'lore'. Did you mean lora"),
        (TEXTS, {"method": "LoRA"}, GPTVizError, "Did you mean lora"),
        (TEXTS, {"method": np.array(["lora", "full"])}, GPTVizError, "a method among"),
        (TEXTS, {"rank": 0}, GPTVizError, "rank of at least 1. Got 0"),
        (TEXTS, {"rank": 25}, GPTVizError, "a rank of at most 24 for this model. Got 25. An adapter of rank 24 can"),
        (TEXTS, {"rank": HUGE}, GPTVizError, "rank of at most 1,000,000"),
        (TEXTS, {"rank": 4, "method": "full"}, WrongType, 'no rank with method="full". Got rank=4. It is for adapters'),
        (TEXTS, {"steps": 0}, GPTVizError, "steps of at least 1"),
        (TEXTS, {"steps": 2.5}, WrongType, "a whole number as steps. Got 2.5"),
        (TEXTS, {"steps": HUGE}, GPTVizError, "steps of at most 1,000,000,000. Got 1000+…0+. 1,000,000,000 is the"),
        (TEXTS, {"steps": UNWRITABLE}, GPTVizError, "Got a value of type int"),
        (TEXTS, {"batch": 0}, GPTVizError, "batch of at least 1"),
        (TEXTS, {"keep": True}, WrongType, "a whole number as keep. Got True"),
        (TEXTS, {"learning_rate": 0}, GPTVizError, r"a learning_rate above 0 and below 1e\+38. Got 0\. "),
        (TEXTS, {"learning_rate": 1e300}, GPTVizError, r"below 1e\+38. Got 1e\+300"),
        (TEXTS, {"learning_rate": HUGE}, GPTVizError, r"below 1e\+38. Got 1000+…0+\. "),
        (TEXTS, {"learning_rate": "fast"}, WrongType, "a number as learning_rate. Got 'fast'"),
        (TEXTS, {"learning_rate": NAN}, GPTVizError, "a learning_rate above 0"),
        (TEXTS, {"optimizer": "adam"}, GPTVizError, "an optimizer among adamw, sgd, muon. Got 'adam'. Did you mean adamw"),
        (TEXTS, {"optimizer": "Muon", "method": "full"}, GPTVizError, "Did you mean muon"),
        (TEXTS, {"optimizer": "muon"}, GPTVizError, 'optimizer="adamw" or "sgd" with method="lora". Got optimizer="muon"'),
        (TEXTS, {"seed": -1}, GPTVizError, "a seed from 0"),
        (TEXTS, {"seed": HUGE}, GPTVizError, "a seed from 0"),
        (TEXTS, {"rehearse": "text"}, WrongType, "a list of texts as rehearse"),
        (TEXTS, {"held_out": ["tin", ""]}, GPTVizError, r"at least 1 token in held_out\[1\]"),
        (TEXTS, {"measures": {"n": 3}}, WrongType, "functions of a GPT"),
        (TEXTS, {"measures": {"held_out": len}}, GPTVizError, "other than held_out, .*measures itself. Got 'held_out'. Give it"),
        (TEXTS, {"measures": {"n": len, "previous": len}, "held_out": TEXTS}, GPTVizError, "Got 'previous'.*\"my previous\""),
        (TEXTS, {"measures": 5}, WrongType, "functions of a GPT, by name, as measures. Got 5"),
        (TEXTS, {"epochs": 3}, WrongType, "settings among steps.*rehearse, held_out, measures. Got epochs. Leave it out"),
        (TEXTS, {"lr": 3}, WrongType, "Got lr. Did you mean learning_rate"),
        (TEXTS, {"Rank": 3}, WrongType, "Did you mean rank"),
        (TEXTS, {"heldout": []}, WrongType, "Did you mean held_out"),
    ],
)  # fmt: skip
def test_fine_tuning_is_refused(gpt, texts, settings, kind, words):
    with refused(kind, words):
        training.finetune(gpt, texts, **settings)


@pytest.mark.parametrize("start", [training.finetune, training.prefer])
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("tales", r"a GPT, the model to train. Got 'tales' \(str\). Load the model first: gptviz.load\('tales'\)"),
        (None, r"Got None \(NoneType\). gptviz.load\(name\) loads one, and gptviz.wrap"),
        (torch.nn.Linear(2, 3), r"Got Linear. Wrap the model with its tokenizer: gptviz.wrap\(model, tokenizer\)"),
        (SimpleNamespace(decoder_only=False), "Encoder-decoders cannot be trained here"),
    ],
)
def test_what_is_no_model_is_refused_with_how_to_make_one(start, given, words):
    with refused(WrongType, words):
        start(given, TEXTS)


def test_a_run_in_place_of_its_model_is_refused():
    with refused(WrongType, "Give the run's model: run.gpt"):
        training.finetune(example_run(), TEXTS)


def test_a_model_whose_weights_are_no_numbers_is_refused():
    broken = small_gpt()
    with torch.no_grad():
        next(broken.model.parameters()).view(-1)[3] = NAN
    with refused(GPTVizError, "a model whose weights are numbers. Got NaN or infinity in transformer.wte.weight"):
        training.finetune(broken, TEXTS)


LANGUAGE = training.repeats(length=8)
LONG_TEXT = ["the thin thing in the tin " * 16]


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ({"size": "huge"}, GPTVizError, "a size among tiny, small, medium"),
        ({"size": "Tiny"}, GPTVizError, "Did you mean tiny"),
        ({"size": (2, 64)}, WrongType, "a size as .layers, heads, width."),
        ({"size": (2, 4, 18)}, GPTVizError, "4 heads, 18 wide"),
        ({"size": (2, 0, 16)}, GPTVizError, "heads of at least 1"),
        ({"size": (2, 4, 10**6 * 8)}, GPTVizError, "at most 1,000,000,000 parameters in the blocks. Got about 1536000"),
        ({"positions": "rotatory"}, GPTVizError, "Did you mean rotary"),
        ({"positions": None}, GPTVizError, "a kind of positions among rotary, learned. Got None"),
        ({"data": "abc"}, WrongType, r"a language, a list of texts.*Got 'abc'. Put the text into a list: data=\["),
        ({"data": training.repeats}, WrongType, r"data=gptviz.training.repeats\(\)"),
        ({"data": []}, GPTVizError, "at least 1 text in data. Got 0"),
        ({"data": ["fine", 3]}, WrongType, r"a text as data\[1\]. Got 3 \(int\)"),
        ({"data": ["fine", "\ud800"]}, GPTVizError, r"UTF-8 as data\[1\]"),
        ({"data": ["too short"]}, GPTVizError, "at least 64 tokens of text"),
        ({"data": iter(())}, WrongType, "batches and their tokenizer. Got tuple_iterator as data and no tokenizer"),
        ({"data": iter(()), "tokenizer": 5}, WrongType, "the model's transformers tokenizer. Got int"),
        ({"data": LONG_TEXT, "tokenizer": 5}, WrongType, "the model's transformers tokenizer. Got int"),
        ({"data": LONG_TEXT, "length": 1}, GPTVizError, "length of at least 2. Got 1. 2 is the smallest"),
        ({"data": LONG_TEXT, "length": HUGE}, GPTVizError, "length of at most 100,000"),
        ({"data": LONG_TEXT, "vocabulary": 10}, GPTVizError, "vocabulary of at least 257. Got 10. 257 is the smallest"),
        ({"data": LONG_TEXT, "vocabulary": HUGE}, GPTVizError, "vocabulary of at most 1,000,000"),
        ({"data": LONG_TEXT, "held_out": None}, WrongType, "a list of texts as held_out. Got None"),
        ({"data": LONG_TEXT, "held_out": "abc"}, WrongType, "a list of texts as held_out. Got 'abc'"),
        ({"data": LONG_TEXT, "held_out": ["a", 3]}, WrongType, r"a text as held_out\[1\]. Got 3"),
        ({"data": LONG_TEXT, "held_out": ["a"]}, GPTVizError, "at least 64 tokens of held-out text. Got 2"),
        ({"method": "lora"}, GPTVizError, "Random weights must all be learned"),
        ({"rank": 2}, WrongType, 'no rank with method="full". Got rank=2'),
        ({"lr": 1e-3}, WrongType, "Did you mean learning_rate"),
        ({"data": LANGUAGE, "length": 8}, WrongType, "no length with a synthetic language. Got length=8. Give the lang"),
        ({"length": 1}, WrongType, "no length with a synthetic language. Got length=1"),
        ({"vocabulary": 300}, WrongType, "no vocabulary with a synthetic language. Got vocabulary=300"),
        ({"tokenizer": 5}, WrongType, "no tokenizer with a synthetic language. Got tokenizer=5"),
        ({"held_out": ["abc"]}, WrongType, r"no held_out with a synthetic language. Got held_out=\['abc'\]"),
    ],
)  # fmt: skip
def test_pre_training_is_refused(arguments, kind, words):
    with refused(kind, words):
        training.pretrain(**{"steps": 1, **arguments})


@pytest.mark.parametrize(
    ("data", "name", "value", "beside"),
    [
        (LONG_TEXT, "vocabulary", 300, "a tokenizer"),
        (iter(()), "vocabulary", 300, "a tokenizer"),
        (iter(()), "held_out", ["abc"], "batches of token ids"),
        (iter(()), "batch", 8, "batches of token ids"),
    ],
)
def test_an_argument_that_says_nothing_about_the_data_is_refused(gpt, data, name, value, beside):
    with refused(WrongType, f"no {name} with {beside}. Got {name}={re.escape(repr(value))}"):
        training.pretrain(data=data, tokenizer=gpt.tokenizer, **{name: value})


def test_a_fork_refuses_a_setting_that_changes_nothing(gpt):
    batches = iter([np.arange(12).reshape(3, 4)] * 3)
    run = training.pretrain((1, 1, 8), batches, 1, tokenizer=gpt.tokenizer).wait()
    for name in ("batch", "seed"):
        with refused(WrongType, f"no {name} with batches of token ids. Got {name}=7"):
            run.fork(1, **{name: 7})
    assert len(run.fork(1, steps=2, method="lora", rank=2, seed=7).wait().loss) == 2


@pytest.mark.parametrize(
    ("batch", "kind", "words"),
    [
        (
            None,
            GPTVizError,
            "a batch of token ids for each step at step 0. Got a generator that gave no batch. Give a new",
        ),
        (torch.zeros(2, 3), WrongType, "whole numbers of shape"),
        (np.zeros(4, int), WrongType, "whole numbers of shape"),
        (np.ones((2, 3), bool), WrongType, "whole numbers of shape"),
        ([[0, 1], [2, 300]], OutOfRange, "token ids from 0 to"),
        ("text", WrongType, "whole numbers of shape"),
        (np.zeros((1, 999), int), GPTVizError, "at most 128 tokens in a text at step 0. Got 999"),
        (ZeroDivisionError("oh"), GPTVizError, "token ids from the generator at step 0. Got ZeroDivisionError: oh"),
    ],
)
def test_a_batch_that_is_none_ends_the_run_in_words(gpt, batch, kind, words):
    def batches():
        if isinstance(batch, Exception):
            raise batch
        if batch is not None:
            yield batch

    run = training.pretrain(data=batches(), tokenizer=gpt.tokenizer, steps=2)
    with pytest.raises(kind, match=words):
        run.wait()
    assert run.status == "failed" and run.steps_kept.tolist() == [0]


def test_batches_of_any_whole_numbers_are_read(gpt):
    ids = np.arange(12).reshape(3, 4)
    runs = [
        training.pretrain((1, 1, 8), iter([ids.astype(kind)]), 1, tokenizer=gpt.tokenizer).wait()
        for kind in (np.int64, np.uint8, np.uint16)
    ]
    assert runs[0].loss == runs[1].loss == runs[2].loss


CHAT = [{"role": "user", "content": "the tin?"}]


@pytest.mark.parametrize(
    ("pairs", "settings", "kind", "words"),
    [
        ([], {}, WrongType, r"a list of pairs \(prompt, chosen, rejected\). Got \[\] \(list\)"),
        ("abc", {}, WrongType, r"a list of pairs.*Got 'abc' \(str\)"),
        (["abc"], {}, WrongType, r"a prompt and two texts, chosen and rejected, as pairs\[0\]. Got 'abc'"),
        ([("a", "b")], {}, WrongType, r"as pairs\[0\]. Got \('a', 'b'\)"),
        ([("a", "b", "c"), ("a", "b", 3)], {}, WrongType, r"as pairs\[1\]. Got \('a', 'b', 3\)"),
        ([("a", CHAT, "b")], {}, WrongType, r"as pairs\[0\]"),
        ([("", "b", "c")], {}, GPTVizError, r"at least 1 token in the prompt of pairs\[0\]. Got 0"),
        ([("a", "b", "")], {}, GPTVizError, r"at least 1 token in the rejected answer of pairs\[0\]. Got 0"),
        ([("a" * 60, "b" * 5, "c")], {}, GPTVizError, r"at most 64 tokens in the prompt and the chosen answer of pairs\[0\]"),
        ([("a", "b", "c"), ("a", "b", "b")], {}, GPTVizError, r"two different answers.*in pairs\[1\]. Got 'b' as both"),
        ([(CHAT, "b", "c")], {}, GPTVizError, r"template.*, for the prompt of pairs\[0\]"),
        ([("a", "b", "c")], {"beta": 0}, GPTVizError, r"a beta above 0 and below 1e\+38. Got 0"),
        ([("a", "b", "c")], {"beta": INFINITY}, GPTVizError, "a beta above 0"),
        ([("a", "b", "c")], {"beta": "1"}, WrongType, "a number as beta. Got '1'"),
        ([("a", "b", "c")], {"Beta2": 1}, WrongType, "Did you mean beta"),
    ],
)  # fmt: skip
def test_preferences_are_refused(gpt, pairs, settings, kind, words):
    with refused(kind, words):
        training.prefer(gpt, pairs, **settings)


@pytest.mark.parametrize("number", [np.float32, np.float64, np.float16, torch.tensor, np.array])
def test_numbers_of_numpy_and_torch_are_numbers(gpt, number):
    pairs = [("the", " thin", " tin")]
    run = training.prefer(gpt, pairs, number(0.25), np.int64(1), np.uint8(3), learning_rate=number(0.125)).wait()
    expected = training.prefer(gpt, pairs, 0.25, 1, 3, learning_rate=0.125).wait()
    assert run.settings == expected.settings and type(run.settings.learning_rate) is float
    assert np.array_equal(run.loss, expected.loss)
    assert run.strength(number(0.5)).name == run.strength(0.5).name
    assert run.at(np.int64(1)).name == run.at(1).name and run.kept_step(np.int64(-1)) == 1


# What a run is asked for


@pytest.mark.parametrize(
    ("ask", "kind", "words"),
    [
        (lambda run: run.strength("half"), WrongType, "a number as strength. Got 'half'"),
        (lambda run: run.strength(1e39), GPTVizError, r"a strength above -1e\+38 and below 1e\+38. Got 1e\+39"),
        (lambda run: run.strength(NAN), GPTVizError, "a strength above"),
        (lambda run: run.at(HUGE), OutOfRange, "a step that was kept. Got 1000+…0+. The nearest that were kept: 5"),
        (lambda run: run.at("last"), WrongType, "a whole number as step"),
        (lambda run: run.at(-1.0), WrongType, "a whole number as step"),
        (lambda run: run.fork(2, rank=99), GPTVizError, "a rank of at most 24"),
        (lambda run: run.fork(2, method="full", rank=3), WrongType, 'no rank with method="full"'),
        (lambda run: run.fork(2, lr=3), WrongType, "Did you mean learning_rate"),
        (lambda run: run.fork(2, optimizer="muon"), GPTVizError, 'with method="lora"'),
        (lambda run: run.on_change(3), WrongType, r"a function without arguments. Got 3 \(int\)"),
        (lambda run: run.save(""), GPTVizError, "a path. Got an empty text"),
        (lambda run: run.save("."), GPTVizError, "a folder of the run's own. Got ., the present folder"),
        (lambda run: run.save(5), WrongType, "a path. Got 5"),
        (lambda run: gptviz.TrainingView(run, samples=5), WrongType, "texts as samples. Got 5"),
        (lambda run: gptviz.TrainingView(run, samples=["the", 5]), WrongType, "texts as samples. Got 5"),
        (lambda run: gptviz.TrainingView(run, samples=["the", ""]), GPTVizError, r"at least 1 token in samples\[1\]"),
        (lambda run: gptviz.TrainingView(run, samples=["t" * 65]), GPTVizError, r"at most 64 tokens in samples\[0\]"),
    ],
)  # fmt: skip
def test_a_run_refuses_what_it_cannot_give(ask, kind, words):
    with refused(kind, words):
        ask(example_run())


def test_a_strength_with_which_a_weight_overflows_is_refused(gpt):
    half = small_gpt()
    half.model.to(torch.float16)  # holds numbers up to 65,504
    run = quick(half, steps=2, method="full")
    assert np.isfinite(run.strength(2).trace("the").logits).all()
    with refused(GPTVizError, r"all weights are numbers. Got 1e\+09: NaN or infinity in transformer"):
        run.strength(1e9)


# Functions of the user's that fail


def failing_measure(at_call, outcome):
    """Returns a measure that says 0.5, and in its call with this number, counted from 0, something else."""
    calls = []

    def measure(_gpt):
        calls.append(0)
        if len(calls) - 1 < at_call:
            return 0.5
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return measure


@pytest.mark.parametrize(
    ("outcome", "kind", "got"),
    [
        (None, WrongType, r"None \(NoneType\)"),
        ("3", WrongType, r"'3' \(str\)"),
        (np.zeros(3), WrongType, r"array"),
        (ZeroDivisionError("oh"), GPTVizError, "ZeroDivisionError: oh"),
    ],
)
@pytest.mark.parametrize("step", [0, 2])
def test_a_measure_that_says_no_number_is_named_with_its_step(gpt, outcome, kind, got, step):
    measures = {"thin": lambda _gpt: True, "tin": failing_measure(step, outcome)}
    words = f'^Expected a number from the measure "tin" at step {step}. Got {got}'
    if step == 0:
        with pytest.raises(kind, match=words):
            quick(gpt, measures=measures)
        return
    run = training.finetune(gpt, TEXTS, steps=5, measures=measures, held_out=["the tin"])
    with pytest.raises(kind, match=words) as caught:
        run.wait()
    assert run.status == "failed" and run.error is caught.value and caught.value.remedy != TOO_FAST
    assert caught.value.__cause__.__cause__ is (outcome if isinstance(outcome, Exception) else None)
    assert run.steps_kept.tolist() == [0, 1, 2] and len(run.loss) == 2
    assert run.measures["tin"][:2].tolist() == [0.5, 0.5] and np.isnan(run.measures["tin"][2])
    assert run.measures["thin"][:2].tolist() == [1, 1]
    assert np.isfinite(run.gpt.trace("the").logits).all()
