"""The worked example in CONTRIBUTING.md draws its numbers in a page."""

import pytest
from browser.pages import ViewPage
from new_view import installed_example
from playwright.sync_api import expect

import gptviz


@pytest.mark.parametrize("language, unit", [("en", "bits"), ("zh", "比特")])
def test_the_example_draws_each_token_with_its_entropy(new_page, tmp_path, language, unit):
    page = new_page()
    with installed_example(tmp_path) as view_class:
        view = view_class(gptviz.load().trace("Once upon a time"), language=language)
        shown = ViewPage(page, [view])
        items = page.locator("section li")
        expect(items).to_have_count(len(view.to_table()))
        expect(page.get_by_role("list")).to_have_attribute("start", "0")  # numbered by position
        for item, row in zip(items.all(), view.to_table(), strict=True):
            expect(item).to_contain_text(f"{row['bits']:.2f} {unit}")
        expect(page.get_by_role("heading")).to_have_text(view._titles[language])
        view.trace = gptviz.load().trace("One day")
        shown.update()
        expect(items.last).to_contain_text(f"{view.to_table()[-1]['bits']:.2f} {unit}")
