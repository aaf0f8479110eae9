"""A saved run has the same numbers when it is opened, and a folder that holds something else is left alone."""

import json

import numpy as np
import pytest
from trained import logits, quick, small_gpt

from gptviz import training
from gptviz.errors import FileNotWritten, GPTVizError, NotAvailable


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


@pytest.mark.parametrize(
    "damage", ["no description", "not JSON", "another format", "no step", "half a step", "no number"]
)
def test_a_damaged_run_is_refused(run, tmp_path, damage):
    folder = run.save(tmp_path / "run")
    file = folder / "run.json"
    description = json.loads(file.read_text())
    if damage == "no description":
        file.unlink()
    elif damage == "not JSON":
        file.write_text(file.read_text()[:40])
    elif damage == "another format":
        file.write_text(json.dumps(description | {"format": 99}))
    elif damage == "no step":
        (folder / "steps" / "000001.safetensors").unlink()
    elif damage == "half a step":
        step = folder / "steps" / "000001.safetensors"
        step.write_bytes(step.read_bytes()[:100])
    else:
        file.write_text(json.dumps(description | {"losses": ["low"]}))
    with pytest.raises(GPTVizError, match=r"Expected a .*run.* Got "):
        training.open_run(folder)
