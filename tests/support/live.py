"""Runs the view models of a live page in Node.js beside the views' Python classes. The program is `tests/js/live_answers.mjs`."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
from close import assert_close

from gptviz.pages.live_page import live_widgets, page_data
from gptviz.pages.model_files import model_files
from gptviz.pages.stored import reference, state_of
from gptviz.pages.wire import json_ready, unpack
from gptviz.widgets.timeline.timeline import GenerationTimeline

ANSWERS = Path(__file__).parents[1] / "js" / "live_answers.mjs"
DTYPES = {"_thumbnails": "uint8"}  # of traits of bytes; others are float32


class LivePages:
    """Views that follow one prompt box, in Python and in Node.js.

    make: makes the views of a page, the box first. gpt: the model. folder: where its weights are written.
    """

    def __init__(self, make, gpt, folder):
        self.make, self.gpt = make, gpt
        files = model_files(gpt)
        weights = folder / "weights.safetensors"
        weights.write_bytes(files.weights)
        self.model = {"weights": str(weights), "config": files.config, "tokenizer": files.tokenizer, "name": files.name}

    def run(self, steps):
        """Does the same steps in both; returns a list of (Python's answer, the page's, the views, the page's states).

        steps: (index of a view, name of a question, its arguments); or (index, traits) that the page sets. The states are
        those after the step, each view's traits by the index of the view: those that `make` returns, then those they hold.
        An error is an answer: what a page is sent.
        """
        roots = self.make()
        widgets = live_widgets(roots)
        views = [*roots, *(widget for widget in widgets if widget not in roots)]
        page = page_data(views, roots)
        references = [reference(view) for view in views]
        asked = [
            {"reference": references[step[0]], "states": True, "waits": True}
            | ({"set": step[1]} if len(step) == 2 else {"name": step[1], "args": step[2]})
            for step in steps
        ]
        done = subprocess.run(
            [shutil.which("node"), ANSWERS],
            input=json.dumps(self.model | {"page": page, "steps": asked}),
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        results = []
        for step, answer in zip(steps, json.loads(done.stdout), strict=True):
            for view in views:
                if isinstance(view, GenerationTimeline):
                    view.wait()
            expected = None if len(step) == 2 else _answer(views[step[0]], *step[1:])
            if len(step) == 2:
                views[step[0]].set_state(step[1])
            of_page = [answer["states"][name] for name in references]
            results.append((expected, answer, [state_of(view) for view in views], of_page))
        return results


def _answer(view, name, args):
    sent = []
    view.send = lambda content, buffers=None: sent.append((content, buffers or []))
    view._on_message(view, {"kind": "ask", "id": 0, "name": name, "args": args}, [])
    del view.send
    return sent[-1]


def assert_same_answer(expected, answer, scale):
    """Compares an answer of Python with that of the page. scale: what goes into its numbers; see `assert_close`."""
    message, buffers = expected
    if "error" in message:
        assert message["code"] not in ("message", "arguments"), message["error"]  # the question itself is wrong
        assert (answer["code"], answer["facts"]) == (message["code"], message["facts"])
        return
    assert "error" not in answer, answer["error"]
    assert answer["array"] == message["array"]
    if message["array"]:
        (raw,) = answer["bytes"]
        assert_same(unpack(message["array"], base64.b64decode(raw)), unpack(message["array"], buffers[0]), scale)
    else:
        assert_same(answer["value"], message["value"], scale)


def assert_same_traits(expected, of_page, scale):
    """Compares the traits of a view in Python, (values, bytes), with those of the page."""
    values, raw = expected
    for name, base64_text in raw.items():
        if name not in of_page:  # the page still has the bytes that it opened with
            continue
        dtype = DTYPES.get(name, "<f4")
        actual, numbers = (
            np.frombuffer(base64.b64decode(one), dtype) for one in (of_page[name]["base64"], base64_text)
        )
        if name == "_lens":  # the page asks for those of earlier tokens, which Python sends of short texts
            assert np.isfinite(actual[-1])
            numbers = np.where(np.isnan(actual), actual, numbers)
        assert_same(actual, numbers, scale, name)
    assert of_page.keys() >= values.keys()
    for name, value in values.items():
        assert_same(of_page[name], json_ready(value), scale, name)


def assert_same(actual, expected, scale, name=""):
    """Fails unless numbers agree to rounding, and everything else is equal, at any depth. Bytes may differ by one."""
    if isinstance(expected, np.ndarray) and expected.dtype == np.uint8:
        assert actual.shape == expected.shape, name
        assert np.abs(actual.astype(int) - expected.astype(int)).max(initial=0) <= 1, name
    elif isinstance(expected, np.ndarray) or (isinstance(expected, list) and _is_numeric(expected)):
        assert np.shape(actual) == np.shape(expected), name
        finite = np.isfinite(np.array(expected, float))
        assert np.array_equal(np.isfinite(np.array(actual, float)), finite), name
        assert_close(np.array(actual, float)[finite], np.array(expected, float)[finite], scale=scale)
    elif isinstance(expected, dict):
        assert actual.keys() == expected.keys(), name
        for key, value in expected.items():
            assert_same(actual[key], value, scale, f"{name}.{key}")
    elif isinstance(expected, (list, tuple)):
        assert len(actual) == len(expected), name
        for i, (one, other) in enumerate(zip(actual, expected, strict=True)):
            assert_same(one, other, scale, f"{name}[{i}]")
    elif isinstance(expected, float):
        assert_close(actual, expected, scale=scale)
    else:
        assert actual == expected, name


def _is_numeric(values):
    return any(isinstance(value, float) for value in values) and all(
        isinstance(value, (int, float)) for value in values
    )
