"""axe-core's verdict on a page: which rules of accessibility it breaks."""

from pathlib import Path

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async (selector) => {
    const { violations } = await axe.run(selector ?? document, { resultTypes: ["violations"] });
    return violations;
}"""


def serious_violations(page: Page, selector: str | None = None) -> list[str]:
    """Runs axe-core; returns its serious and critical findings in words. selector: a part of the page, None for all."""
    page.evaluate(AXE.read_text(encoding="utf-8") + "; null")
    return [
        f"{violation['id']} ({violation['impact']}): {node['html'][:160]} {node['failureSummary'][:200]}"
        for violation in page.evaluate(RUN, selector)
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
