"""Writes widgets as one HTML file that holds the model too, so that they stay alive without Python and without a network.

The page opens with the state that the widgets have in Python. Its Worker then computes what they need for every other text,
with the view models beside the widgets' Python classes; see `live/kernel.js`.
"""

import base64
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gptviz.errors import fail
from gptviz.files import check_target, write_file
from gptviz.pages.answering import PageWidget
from gptviz.pages.document import LANGUAGE_TAGS, STYLE, document, element, module_script, policy_of, whole_text
from gptviz.pages.export import MOST_BYTES
from gptviz.pages.model_files import ModelFiles, model_files
from gptviz.pages.modules import bundle
from gptviz.pages.stored import page_json, question_key, reference, state_of, stored_answer

_FOLDER = Path(__file__).parent / "live"
_OPEN = """
const text = (id) => {
  const block = document.getElementById(id);
  const content = block.textContent;
  block.remove(); // the page needs it once
  return content;
};
openLivePage(JSON.parse(text("data")), globalThis.gptviz, {
  source: JSON.parse(text("worker")),
  weights: JSON.parse(text("weights")),
  model: JSON.parse(text("model")),
});
"""


def save_live_html(
    path: str | os.PathLike[str], *parts: PageWidget | str, gpt: Any, title: str = "gptviz", asks: bool = False
) -> Path:
    """Writes `parts` one below the other as one page that runs `gpt`, and returns its path.

    parts: widgets that follow one PromptBox, and HTML that is inserted unchanged. asks: whether the page begins with three
    questions, which cover the views that would tell their answers. Raises GPTVizError if the page cannot run
    the model, if it would be larger than 20 MB, or if the file cannot be written.
    """
    target = check_target(path)
    text = live_page(*parts, files=model_files(gpt), title=title, asks=asks)
    if (size := len(text.encode())) > MOST_BYTES:
        expected, got = f"a page of at most {MOST_BYTES / 1e6:.0f} MB", f"one of {size / 1e6:.1f} MB"
        raise fail(expected, got, "Take a smaller model.")
    return write_file(target, lambda file: file.write_text(text, encoding="utf-8"))


def live_page(*parts: PageWidget | str, files: ModelFiles, title: str, asks: bool = False) -> str:
    """Returns the page as text; see `save_live_html`."""
    roots = [part for part in parts if isinstance(part, PageWidget)]
    widgets = live_widgets(roots)
    classes = {widget._name: widget for widget in widgets}
    scripts = [module_script(name, str(widget._esm)) for name, widget in classes.items()]
    scripts.append(bundle(_FOLDER / "host.js") + _OPEN)
    sheet = (_FOLDER / "host.css").read_text(encoding="utf-8")
    all_styles = ["\n".join([STYLE, sheet, *dict.fromkeys(str(widget._css) for widget in classes.values())])]
    blocks = {
        "data": page_json(page_data(widgets, roots) | {"asks": asks}),
        "worker": page_json(bundle(_FOLDER / "worker.js")),
        "model": page_json({"name": files.name, "config": files.config, "tokenizer": files.tokenizer}),
        "weights": page_json(base64.b64encode(files.weights).decode()),
    }
    body = "\n".join(map(element, parts))
    policy = policy_of(scripts, all_styles, worker=True)
    return document(whole_text(title), LANGUAGE_TAGS[roots[0].language], scripts, all_styles, body, policy, blocks)


def live_widgets(roots: Sequence[PageWidget]) -> list[PageWidget]:
    """Returns the widgets of a page, each once: those that stand in it, those that they hold, and those on demand."""
    members = [member for root in roots for member in root.page_family()]
    members += [child for member in members for child in member.live_children().values()]
    return list({member.model_id: member for member in members}.values())


def page_data(widgets: Sequence[PageWidget], roots: Sequence[PageWidget]) -> dict[str, Any]:
    """Returns the state of widgets and of what they share, with the answers that are the same for every text."""
    stored: dict[str, dict[str, Any]] = {}
    for widget in widgets:
        state, buffers = state_of(widget)
        answers = {
            question_key(name, {}): stored_answer(widget._answer({"kind": "ask", "id": 0, "name": name, "args": {}}))
            for name in widget._of_the_model
        }
        children = {name: reference(child) for name, child in widget.live_children().items()}
        stored[reference(widget)] = {
            "module": widget._name, "state": state, "buffers": buffers, "answers": answers, "children": children,
        }  # fmt: skip
    return {
        "root": [reference(widget) for widget in roots],
        "widgets": stored,
        "titles": {reference(widget): widget._titles for widget in widgets},
        "shared": {model.reference: state_of(model)[0] for widget in widgets for model in widget.shared_models()},
    }
