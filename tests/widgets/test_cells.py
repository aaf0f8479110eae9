"""Cells that are run again in a real kernel: views that are no longer shown are closed, and the others stay."""

import os

import network_guard
import pytest
from jupyter_client.manager import start_new_kernel
from waiting import LONGEST_WAIT

SETUP = """
import gc
from families import tokenizer
from small_models import strong_gpt2
import gptviz
from gptviz.trace.trace import Trace
gpt = gptviz.wrap(strong_gpt2(), tokenizer())
box = gptviz.PromptBox("the thin owl", gpt=gpt)

def count(kind):
    gc.collect()
    return sum(issubclass(type(one), kind) for one in gc.get_objects())
"""
TRAINING = """
import threading, weakref
from gptviz import training
runs = []

def training_threads():
    return [thread for thread in threading.enumerate() if thread.name == "gptviz training"]
"""
RUN = """
run = training.finetune(gpt, ["the owl", "thin"], steps=100_000, keep=2)
view = gptviz.TrainingView(run, prompt="the")
view
"""
QUESTION = """
run = None
asked = gptviz.lessons.ask("How will it fall?", lambda: "fast", ("fast", "slowly"), known=lambda: run is None)
asked
"""
PICTURE = """
drawn = gptviz.lessons.picture(lambda: gptviz.drawings.treemap({0: {"MLPs": 3}}), until=[asked])
drawn
"""


class Kernel:
    """A kernel that runs the cells of a notebook, as JupyterLab sends them."""

    def __init__(self, manager, client):
        self.manager, self.client = manager, client

    def run(self, cell, code, interrupt_after=None):
        """Runs a cell with this id, or code outside of any cell; returns what it prints.

        interrupt_after: what it prints before the kernel is interrupted, as by the stop button; None for no interrupt.
        """
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        content |= {"allow_stdin": False, "stop_on_error": True}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell} if cell else {})
        self.client.shell_channel.send(message)
        printed = []
        while True:
            reply = self.client.get_iopub_msg(timeout=LONGEST_WAIT)
            if reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if reply["msg_type"] == "error":
                raise AssertionError("\n".join(reply["content"]["traceback"]))
            if reply["msg_type"] == "stream" and reply["content"]["name"] == "stdout":
                printed.append(reply["content"]["text"])
                if interrupt_after and interrupt_after in printed[-1]:
                    self.manager.interrupt_kernel()
            if reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                return "".join(printed).strip()

    def value(self, expression):
        """Returns the printed value of an expression, run outside of any cell."""
        return self.run(None, f"print({expression})")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    environment = os.environ | {"PYTHONPATH": network_guard.python_path()}
    environment |= {"IPYTHONDIR": str(tmp_path_factory.mktemp("ipython"))}
    manager, client = start_new_kernel(env=environment)
    kernel = Kernel(manager, client)
    kernel.run("setup", SETUP)
    yield kernel
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_cell_that_is_run_again_keeps_its_last_view_only(kernel):
    kernel.run("a", 'v = gptviz.AttentionView(gpt.trace("the owl"))\nv')
    traces, widgets = (int(kernel.value(e)) for e in ("count(Trace)", "len(gptviz.widgets.shared.cells._instances)"))
    for _ in range(12):
        kernel.run("a", 'v = gptviz.AttentionView(gpt.trace("the owl"))\nv')
    assert int(kernel.value("count(Trace)")) == traces
    assert int(kernel.value("len(gptviz.widgets.shared.cells._instances)")) == widgets
    assert kernel.value("v.comm is not None, _ is v, __ == ''") == "True True True"


def test_a_view_without_a_name_stays_until_its_cell_is_run_again(kernel):
    """The page shows it although no variable holds it."""
    kernel.run("b", "gptviz.TokensView(box)")
    kernel.run("other", "1 + 1")
    assert kernel.value("len([one for one in box._followers if one.comm is not None])") == "1"
    for _ in range(8):
        kernel.run("b", "gptviz.TokensView(box)")
    assert kernel.value("len([one for one in box._followers if one.comm is not None])") == "1"
    kernel.run("b", "'another thing'")
    assert kernel.value("len([one for one in box._followers if one.comm is not None])") == "0"


def test_a_view_that_another_cell_shows_stays_until_that_cell_is_run_again(kernel):
    kernel.run("c", "c = first = gptviz.TokensView(box)")
    kernel.run("d", "c")
    kernel.run("c", "c = gptviz.TokensView(box)")
    assert kernel.value("first.comm is not None, c.comm is not None") == "True True"
    kernel.run("d", "c")
    assert kernel.value("first.comm is not None, c.comm is not None") == "False True"


