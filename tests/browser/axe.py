"""axe-core's verdict on a page: which rules of accessibility it breaks."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES_ABOUT_COLOURS = ["color-contrast", "link-in-text-block"]  # what another theme can break; the rest is the same
RUN = """async ([selector, rules]) => {
    const options = { resultTypes: ["violations"], ...(rules && { runOnly: { type: "rule", values: rules } }) };
    const { violations } = await axe.run(selector ?? document, options);
    return violations;
}"""


def serious_violations(page: Page, selector: str | None = None, rules: list[str] | None = None) -> list[str]:
    """Runs axe-core; returns its serious and critical findings in words.

    selector: a part of the page, None for all. rules: the names of the rules to check, None for all.
    """
    page.evaluate(AXE.read_text(encoding="utf-8") + "; null")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in page.evaluate(RUN, [selector, rules])
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
