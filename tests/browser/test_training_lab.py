"""A training run in JupyterLab: what is typed while it goes on is answered with the shown step's model."""

import json

from playwright.sync_api import expect

CELLS = [
    "import gptviz\nfrom gptviz import training\nrun = training.pretrain(steps=100_000, keep=2, seed=0)\n"
    "view = gptviz.TrainingView(run, step=0)\nview",
    "view.box",
    "gptviz.SamplingBench(view.box, rows=5)",
]
SAME = """
import json, numpy as np
print(json.dumps([bool(np.array_equal(view.box.trace.logits, run.at(0).trace("ababab").logits)), run.status]))
"""


def test_a_prompt_typed_during_a_run_is_answered_with_the_shown_steps_model(run_cells):
    notebook = run_cells(CELLS, height=2600)
    page = notebook.page
    field = page.locator(".gptviz-prompt").get_by_role("textbox")
    for prompt in ("xyzxyzxyzxyz", "ababab"):
        field.fill(prompt)
        field.press("Enter")
        answer = page.locator(".gptviz-sampling header .sentence")
        expect(answer).to_contain_text(f"at position {len(prompt) - 1}")
    assert json.loads(notebook.execute(SAME)) == [True, "running"]
    page.get_by_role("button", name="stop training").click()
    expect(page.locator(".gptviz-training .status")).to_contain_text("stopped at step")
    assert json.loads(notebook.execute(SAME)) == [True, "stopped"]
