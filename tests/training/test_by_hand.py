"""A step, an adapter and the preference loss, computed again by other means."""

import copy

import numpy as np
import pytest
import torch
from close import approx_float32, assert_close, rounding
from peft import PeftModel
from trained import quick, small_gpt, weights

from gptviz import training
from gptviz.training.batches import filled
from gptviz.training.losses import answer_log_probabilities
from gptviz.training.texts import read_pairs

TEXT, RATE = "the thin thing in the tin", 0.05


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_step_of_gradient_descent_equals_one_by_hand(family):
    gpt = small_gpt(family)
    run = quick(gpt, [TEXT], method="full", optimizer="sgd", learning_rate=RATE, steps=1)
    model = copy.deepcopy(gpt.model).requires_grad_(True).eval()
    ids = torch.tensor([gpt.encode(TEXT)])
    loss = model(ids, labels=ids).loss
    loss.backward()
    assert run.loss[0] == pytest.approx(float(loss.detach()), abs=rounding(float(loss.detach())))
    after = weights(run.gpt)
    for name, parameter in model.named_parameters():
        expected = parameter.detach().double() - RATE * parameter.grad.double()
        assert_close(after[name], expected.numpy(), scale=[parameter.detach().numpy(), RATE * parameter.grad.numpy()])


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_an_adapter_adds_its_product_to_the_map(family, tmp_path):
    from safetensors.numpy import load_file

    gpt = small_gpt(family)
    run = quick(gpt, rank=3)
    run.save(tmp_path / "run")
    saved = load_file(tmp_path / "run" / "steps" / "000005.safetensors")
    before, after = weights(gpt), weights(run.gpt)
    changed = set()
    for name, a in saved.items():
        if not name.endswith("lora_A.weight"):
            continue
        place = name.removesuffix(".lora_A.weight")
        b = saved[f"{place}.lora_B.weight"]
        assert a.shape[0] == b.shape[1] == 3
        change = 2.0 * b.astype(np.float64) @ a.astype(np.float64)
        change = change.T if family == "gpt2" else change
        weight = f"{place}.weight"
        assert_close(after[weight], before[weight] + change, scale=[before[weight], change])
        assert np.abs(change).max() > 0
        changed.add(weight)
    assert len(changed) == {"gpt2": 4, "llama": 7}[family] * gpt.n_layers
    for name in before.keys() - changed:
        assert np.array_equal(before[name], after[name])


@pytest.mark.parametrize("family", ["mixtral", "qwen3_moe"])
def test_adapters_of_a_mixture_leave_its_experts_and_are_opened_again(family, tmp_path):
    gpt = small_gpt(family)
    run = quick(gpt, [TEXT], steps=3)
    ids = torch.tensor([gpt.encode(TEXT)])
    for one in (run, training.open_run(run.save(tmp_path / "run"))):
        output = one.at(2).model(ids, labels=ids)
        bound = rounding(output.logits.detach())
        assert run.loss[2] == pytest.approx(float(output.loss.detach()), abs=bound)
        assert run.loss[0] - run.loss[2] > 10 * bound
        before, after = weights(gpt), weights(one.gpt)
        changed = [name for name in before if not np.array_equal(before[name], after[name])]
        assert len(changed) == 4 * gpt.n_layers and all(".self_attn." in name for name in changed)


PAIRS = [("the", " thin", " thing tin"), ("in the", " inn", "n"), ("a", "b", "cde")]
BETA = 0.3


def dpo_loss(chosen, rejected, of_chosen, of_rejected):
    """Returns the loss from four log-probabilities for each pair, the last two of the reference, in float64."""
    chosen, rejected, of_chosen, of_rejected = (
        np.asarray(x, np.float64) for x in (chosen, rejected, of_chosen, of_rejected)
    )
    return np.log1p(np.exp(-BETA * ((chosen - of_chosen) - (rejected - of_rejected)))).mean()


def log_probabilities(model, gpt):
    """Returns those that gptviz computes of the chosen and of the rejected answers, two tensors (pairs,)."""
    model.requires_grad_(
        True
    )  # as in the run: without gradients torch takes another kernel, which rounds in another way
    return [answer_log_probabilities(model, filled(texts)).detach() for texts in read_pairs(gpt, PAIRS)]


def by_hand(gpt, answers):
    """Returns the log-probability of the answer of each pair from the logits of traces, in float64; and the largest logit."""
    sums, largest = [], 0
    for (prompt, *_), answer in zip(PAIRS, answers, strict=True):
        prompt_ids, answer_ids = gpt.encode(prompt), gpt.encode(answer)
        logits = gpt.trace([*prompt_ids, *answer_ids]).logits.astype(np.float64)
        logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        sums.append(sum(logs[len(prompt_ids) - 1 + i, id] for i, id in enumerate(answer_ids)))
        largest = max(largest, np.abs(logits).max(), np.abs(logs).max())
    return np.array(sums), largest


