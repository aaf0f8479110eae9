"""A step, an adapter and the preference loss, computed again by other means."""

import copy

import numpy as np
import pytest
import torch
from close import assert_close
from peft import PeftModel
from trained import quick, small_gpt, weights

from gptviz import training

TEXT, RATE = "the thin thing in the tin", 0.05


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_step_of_gradient_descent_equals_one_by_hand(family):
    gpt = small_gpt(family)
    run = quick(gpt, [TEXT], method="full", optimizer="sgd", learning_rate=RATE, steps=1)
    model = copy.deepcopy(gpt.model).requires_grad_(True).eval()
    ids = torch.tensor([gpt.encode(TEXT)])
    loss = model(ids, labels=ids).loss
    loss.backward()
    assert run.loss[0] == pytest.approx(float(loss.detach()), rel=1e-6)
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


def test_preference_loss_equals_a_float64_computation():
    gpt = small_gpt()
    pairs = [("the", " thin", " thing tin"), ("in the", " inn", "n"), ("a", "b", "cde")]
    run = training.prefer(gpt, pairs, beta=0.3, steps=4, learning_rate=1e-2).wait()
    assert run.loss[0] == pytest.approx(np.log(2), rel=1e-6)
    for step in (1, 3):
        assert run.loss[step] == pytest.approx(dpo_loss(gpt, run.at(step), pairs, 0.3), rel=1e-5)
    assert run.loss[-1] < run.loss[0]


def dpo_loss(reference, gpt, pairs, beta):
    margins = []
    for prompt, chosen, rejected in pairs:
        of = [answer_log_probability(g, prompt, answer) for answer in (chosen, rejected) for g in (gpt, reference)]
        margins.append(beta * ((of[0] - of[1]) - (of[2] - of[3])))
    return np.mean(np.log1p(np.exp(-np.array(margins))))


def answer_log_probability(gpt, prompt, answer):
    prompt_ids, answer_ids = gpt.encode(prompt), gpt.encode(answer)
    logits = gpt.trace([*prompt_ids, *answer_ids]).logits.astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return sum(logs[len(prompt_ids) - 1 + i, id] for i, id in enumerate(answer_ids))


def test_rehearsed_texts_join_each_batch():
    gpt = small_gpt()
    ids = [torch.tensor([gpt.encode(text)]) for text in ("the tin", "in an inn")]
    run = quick(gpt, ["the tin"], rehearse=["in an inn"], steps=1)
    sums = [float(gpt.model(i, labels=i).loss) * (i.shape[1] - 1) for i in ids]
    assert run.loss[0] == pytest.approx(sum(sums) / sum(i.shape[1] - 1 for i in ids), rel=1e-5)


def test_the_adapters_are_those_of_peft():
    gpt = small_gpt()
    run = quick(gpt)
    assert isinstance(run.before.model, type(gpt.model)) and not isinstance(run.gpt.model, PeftModel)
