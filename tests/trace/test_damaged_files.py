"""A file that is cut off, damaged or invented is refused in words, or gives the numbers that it holds."""

import json
from contextlib import suppress

import numpy as np
import pytest
from families import build, tokenizer
from hypothesis import given
from hypothesis import strategies as st
from properties import ANY_MACHINE
from safetensors import safe_open
from safetensors.numpy import save_file

import gptviz
from gptviz.errors import GPTVizError, WrongType


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Returns a saved trace's path, its tensors, and its metadata as JSON was read."""
    path = tmp_path_factory.mktemp("saved") / "trace.safetensors"
    gptviz.wrap(build("llama"), tokenizer()).trace("the owl").save(path)
    with safe_open(path, framework="numpy") as file:
        return path, {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["gptviz"])  # noqa: SIM118


def write(path, tensors, metadata):
    save_file(tensors, path, {"gptviz": json.dumps(metadata)})
    return path


def look_at_everything(trace):
    """Asks for every quantity of a trace; raises nothing but gptviz's own errors."""
    at, layers, heads = range(len(trace.tokens)), range(trace.n_layers), range(trace.n_heads)
    calls = [lambda: repr(trace), lambda: trace.logits, trace.token_plane, trace.role_scores, trace.attention]
    for layer in layers:
        for name in (
            "q",
            "k",
            "v",
            "attention",
            "head_bias",
            "attn_out",
            "mlp_out",
            "attn_in",
            "mlp_in",
            "is_parallel",
            "contributions",
        ):
            calls.append(lambda name=name, layer=layer: getattr(trace, name)(layer))
        for head in heads:
            for name in ("score_stages", "sink", "head_output", "head_mix"):
                calls.append(lambda name=name, layer=layer, head=head: getattr(trace, name)(layer, head))
        calls += [lambda layer=layer: trace.neurons(layer), lambda layer=layer: trace.mlp_bias(layer)]
    for position in at:
        for name in ("merges", "logit_lens", "readout", "probabilities"):
            calls.append(lambda name=name, position=position: getattr(trace, name)(position))
        calls.append(lambda position=position: trace.top(3, position))
        calls.append(lambda position=position: trace.nearest(trace.tokens[position].id, 4))
    for call in calls:
        with suppress(GPTVizError):
            call()


@pytest.mark.parametrize("metadata", [[], None, 5, "text", True, {}])
def test_metadata_of_another_kind_is_refused(saved, metadata, tmp_path):
    with pytest.raises(WrongType):
        gptviz.open_trace(write(tmp_path / "other.safetensors", saved[1], metadata))


ENTRIES = ("model", "text", "tokens", "layers", "heads", "d_model", "d_head", "route", "kept", "neurons", "merges",
           "nearest", "refused")  # fmt: skip


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("value", ["missing", None, "six", -1, 2.5, [[]], [5], {"a": 1}, {"0": [[1]]}, True, 99])
def test_an_entry_of_another_kind_is_refused(saved, name, value, tmp_path):
    _, tensors, metadata = saved
    changed = {key: entry for key, entry in metadata.items() if key != name}
    if value != "missing":
        changed[name] = value
    may_pass = [("text", "six"), ("model", "six"), ("d_head", 99), ("neurons", True), ("kept", [5])]
    if (name, value) in may_pass:
        look_at_everything(gptviz.open_trace(write(tmp_path / "changed.safetensors", tensors, changed)))
        return
    with pytest.raises(WrongType, match="Save the trace again"):
        gptviz.open_trace(write(tmp_path / "changed.safetensors", tensors, changed))


@pytest.mark.parametrize(
    "name",
    [
        "logits",
        "attention.1",
        "residual.2",
        "head_output.0",
        "head_value.1",
        "head_gain.2",
        "vocabulary_ends",
        "lens",
        "gain",
    ],
)
def test_a_tensor_of_another_shape_is_refused(saved, name, tmp_path):
    _, tensors, metadata = saved
    for changed in (tensors[name][None], np.zeros((3, 1, 2), np.float32)):
        with pytest.raises(WrongType, match=name):
            gptviz.open_trace(write(tmp_path / "changed.safetensors", tensors | {name: changed}, metadata))


def test_a_file_without_one_of_its_tensors_opens_or_is_refused(saved, tmp_path):
    _, tensors, metadata = saved
    for name in tensors:
        rest = {other: tensor for other, tensor in tensors.items() if other != name}
        try:
            trace = gptviz.open_trace(write(tmp_path / "changed.safetensors", rest, metadata))
        except GPTVizError:
            continue
        look_at_everything(trace)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@ANY_MACHINE
@given(name=st.sampled_from([*ENTRIES, "readout", "roles", "heads_in", "version"]), value=json_values)
def test_no_entry_leads_to_an_error_of_pythons_own(saved, tmp_path_factory, name, value):
    _, tensors, metadata = saved
    file = tmp_path_factory.getbasetemp() / "invented.safetensors"
    try:
        trace = gptviz.open_trace(write(file, tensors, metadata | {name: value}))
    except GPTVizError:
        return
    look_at_everything(trace)


def test_a_file_that_is_cut_off_is_refused(saved, tmp_path):
    raw = saved[0].read_bytes()
    for length in (0, 1, 8, 100, len(raw) // 2, len(raw) - 1):
        (tmp_path / "cut.safetensors").write_bytes(raw[:length])
        with pytest.raises(WrongType, match=r"trace\.save"):
            gptviz.open_trace(tmp_path / "cut.safetensors")
