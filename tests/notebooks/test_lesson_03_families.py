"""Lesson 03 with random models of families that are built in other ways than GPT-2: each claim holds, or is refused in words.

The truth is transformers' own model, read by hooks at the places that the family's code names.
"""

import families
import numpy as np
import pytest
import torch
from close import approx_float64, rounding
from played import check_nothing_tells, check_solutions
from shown import half_of_decimal

LESSONS = ("03_block",)
TWO_PRINTED = 3 * half_of_decimal(4)  # two sums are printed with four decimals, and computed in float32
PARALLEL = {"gpt_neox", "phi", "cohere"}
NO_SUM = {"opt_post_norm", "openai_gpt"}  # they normalise the stream itself
ELSEWHERE = {"bloom"}  # its MLP's own input, by the numbers, is not a row of the stream's width
NORMED_MLP = {"gemma2", "olmo2"}  # a norm stands between the neurons' sum and the stream
EXPERTS = {"mixtral", "gpt_oss"}
FAMILIES = ("gemma2", "gpt_neox", "opt", "opt_post_norm", "bloom", "qwen3", "phi", "cohere", "olmo2", "mixtral", "gpt_oss",
            "openai_gpt")  # fmt: skip


@pytest.fixture(scope="module", params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture(scope="module")
def model(family, tmp_path_factory):
    """The folder of a random model of the family."""
    folder = tmp_path_factory.mktemp("models") / family
    families.build(family).save_pretrained(folder)
    families.tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def truth(family, reference, tokenizer, lesson):
    """What the model's own blocks, attention modules and down projections took and gave for the lesson's prompt."""
    known, numbers = families.ALL[family], {"entering": [], "leaving": [], "activations": []}
    for block in reference.get_submodule(known.blocks):
        block.register_forward_pre_hook(
            lambda _, args, kw: numbers["entering"].append(first(args, kw)), with_kwargs=True
        )
        block.register_forward_hook(lambda _, __, out: numbers["leaving"].append(first(out)))
        if known.down:
            block.get_submodule(known.down).register_forward_pre_hook(
                lambda _, args: numbers["activations"].append(args[0])
            )
    ids = torch.tensor([tokenizer(lesson.names["box"].prompt)["input_ids"]])
    with torch.no_grad():
        numbers["logits"] = reference(ids).logits[0, -1].double().numpy()
    return numbers


def first(values, keywords=None):
    """Returns a copy of the hidden states, (T, d_model), of a block's arguments or results."""
    tensor = values if isinstance(values, torch.Tensor) else values[0] if values else keywords["hidden_states"]
    return tensor[0].clone().numpy()


def is_refused_in_words(view):
    """Returns whether a question or a printed check says what this family lacks, in a sentence and not as a Python error."""
    problem = view._state["problem"] if hasattr(view, "_state") else view._about["problem"]
    assert not problem or (problem.startswith("Expected ") and "Error:" not in problem), problem
    return bool(problem)


def test_the_order_of_attention_and_mlp_is_told(family, lesson):
    printed = lesson.printed["stream-order"]
    if family in NO_SUM:
        assert printed.startswith("each block: what leaves the block is not the sum of")
    else:
        assert ("side by side" in printed) == (family in PARALLEL) and ("attention first" in printed) == (
            family not in PARALLEL
        )


def test_each_printed_check_holds_or_is_refused_in_words(family, lesson):
    refused = {
        cell for cell, view in lesson.values.items() if hasattr(view, "print_again") and is_refused_in_words(view)
    }
    no_neurons = {"neurons-sum"} if family in EXPERTS | NORMED_MLP else set()
    if family in NO_SUM:
        assert refused == {"stream-sum", "mlp-alone", "neurons-sum", "attribution-sum"}
    else:
        assert refused == no_neurons | ({"mlp-alone"} if family in ELSEWHERE else set())
        numbers = lesson.printed["stream-sum"].split()
        assert float(numbers[-1]) < 1e-3 * float(numbers[5])
        shares, logit = lesson.printed["attribution-sum"].splitlines()
        assert float(shares.split()[-1]) == pytest.approx(float(logit.split()[-1]), abs=TWO_PRINTED)
        if "mlp-alone" not in refused:
            assert float(lesson.printed["mlp-alone"].split()[-1]) < 1e-3


def test_the_norm_that_is_shown_divides_as_the_lesson_says(lesson):
    kind, enters, divided, leaves = lesson.printed["norm-show"].splitlines()
    values = [dict(zip(("mean", "spread", "size"), map(float, line.replace(",", "").split()[2::2]), strict=True))
              for line in (enters, divided, leaves)]  # fmt: skip
    if kind.startswith("LayerNorm"):
        assert kind.endswith("takes the mean away")
        assert values[1]["mean"] == pytest.approx(0, abs=half_of_decimal(2)) and values[1]["spread"] == pytest.approx(
            1, abs=0.01
        )
    else:
        assert kind.startswith("RMSNorm") and kind.endswith("leaves the mean in")
        assert values[1]["size"] == pytest.approx(1, abs=0.01)
        ratios = [values[at]["mean"] / values[at]["size"] for at in (0, 1)]
        assert ratios[0] == pytest.approx(ratios[1], abs=0.01)
    assert lesson.question("multiplied by 10").reveal() == "the same, within 10 %"


def test_the_exercises_solutions_are_right(lesson):
    check_solutions(lesson)


def test_the_questions_answers_are_the_models(family, lesson, truth):
    if family not in EXPERTS | NO_SUM:  # there the lesson's question on neurons has no answer
        check_nothing_tells(lesson)
    question = lesson.question("enters block 0")
    grown = np.linalg.norm(truth["leaving"][-1][-1]) / np.linalg.norm(truth["entering"][0][-1])
    assert lesson.names["growth"](lesson.names["trace"]) == pytest.approx(
        grown, rel=rounding(1.0, truth["entering"][0][-1], truth["leaving"][-1][-1])
    )
    assert question.is_too_close or question.reveal() == lesson.names["longer"][np.digitize(grown, [1, 3, 10])]
    question.reveal()
    assert question.is_too_close or ("normalise the stream itself" in question._state["explain"]) == (family in NO_SUM)
    question = lesson.question("activation above 0")
    answer = question.reveal()
    assert is_refused_in_words(question) == (family in EXPERTS | NO_SUM)
    if answer is not None:
        activations = truth["activations"][-1].reshape(-1, 56 if family != "bloom" else 96)[-1]
        assert answer == approx_float64(100 * (activations > 0).numpy().mean())
        lowest = float(truth["activations"][-1].reshape(-1, lesson.names["mlp"].d_mlp)[-1].min())
        assert ("All others are exactly 0." in question._state["explain"]) == (lowest >= 0)
        assert ("product" in question._hint) == (family in {"gemma2", "qwen3", "cohere", "olmo2"})


def test_the_lead_is_the_difference_of_two_logits(family, lesson, truth):
    question = lesson.question("most of its lead")
    if is_refused_in_words(question):
        assert family in NO_SUM
        return
    second, first = np.sort(truth["logits"])[-2:]
    sums = lesson.names["lead"](lesson.names["trace"])
    assert sum(sums.values()) == pytest.approx(
        first - second, abs=rounding(truth["logits"], lesson.names["trace"].residual(3))
    )
    assert ("cap on the logits" in sums) == (family == "gemma2")
    assert ("unembedding's bias" in sums) == (family == "phi")
    kinds = ("attention", "MLPs", "embedding")
    assert question.is_too_close or question.reveal() == max(kinds, key=sums.get)


def test_every_parameter_is_counted_once_in_its_part(family, lesson, reference):
    groups, known = lesson.names["groups"], families.ALL[family]
    total = sum(one.numel() for one in reference.parameters())
    assert sum(groups.values()) == total
    blocks = list(reference.get_submodule(known.blocks))
    attention = sum(one.numel() for block in blocks for one in block.get_submodule(known.attn).parameters())
    assert groups["attention"] == attention
    assert ("position table" in groups) == known.positions
    names = ["token table", "attention", "MLPs", "norms"]
    assert lesson.question("most parameters").reveal() == sorted(names, key=groups.get, reverse=True)
    assert (
        "same numbers: True" in lesson.printed["parameters-check"]
        or "other names" in lesson.printed["parameters-check"]
    )
    assert sum(row["parameters"] for row in lesson.values["areas"].to_table()) == total
    tied = reference.get_input_embeddings().weight is reference.get_output_embeddings().weight
    assert ("tied" in lesson.printed["parameters"]) == ("tied" in lesson.values["areas"].drawing.note) == tied
