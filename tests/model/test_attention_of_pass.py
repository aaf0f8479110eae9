"""What gptviz computes from a recorded pass is checked against the family's own attention, and refused where it differs."""

import pytest
from families import IDS, build, tokenizer
from transformers.models.gpt2 import modeling_gpt2

import gptviz
from gptviz.errors import NotAvailable


@pytest.mark.parametrize("power", [1.0, 1.0001])
def test_score_stages_whose_softmax_is_not_the_family_s_map_are_refused(power, monkeypatch):
    """A family that did something more after its softmax: even a part in ten thousand is noticed."""
    eager = modeling_gpt2.eager_attention_forward

    def sharpened(*arguments, **keywords):
        output, weights = eager(*arguments, **keywords)
        weights = weights**power
        return output, weights / weights.sum(-1, keepdim=True)

    monkeypatch.setattr(modeling_gpt2, "eager_attention_forward", sharpened)
    trace = gptviz.wrap(build("gpt2"), tokenizer()).trace(IDS)
    if power == 1.0:
        assert list(trace.score_stages(1, 2)) == ["raw", "scaled", "masked"]
    else:
        with pytest.raises(NotAvailable, match="the family's own attention map"):
            trace.score_stages(1, 2)
