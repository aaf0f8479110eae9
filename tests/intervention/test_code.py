"""The code that an edit and an edited trace give makes them again."""

import dataclasses

import numpy as np
import pytest
from hooked import OTHER, WIDTH, every_edit, gpt_of, trace_of

import gptviz
from gptviz.intervention.code import as_code


def test_the_code_of_an_edit_makes_an_equal_edit():
    source, vector = trace_of("gpt2", *OTHER), tuple(np.arange(WIDTH, dtype=float))
    edits = [
        *every_edit("gpt2"), gptviz.ablate_head(2, 1, to="mean", reference=source),
        gptviz.patch("head_output", 1, None, source=source, head=2), gptviz.steer(1, vector, -2),
    ]  # fmt: skip
    names = {"gptviz": gptviz, "source": source, "vector": vector}
    for edit in edits:
        made_again = eval(repr(edit), names | ({"vector": edit.vector} if hasattr(edit, "vector") else {}))
        assert made_again == edit and hash(made_again) == hash(edit)
    assert repr(gptviz.ablate_head(3, 1)) == "gptviz.ablate_head(3, 1)"
    assert repr(gptviz.ablate_head(np.int64(3), 1)) == "gptviz.ablate_head(3, 1)"
    assert repr(edits[-2]) == 'gptviz.patch("head_output", 1, None, source=source, head=2)'
    assert len({gptviz.ablate_head(1, 1), gptviz.ablate_head(1, 1), gptviz.scale_head(1, 1, 0.0)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        edits[0].layer = 2


def test_the_code_of_a_trace_makes_an_equal_trace():
    gpt, text = gpt_of("gpt2"), 'a "thin" owl\n'
    twin = gpt.trace('b "thin" owl\n', edits=[gptviz.ablate_mlp(0)])
    edits = [
        gptviz.patch("residual", 1, 3, source=twin), gptviz.ablate_head(0, 0, to="mean", reference=gpt.trace("owls")),
        gptviz.patch("mlp_out", 2, -1, source=twin), gptviz.steer(1, np.linspace(0, 1, WIDTH), 3),
    ]  # fmt: skip
    for prompt in (text, gpt.encode(text)):
        trace = gpt.trace(prompt, edits=edits)
        code = as_code(trace)
        assert code.count("gpt.trace(") == 3
        names = {"gpt": gpt, "gptviz": gptviz}
        exec(code, names)
        assert (names["trace"].logits == trace.logits).all()
    twice = [gptviz.patch("residual", 1, at, source=gpt.trace('b "thin" owl\n')) for at in (0, 1)]
    code = as_code(gpt.trace(text, edits=twice))
    assert code.count("source = ") == 1 and "source_2" not in code
    assert as_code(gpt.trace("an owl")) == 'trace = gpt.trace("an owl")'