def test_a_view_inside_another_widget_stays(kernel):
    kernel.run("e", "e = first = gptviz.TokensView(box)")
    kernel.run("f", "import ipywidgets\nipywidgets.VBox([e])")
    kernel.run("e", "e = gptviz.TokensView(box)")
    assert kernel.value("first.comm is not None") == "True"
    kernel.run("g", 'page = gptviz.explore("the owl", gpt=gpt)\npage')
    kernel.run("h", "page._stations['tokens']")
    kernel.run("h", "2")
    assert kernel.value("all(view.comm is not None for view in page.family())") == "True"
    kernel.run("g", 'old = page\npage = gptviz.explore("the owl", gpt=gpt)\npage')
    assert kernel.value("any(view.comm is not None for view in old.family())") == "False"
    assert kernel.value("old.selection.comm, page.selection.comm is not None") == "None True"


def test_a_closed_view_opens_again_where_it_is_displayed(kernel):
    kernel.run("i", "shown = [gptviz.AttentionView(box)]\nshown[0]")
    kernel.run("i", "3")
    assert kernel.value("shown[0].comm") == "None"
    kernel.run("j", "shown[0]")
    assert (
        kernel.value("all(one.comm is not None for one in (shown[0], shown[0].layout, shown[0].selection))") == "True"
    )
    assert kernel.value("'application/vnd.jupyter.widget-view+json' in shown[0]._repr_mimebundle_()[0]") == "True"


def test_a_view_made_outside_of_cells_stays(kernel):
    kernel.run(None, "free = gptviz.TokensView(box)")
    kernel.run("k", "4")
    kernel.run("k", "5")
    assert kernel.value("free.comm is not None") == "True"


@pytest.mark.parametrize("first", ["", "if runs: view.close()"])
def test_the_training_of_a_cell_that_is_run_again_ends(kernel, first):
    """No page is open here, as after a tab was closed: the run that the cell made last goes on."""
    kernel.run(None, TRAINING)
    for _ in range(3):
        kernel.run("l", first + RUN)
        kernel.run(None, "runs.append(weakref.ref(run))")
    kernel.run(None, "for t in training_threads():\n    if t is not run._source._thread: t.join()")
    assert kernel.value("[one() is run for one in runs], len(training_threads())") == "[False, False, True] 1"
    assert kernel.value("[one() for one in runs[:2]], run.status, view.run is run") == "[None, None] running True"
    assert kernel.value("run.stop().status, len(training_threads())") == "stopped 0"


def test_a_question_does_not_hold_the_view_that_it_covered_before_the_cell_was_run_again(kernel):
    kernel.run(None, TRAINING)
    kernel.run("question", QUESTION)
    for times in (1, 2, 3):
        kernel.run("n", RUN + "asked.also_cover(view)\nview")
        kernel.run(None, "runs.append(weakref.ref(run))")
        assert kernel.value("[one() is run for one in runs]") == str([False] * (times - 1) + [True])
        kernel.run(None, "for t in training_threads():\n    if t is not run._source._thread: t.join()")
        assert kernel.value("len(training_threads())") == "1"
        assert kernel.value("asked._about['covers'] == ['anywidget:' + view.model_id]") == "True"
        assert kernel.value("view._covered_by == [asked.text]") == "True"
    assert kernel.value("run.stop().status, len(training_threads())") == "stopped 0"


def test_a_picture_that_waits_for_a_question_is_freed_when_its_cell_is_run_again(kernel):
    kernel.run("question", QUESTION)
    for _ in range(3):
        kernel.run("o", PICTURE)
        assert kernel.value("count(type(drawn)), asked._covers == [drawn], drawn._covered_by") == (
            "1 True ['How will it fall?']"
        )
        assert kernel.value("asked._about['covers'] == ['anywidget:' + drawn.model_id]") == "True"


def test_a_covered_view_that_opens_again_waits_for_its_question_again(kernel):
    kernel.run("question", QUESTION)
    kernel.run("p", PICTURE + "first = drawn")
    kernel.run("p", "6")
    assert kernel.value("first.comm, asked._about['covers']") == "None []"
    kernel.run("r", "first")
    assert kernel.value("asked._about['covers'] == ['anywidget:' + first.model_id]") == "True"
    kernel.run(None, "first.close()\nasked.reveal()")
    assert kernel.value("first._covered_by, asked._about['covers']") == "[] []"


def test_an_interrupt_of_the_kernel_pauses_the_run_and_loses_nothing(kernel):
    kernel.run(None, TRAINING + RUN)
    kernel.run(None, "watch = run._watch\nrun._watch = lambda worker: (print('waiting'), watch(worker))")
    for _ in range(2):
        kernel.run("m", "run.wait()", interrupt_after="waiting")
        assert kernel.value("run.status, len(run.loss) == run.steps_kept[-1] > 0, run.error") == "paused True None"
        assert kernel.value("run.resume().status") == "running"
    assert kernel.value("run.stop().status, len(training_threads())") == "stopped 0"
