"""The Explorer from Python: the numbers of its sentences, and stations that share one prompt and one selection."""

import numpy as np
import pytest
from close import rounding
from families import TEXT, build, tokenizer
from waiting import LONGEST_WAIT

import gptviz
from gptviz.errors import GPTVizError
from gptviz.pages.stored import state_of
from gptviz.widgets.explorer.stations import station_numbers


def test_the_numbers_of_the_sentences_are_the_traces(gpt):
    trace = gpt.trace(TEXT)
    numbers = station_numbers(trace)
    last = len(trace.tokens) - 1
    assert numbers["tokens"] == {"characters": len(TEXT), "tokens": len(trace.tokens), "marks": 0, "start_mark": False}
    assert (numbers["embedding"]["position"], numbers["embedding"]["id"]) == (last, trace.tokens[-1].id)
    attention = numbers["attention"]
    maps = trace.attention()[:, :, last, 1:last]
    assert attention["weight"] == float(maps.max())
    assert maps[attention["layer"], attention["head"], attention["key"] - 1] == maps.max()
    assert attention["stream"][1] == pytest.approx(float(np.linalg.norm(trace.residual(2)[last])), rel=rounding(1.0))
    p = trace.probabilities().astype(np.float64)
    assert numbers["sampling"]["entropy"] == pytest.approx(float(-(p * np.log2(p)).sum()), rel=rounding(1.0))
    assert numbers["logits"]["leader"]["id"] == int(trace.logits[-1].argmax())


def test_the_first_row_of_the_table_is_the_pictures(gpt):
    explorer = gptviz.explore(TEXT, gpt=gpt)
    explorer.selection.query = 3
    picture, *stations = explorer.to_table()
    assert picture == {"station": "flow", "credit": gptviz.lens.flow(explorer.trace, 3).importance[0].tolist()}
    assert [row["station"] for row in stations] == list(station_numbers(explorer.trace))


def test_where_there_is_no_credit_the_table_has_the_largest_weights():
    explorer = gptviz.explore(TEXT, gpt=gptviz.wrap(build("bloom"), tokenizer()))
    picture = explorer.to_table()[0]
    largest = explorer.trace.attention()[:, :, -1].mean(1).max(0)
    assert picture == {"station": "flow", "weight": pytest.approx(largest.tolist(), rel=rounding(1.0))}


@pytest.mark.parametrize("name", ["gpt2", "bloom"])
def test_the_still_picture_begins_with_the_prompt_and_the_flow(name):
    explorer = gptviz.explore(TEXT, gpt=gptviz.wrap(build(name), tokenizer()))
    explorer._stations["generation"].wait(LONGEST_WAIT)
    svg = explorer.still()
    shown = svg.index("the last block comes from" if name == "gpt2" else "the largest attention weight")
    assert shown < svg.index("logit"), "the scores come later"


def test_rotary_positions_are_in_no_table():
    trace = gptviz.wrap(build("llama"), tokenizer()).trace([5, 9, 2, 31])
    assert station_numbers(trace)["embedding"]["position"] is None


def test_a_single_token_has_no_other_to_look_at(gpt):
    attention = station_numbers(gpt.trace([7]))["attention"]
    assert attention["key"] is attention["looked"] is None


def test_every_station_shows_the_new_prompt_and_earlier_ones_are_kept(gpt):
    page = gptviz.explore(TEXT, gpt=gpt)
    page.prompt = "the owl"
    shown = [view.trace for name, view in page._stations.items()]
    assert all(trace is page.box.trace for trace in shown)
    assert page.box._history == ["the owl", TEXT]
    assert page._about["tokens"]["characters"] == 7
    assert len({view._selection for view in page._stations.values()} | {page._selection}) == 1
    with pytest.raises(GPTVizError):
        page.prompt = "owl " * 100
    assert page.prompt == "the owl"


def test_a_drawn_token_is_appended_by_its_id(gpt):
    page = gptviz.explore("the owl", gpt=gpt)
    before = [token.id for token in page.trace.tokens]
    bench = page._stations["sampling"]
    assert bench._can_append
    bench._answer_append(200)
    assert [token.id for token in page.trace.tokens] == [*before, 200]
    assert bench.trace is page.trace
    with pytest.raises(GPTVizError, match="token id"):
        bench._answer_append(907)
    with pytest.raises(GPTVizError, match="PromptBox"):
        gptviz.SamplingBench(page.trace)._answer_append(1)


def test_the_menu_changes_the_model_and_a_refused_choice_changes_nothing(gpt, monkeypatch):
    other = gptviz.wrap(build("llama"), tokenizer())
    page = gptviz.explore("the owl", gpt=gpt)
    monkeypatch.setattr("gptviz.widgets.explorer.explorer.load", lambda name: other)
    page._answer_use("another")
    assert page.gpt is other
    assert all(view.trace.gpt is other for view in page._stations.values())
    page._stations["generation"].wait(LONGEST_WAIT)
    monkeypatch.undo()
    with pytest.raises(GPTVizError, match="nowhere"):
        page._answer_use("nowhere/at-all")
    assert page.gpt is other


def test_earlier_prompts_can_be_emptied_before_a_page_is_saved(gpt):
    """What the page holds then has the shown prompt alone; the list begins anew with it."""
    page = gptviz.explore(TEXT, gpt=gpt)
    page.prompt = "the owl"
    assert TEXT in str([state_of(view) for view in page.family()])
    page.forget_prompts()
    assert page.prompt == "the owl"
    assert TEXT not in str([state_of(view) for view in page.family()])


def test_a_model_that_needs_a_download_is_marked(gpt):
    offered = gptviz.explore(TEXT, gpt=gpt)._models
    assert offered[0] == {"name": gpt.name, "download": 0}
    known = {model.name: model for model in gptviz.models() if model.decoder_only}
    assert known["tales"].here and {one["name"] for one in offered[1:]} == set(known)
    for one in offered[1:]:
        assert one["download"] == (0 if known[one["name"]].here else known[one["name"]].download)


def test_the_number_of_generated_tokens_is_the_completions(gpt):
    near_the_end = "owl " * 48
    page = gptviz.explore(TEXT, gpt=gpt)
    timeline = page._stations["generation"]
    before = page._written
    page.box.prompt = near_the_end
    assert page._written > before
    choice = timeline.wait(LONGEST_WAIT).choices[0]
    assert 0 < len(choice.steps) < 40
    expected = {"steps": len(choice.steps), "done": True, "finish_reason": choice.finish_reason}
    assert page._answer_written() == expected
    assert list(page.answers_for_a_page()) == [("written", {}, expected)]
