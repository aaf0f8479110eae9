"""A saved run has the same numbers when it is opened, and a folder that holds something else is left alone."""

import json
import threading

import families
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from trained import logits, quick, small_gpt
from transformers import AutoModelForCausalLM
from waiting import LONGEST_WAIT

import gptviz
from gptviz import training
from gptviz.errors import FileNotWritten, GPTVizError, NotAvailable
from gptviz.training.remainder import known_functions, remainder, restore


@pytest.fixture(scope="module", params=["lora", "full"])
def run(request):
    return quick(small_gpt(), method=request.param, held_out=["the thin inn"])


def test_a_saved_run_has_the_same_numbers(run, tmp_path):
    opened = training.open_run(run.save(tmp_path / "run"))
    assert np.array_equal(opened.loss, run.loss) and opened.status == "finished"
    assert opened.settings == run.settings and opened.at(2).name == run.at(2).name
    assert {name: values.tolist() for name, values in opened.measures.items()} == {
        name: values.tolist() for name, values in run.measures.items()
    }
    for step in run.steps_kept:
        assert np.array_equal(logits(opened.at(int(step))), logits(run.at(int(step))))
    assert np.array_equal(logits(opened.strength(0.5)), logits(run.strength(0.5)))
    assert opened.wait() is opened and opened.pause() is opened and opened.stop() is opened
    with pytest.raises(NotAvailable, match="finetune"):
        opened.fork(2)


def tensors_of(model):
    return dict([*model.named_parameters(), *model.named_buffers()])


def assert_models_equal(a, b):
    first, second = tensors_of(a), tensors_of(b)
    assert first.keys() == second.keys()
    for name in first:
        assert first[name].dtype == second[name].dtype and torch.equal(first[name], second[name]), name


def with_other_positions(model):
    model.model.rotary_emb.inv_freq.mul_(1.5)
    return model


def with_settings_that_contradict(model):
    """As published models have them: transformers opens these, and refuses to save them."""
    model.generation_config.temperature, model.generation_config.do_sample = 0.7, False
    with pytest.raises(ValueError, match="invalid"):
        model.generation_config.validate(strict=True)
    return model


def with_function(kind, name):
    def change(model):
        getattr(model, f"set_{kind}_implementation")(name)
        assert getattr(model.config, f"_{kind}_implementation") == name
        return model

    return change


@pytest.mark.parametrize(
    ("family", "method", "change"),
    [
        ("llama", "lora", lambda model: model.half()),
        ("llama", "full", lambda model: model.to(torch.bfloat16)),
        ("gemma2", "lora", lambda model: model.to(torch.bfloat16)),
        ("llama", "lora", with_other_positions),
        ("llama", "lora", with_settings_that_contradict),
        ("gpt2", "lora", with_function("attn", "eager")),
        ("llama", "full", with_function("attn", "eager")),
        ("qwen3_moe", "full", with_function("experts", "eager")),
        ("qwen3_moe", "full", with_function("experts", "batched_mm")),
    ],
)
def test_a_model_that_was_changed_before_its_run_is_opened_with_the_same_numbers(family, method, change, tmp_path):
    gpt = gptviz.wrap(change(families.build(family)), families.tokenizer())
    run = quick(gpt, steps=2, batch=2, method=method)
    opened = training.open_run(run.save(tmp_path / "run"))
    for step in (0, 2):
        assert np.array_equal(logits(opened.at(step)), logits(run.at(step)))
        assert_models_equal(opened.at(step).model, run.at(step).model)
    assert opened.before.end_ids == run.before.end_ids != frozenset()
    assert run.before.model.generation_config.to_dict() == gpt.model.generation_config.to_dict()
    for name in ("_attn_implementation", "_experts_implementation"):
        assert getattr(opened.before.model.config, name) == getattr(run.before.model.config, name)


def test_weights_of_several_dtypes_are_opened_as_they_were(tmp_path):
    model = families.build("llama").half()
    model.model.norm.float()
    model.model.layers[1].mlp.down_proj.to(torch.bfloat16)
    model.save_pretrained(tmp_path)
    opened = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    restore(opened, "float16", remainder(model))
    assert_models_equal(opened, model)


def test_a_folder_without_a_remainder_is_opened_as_transformers_does(run, tmp_path):
    folder = run.save(tmp_path / "run")
    (folder / "remainder.safetensors").unlink()
    for entry in ("dtype", "functions"):
        without(entry)(folder)
    assert np.array_equal(logits(training.open_run(folder).at(2)), logits(run.at(2)))


@pytest.mark.parametrize("name", ["someone/kernel", "flash_attention_2", "paged|sdpa", "none of them", None, 3])
def test_functions_that_would_be_fetched_or_are_not_here_are_left_to_transformers(name):
    assert known_functions({"attn_implementation": name, "experts_implementation": name}) == {}
    assert known_functions({"attn_implementation": "sdpa"}) == {"attn_implementation": "sdpa"}


