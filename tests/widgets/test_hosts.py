"""The rules for widgets of the places where notebooks run: VS Code and Colab load a widget's one module, and nothing else."""

import json
import re
import sys
import types

import anywidget._util
import pytest
from families import TEXT
from view_classes import view_classes, views_of_a_trace

import gptviz

VIEWS = view_classes()
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_is_one_module_that_loads_nothing(name):
    """Colab and VS Code load the module from a Blob URL: it can import no file, and needs neither require.js nor a CDN."""
    module, styles = VIEWS[name]._esm, VIEWS[name]._css
    assert re.search(r"^export default \{ render:", module, re.MULTILINE)
    code = re.sub(r"/\*.*?\*/", "", module, flags=re.DOTALL)  # the types in comments are written as imports
    assert not re.search(r"^\s*import\b|\bimport\s*\(|\brequire(?:js)?\s*[.(]|\bdefine\s*\(", code, re.MULTILINE)
    assert "://" not in module.replace("http://www.w3.org/2000/svg", "")
    assert "@import" not in styles and "url(" not in styles


@pytest.mark.parametrize("kind", views_of_a_trace(), ids=lambda kind: kind.__name__)
def test_a_views_state_is_json_and_bytes_at_its_top_level(gpt, kind):
    """Not every host puts bytes back that lie deeper."""
    state = kind(gpt.trace(TEXT)).get_state()
    assert state["_model_module"] == state["_view_module"] == "anywidget"
    assert json.dumps({name: value for name, value in state.items() if not isinstance(value, (bytes, memoryview))})


def test_what_colab_needs_to_know_is_kept(gpt, monkeypatch):
    """Colab loads third-party widgets with a manager of its own, whose address it reads from the output's metadata."""
    output = types.ModuleType("google.colab.output")
    output._widgets = types.SimpleNamespace(_installed_url="https://manager.example/")
    output.enable_custom_widget_manager = lambda: None
    monkeypatch.setitem(sys.modules, "google.colab.output", output)
    anywidget._util.enable_custom_widget_manager_once.cache_clear()
    data, metadata = gptviz.TokensView(gpt.trace(TEXT))._repr_mimebundle_()
    anywidget._util.enable_custom_widget_manager_once.cache_clear()
    assert WIDGET_VIEW in data and "image/svg+xml" in data
    assert metadata[WIDGET_VIEW]["colab"]["custom_widget_manager"]["url"] == "https://manager.example/"
