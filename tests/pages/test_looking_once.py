"""A page looks at its model once for all its answers, and notices what changes while they are collected."""

import copy

import pytest
from families import IDS, build, tokenizer

import gptviz
from gptviz.errors import ModelChanged
from gptviz.model import weights
from gptviz.pages.export import save_html
from gptviz.widgets.attention.arithmetic import HeadArithmetic


def scale_a_weight(model):
    model.model.layers[1].mlp.up_proj.weight.mul_(1.5)


def replace_a_norm(model):
    model.model.norm = copy.deepcopy(model.model.norm)


def change_a_setting(model):
    model.config.rms_norm_eps *= 2


def views_of(model):
    trace = gptviz.wrap(model, tokenizer()).trace(IDS[:6])
    return [gptviz.AttentionView(trace, layer=1, head=2), gptviz.BlockView(trace)]


@pytest.fixture
def looks(monkeypatch):
    """Returns a list of the models whose weights were looked at, which grows."""
    seen, read = [], weights._versions
    monkeypatch.setattr(weights, "_versions", lambda model: seen.append(model) or read(model))
    return seen


def test_the_weights_are_looked_at_once_before_all_answers_and_once_after(looks, tmp_path):
    model, other = build("llama"), build("gpt2")
    views = views_of(model) + views_of(other)
    looks.clear()
    save_html(tmp_path / "page.html", *views)
    assert looks == [model, other, model, other]
    for _ in range(2):
        views[0].trace.attention(1)
    assert looks[4:] == [model, model], "outside of a page each question looks"


@pytest.mark.parametrize("change", [scale_a_weight, replace_a_norm, change_a_setting])
def test_a_change_while_a_page_is_written_is_refused(change, monkeypatch, tmp_path):
    model, mix = build("llama"), HeadArithmetic.mix
    views = views_of(model)

    def change_and_mix(self, query):
        if query == 3:
            change(model)
        return mix(self, query)

    monkeypatch.setattr(HeadArithmetic, "mix", change_and_mix)
    with pytest.raises(ModelChanged):
        save_html(tmp_path / "page.html", *views)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ModelChanged):
        views[0].trace.attention(1)


def test_the_page_of_a_model_that_was_changed_before_has_what_the_trace_holds_and_refusals(tmp_path):
    model = build("llama")
    view = views_of(model)[1]
    scale_a_weight(model)
    text = save_html(tmp_path / "page.html", view).read_text(encoding="utf-8")
    assert "weights that were written to or replaced" in text
    assert f'"probability":{float(view.trace.probabilities().max())}' in text


def test_an_error_while_a_page_is_written_leaves_no_look_behind(looks, monkeypatch, tmp_path):
    def broken(self, query):
        raise RuntimeError("broken")

    views = views_of(build("llama"))
    monkeypatch.setattr(HeadArithmetic, "mix", broken)
    with pytest.raises(RuntimeError, match="broken"):
        save_html(tmp_path / "page.html", *views)
    looks.clear()
    for _ in range(2):
        views[0].trace.attention(1)
    assert len(looks) == 2