def test_preference_loss_equals_a_float64_computation_from_the_log_probabilities():
    gpt = small_gpt()
    run = training.prefer(gpt, PAIRS, beta=BETA, steps=4, learning_rate=1e-3, method="full").wait()
    reference = log_probabilities(gpt.model, gpt)
    assert run.loss[0] == approx_float32(np.log(2))
    for step in range(4):
        of_step = log_probabilities(run.at(step).model, gpt)
        margins = [BETA * (of - ref).abs().max() for of, ref in zip(of_step, reference, strict=True)]
        bound = rounding(np.log(2), *margins, factor=2)  # of a product and a logarithm
        expected = dpo_loss(*of_step, *reference)
        assert run.loss[step] == pytest.approx(expected, abs=bound)
        assert step == 0 or np.log(2) - expected > 10 * bound, "or any loss near log 2 would do"
    assert run.loss[-1] < run.loss[0]


def test_the_log_probability_of_an_answer_is_the_sum_over_its_own_tokens():
    gpt = small_gpt()
    for computed, answers in zip(
        log_probabilities(gpt.model, gpt), zip(*[pair[1:] for pair in PAIRS], strict=True), strict=True
    ):
        expected, largest = by_hand(gpt, answers)
        assert_close(computed.numpy(), expected, scale=largest)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_a_fork_of_preferences_keeps_the_reference_of_the_first_run(method):
    gpt = small_gpt()
    run = training.prefer(gpt, PAIRS, beta=BETA, steps=3, learning_rate=1e-2, method=method).wait()
    fork = run.fork(2, steps=2).wait()
    again = fork.fork(0, steps=1).wait()
    reference = log_probabilities(gpt.model, gpt)
    largest = max(values.abs().max() for values in reference)
    expected = dpo_loss(*log_probabilities(run.at(2).model, gpt), *reference)
    for later in (fork.loss[0], again.loss[0]):
        assert later == pytest.approx(run.loss[2], abs=rounding(BETA * largest))
        assert later == pytest.approx(expected, abs=rounding(BETA * largest))
    assert abs(expected - np.log(2)) > 10 * rounding(BETA * largest), "or the reference of the fork would not show"


@pytest.mark.parametrize(
    ("family", "dtype", "method"),
    [
        ("gpt2", torch.float16, "full"),
        ("llama", torch.bfloat16, "full"),
        ("llama", torch.bfloat16, "lora"),
        ("gpt2", torch.float64, "full"),
    ],
)
def test_the_first_loss_of_preferences_is_log_2_in_every_precision(family, dtype, method):
    gpt = small_gpt(family)
    gpt.model.to(dtype)
    run = training.prefer(gpt, PAIRS, steps=1, learning_rate=1e-2, method=method).wait()
    assert run.loss[0] == approx_float32(np.log(2))
    fork = run.fork(0, method="full" if method == "lora" else "lora").wait()
    assert fork.loss[0] == approx_float32(np.log(2))


@torch.no_grad()
def test_the_loss_of_a_model_in_half_precision_is_that_of_the_weights_in_training():
    half = small_gpt()
    half.model.to(torch.bfloat16)
    run = quick(half, [TEXT], method="full", learning_rate=1e-2, steps=3)
    ids, trained = torch.tensor([half.encode(TEXT)]), small_gpt().model
    differences = []
    for step, state in list(run._source.states.items())[:3]:
        trained.load_state_dict(state, strict=False)  # without the head, which is the table of tokens
        expected = trained(ids, labels=ids)
        exact = rounding(expected.logits)
        assert run.loss[step] == pytest.approx(float(expected.loss), abs=exact)
        of_rounded = float(run.at(step).model(ids, labels=ids).loss)
        differences.append(abs(of_rounded - run.loss[step]))
    assert exact < max(differences) < rounding(run.loss, factor=1, dtype=torch.bfloat16)


def test_rehearsed_texts_join_each_batch():
    gpt = small_gpt()
    ids = [torch.tensor([gpt.encode(text)]) for text in ("the tin", "in an inn")]
    run = quick(gpt, ["the tin"], rehearse=["in an inn"], steps=1)
    sums = [float(gpt.model(i, labels=i).loss) * (i.shape[1] - 1) for i in ids]
    expected = sum(sums) / sum(i.shape[1] - 1 for i in ids)
    assert run.loss[0] == pytest.approx(expected, abs=rounding(gpt.model(ids[0]).logits.detach(), expected))


def test_a_model_of_the_hub_is_not_looked_up_there(monkeypatch):
    """peft would ask the hub at each kept step whether the vocabulary is the published one's."""
    gpt = small_gpt()
    gpt.model.config._name_or_path = gpt.model.name_or_path = "somebody/some-model"
    asked = []
    monkeypatch.setattr("peft.utils.save_and_load.check_file_exists_on_hf_hub", lambda *names: asked.append(names))
    run = quick(gpt)
    assert not asked and len(run.steps_kept) == 6
    assert {name.rsplit(".", 2)[1] for name in run._source.states[5]} == {"lora_A", "lora_B"}


def test_the_adapters_are_those_of_peft():
    gpt = small_gpt()
    run = quick(gpt)
    assert isinstance(run.before.model, type(gpt.model)) and not isinstance(run.gpt.model, PeftModel)
