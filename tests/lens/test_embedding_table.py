"""Neighbours and the plane of a token table, also of one with NaN or infinity in a row."""

import math

import numpy as np
import pytest
from families import build, tokenizer

import gptviz
from gptviz import lens
from gptviz.errors import NotAvailable

BAD = 31
IDS = [72, 258, 5]
named = pytest.raises(NotAvailable, match=f"NaN or infinity in the row of token id {BAD}")


@pytest.fixture(params=[math.nan, math.inf])
def gpt(request):
    model = build("llama")
    model.model.embed_tokens.weight.data[BAD, 7] = request.param
    return gptviz.wrap(model, tokenizer())


def test_such_a_row_is_nobodys_neighbour(gpt):
    table = gpt.token_table().astype(np.float64)
    plain = np.delete(np.arange(len(table)), [BAD, 72])
    cosines = table[plain] @ table[72] / np.linalg.norm(table[plain], axis=1) / np.linalg.norm(table[72])
    near = lens.nearest(gpt, 72, len(table))
    assert [id for id, _ in near] == plain[np.argsort(-cosines)].tolist()
    with named:
        lens.nearest(gpt, BAD)


def test_there_is_no_plane_and_the_rest_can_be_seen_and_saved(gpt, tmp_path):
    trace = gpt.trace(IDS)
    opened = gptviz.open_trace(trace.save(tmp_path / "trace.safetensors"))
    for source in (trace, opened):
        with named:
            source.token_plane()
        view = gptviz.EmbeddingView(source)
        with named:
            view._answer_map("light")
        assert "<svg" in view.still()
        view.save_html(tmp_path / "page.html")
    with named:
        lens.principal_plane(gpt)
