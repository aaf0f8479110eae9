"""Which views share a selection."""

import gptviz


def test_views_of_one_box_share_a_selection_and_others_do_not(gpt):
    box = gptviz.PromptBox("the thin owl", gpt=gpt)
    first, second = gptviz.AttentionView(box, layer=1), gptviz.AttentionView(box)
    assert first.selection is second.selection is box.selection
    assert second.layer == 1
    assert first._selection == second._selection == f"anywidget:{box.selection.model_id}"
    alone = gptviz.AttentionView(box.trace)
    assert alone.selection is not box.selection
    joined = gptviz.AttentionView(box.trace, selection=alone.selection)
    joined.head = 2
    assert alone.head == 2
    assert first.head != 2
