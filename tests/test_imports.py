"""What an import loads, counted in a fresh interpreter: torch and transformers only where a model is run."""

import importlib
import inspect
import json
import subprocess
import sys
from pathlib import Path
from pkgutil import iter_modules

import pytest

import gptviz

SAVED_TRACE = Path(__file__).parent / "trace" / "saved_by_0_1.safetensors"
MODEL_LIBRARIES = {"torch", "transformers"}
LOOK_AT_A_SAVED_TRACE = f"""
import gptviz
trace = gptviz.open_trace({str(SAVED_TRACE)!r})
trace.attention(1), trace.scores(1, 2), trace.residual(0), trace.probabilities(), trace.top(5), trace.logit_lens()
trace.head_output(1, 2), trace.next_token()
for view in (gptviz.TokensView(trace), gptviz.AttentionView(trace), gptviz.SamplingBench(trace)):
    view.to_table(), view.still(), view._repr_mimebundle_()
gptviz.AttentionView(trace).save_html({{folder!r}} + "/page.html")
"""


def loaded_modules(code: str) -> set[str]:
    """Returns the names of all modules that a fresh interpreter has loaded after this code, beside those it starts with."""
    program = f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint(json.dumps(sorted(set(sys.modules) - before)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_gptviz_loads_no_library_at_all():
    modules = loaded_modules("import gptviz")
    libraries = {name.partition(".")[0] for name in modules} - set(sys.stdlib_module_names)
    assert libraries == {"gptviz"}
    assert len([name for name in modules if name.startswith("gptviz")]) <= 3


@pytest.mark.parametrize(
    "module",
    ["sampling", "errors", "figures", "lens", "lessons", "bertviz_views", "trace", "loading", "widgets", "lab.cli"],
)
def test_no_model_library_is_loaded_before_there_is_a_model(module):
    modules = loaded_modules(f"import gptviz.{module}")
    assert f"gptviz.{module}" in modules
    assert not modules & MODEL_LIBRARIES


def test_no_module_has_the_name_of_a_public_function_of_its_package():
    """Otherwise an import of the module gives the function."""
    packages = ["gptviz", *(f"gptviz.{name}" for _, name, is_package in iter_modules(gptviz.__path__) if is_package)]
    for package in map(importlib.import_module, packages):
        public = {name for name in getattr(package, "__all__", ()) if inspect.isroutine(getattr(package, name))}
        assert not public & {name for _, name, _ in iter_modules(package.__path__)}, package.__name__


@pytest.mark.parametrize(
    "path, names",
    {
        "gptviz.lens": "GIVING NAMES PAIRS PERIOD ROLES",
        "gptviz.philox": "SEED_LIMIT check_seed philox4x32 uniform",
        "gptviz.widgets.embedding": "MAP_TYPE NEAREST EmbeddingView map_figure parts_of",
        "gptviz.widgets.selection": "Selection",
    }.items(),
)
def test_an_import_path_that_stayed_has_its_names(path, names):
    module = importlib.import_module(path)
    assert set(names.split()) <= set(module.__all__)
    assert all(hasattr(module, name) for name in names.split())


def test_a_served_model_needs_no_model_library():
    modules = loaded_modules("import gptviz\nassert 'openai' not in sys.modules\ngptviz.connect")
    assert "openai" in modules and "gptviz.served.model" in modules
    assert not modules & (MODEL_LIBRARIES | {"ipywidgets", "plotly"})


def test_sampling_runs_on_numpy_alone():
    code = "import gptviz.sampling\ngptviz.sampling.distribution([1.0, 2.0, 0.5], top_p=0.9).draw(seed=1)"
    modules = loaded_modules(code)
    assert "numpy" in modules
    assert not modules & (MODEL_LIBRARIES | {"ipywidgets", "plotly"})


def test_a_saved_trace_is_looked_at_without_a_model_library(tmp_path):
    modules = loaded_modules(LOOK_AT_A_SAVED_TRACE.format(folder=str(tmp_path)))
    assert "gptviz.widgets.attention.attention" in modules
    assert not modules & MODEL_LIBRARIES
    assert (tmp_path / "page.html").stat().st_size > 10_000