def test_a_run_is_saved_over_an_older_one_and_over_nothing_else(run, tmp_path):
    folder = tmp_path / "run"
    run.save(folder)
    (folder / "steps" / "000099.safetensors").write_bytes(b"old")
    run.save(folder)
    assert not (folder / "steps" / "000099.safetensors").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(GPTVizError, match="a new folder, or one with a saved run"):
        run.save(tmp_path / "mine")
    with pytest.raises(FileNotWritten, match="a folder that can be written"):
        run.save(tmp_path / "mine" / "letter.txt" / "run")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_a_failed_run_is_saved_with_its_error(tmp_path):
    run = training.finetune(small_gpt(), ["the tin"], steps=9, method="full", learning_rate=1e30, optimizer="sgd")
    with pytest.raises(GPTVizError) as caught:
        run.wait()
    opened = training.open_run(run.save(tmp_path / "run"))
    assert opened.status == "failed" and str(opened.error) == str(caught.value)


def test_a_run_that_is_saved_while_it_fails_can_be_opened(tmp_path):
    """A listener saves whenever a step was kept or the status changed: also while the last step of a failed run is kept."""
    listening, calls, folders = threading.Event(), [], []

    def measure(_gpt):
        calls.append(0)
        if len(calls) > 1:
            listening.wait(LONGEST_WAIT)
        return 1 / (4 - len(calls))

    run = training.finetune(small_gpt(), ["the tin"], steps=9, measures={"n": measure})
    run.on_change(lambda: folders.append(run.save(tmp_path / f"{len(folders)}")))
    listening.set()
    with pytest.raises(GPTVizError, match="ZeroDivisionError"):
        run.wait()
    assert len(folders) == 4
    assert [training.open_run(folder).status for folder in folders] == ["stopped"] * 3 + ["failed"]


def test_a_model_that_transformers_cannot_save_is_refused_in_words(tmp_path):
    gpt = small_gpt()
    gpt.model.config.temperature = 0.7
    run = quick(gpt, steps=1)
    with pytest.raises(GPTVizError, match=r"a model that transformers can save. Got ValueError: .*generation param"):
        run.save(tmp_path / "run")
    assert not list(tmp_path.iterdir())


def of_step_1(change):
    """Returns the damage of writing the tensors of step 1 again, changed."""

    def damage(folder):
        file = folder / "steps" / "000001.safetensors"
        state = load_file(file)
        name = sorted(state)[0]
        save_file(change(state, name), file)

    return damage


def described(**entries):
    """Returns the damage of other entries in run.json."""

    def damage(folder):
        file = folder / "run.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | entries))

    return damage


def without(entry):
    def damage(folder):
        file = folder / "run.json"
        description = json.loads(file.read_text())
        del description[entry]
        file.write_text(json.dumps(description))

    return damage


def cut(name):
    def damage(folder):
        file = folder / name
        file.write_bytes(file.read_bytes()[:100])

    return damage


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "run.json").unlink(), "which has no run.json"),
        (cut("run.json"), "damaged or was written by another version"),
        (described(format=99), "damaged or was written by another version"),
        (lambda folder: (folder / "steps" / "000001.safetensors").unlink(), "damaged"),
        (cut("steps/000001.safetensors"), "damaged"),
        (of_step_1(lambda state, name: {**state, name: state[name][..., :-1].copy()}), "has the shape"),
        (of_step_1(lambda state, name: {key: value for key, value in state.items() if key != name}), "the shape None"),
        (of_step_1(lambda state, name: {**state, "other": state[name]}), "other has the shape"),
        (described(losses=["low"]), "could not convert"),
        (described(losses=[1.0]), "1 losses and the steps"),
        (described(status="asleep"), "the status is 'asleep'"),
        (described(status=["finished"]), r"the status is \['finished'\]"),
        (described(status="running"), "the status is 'running'"),
        (described(status="failed"), "the status is 'failed' and the error None"),
        (described(error=["a", "b", "c"]), r"the status is 'finished' and the error \["),
        (described(steps=[]), "and the steps"),
        (described(steps=[1, 2, 3, 4, 5, 0]), "and the steps"),
        (described(measured=[{}] * 5), "damaged"),
        (described(measured=[{"n": 1}] + [{}] * 5), "steps with different measures"),
        (described(measured=[{"n": "many"}] * 6), "could not convert"),
        (described(end_ids=5), "not iterable"),
        (described(settings={"steps": 5, "method": "sleep"}), "a method among"),
        (without("status"), "KeyError"),
        (lambda folder: (folder / "remainder.safetensors").unlink(), "damaged"),
        (lambda folder: save_file({"n": np.ones(3)}, folder / "remainder.safetensors"), r"n has the shape \(3,\)"),
        (described(dtype="nn"), "the dtype is 'nn'"),
        (described(dtype=3), "TypeError"),
        (described(functions=[]), "AttributeError"),
    ],
)
def test_a_damaged_run_is_refused(run, tmp_path, damage, words):
    folder = run.save(tmp_path / "run")
    damage(folder)
    with pytest.raises(GPTVizError, match=rf"Expected a .*run.* Got .*{words}"):
        training.open_run(folder)
