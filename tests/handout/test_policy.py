"""The Content-Security-Policy of pages: the same strict one for every kind of content that a notebook may show."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from handouts import CONTENTS, HURT, MARKUP, SETTING, SVG, write_notebook

import gptviz
from gptviz.handout.handout import export_notebook

WITH_FRAMES = ("bertviz",)


class Page(HTMLParser):
    """The policy of a page and the scripts that a browser would run, which are those outside of attributes."""

    def __init__(self, text):
        super().__init__()
        self.policies, self.scripts, self.types, self.before_policy = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "meta" and "content-security-policy" in (found.get("http-equiv") or "").lower():
            self.policies.append(found["content"])
        if not self.policies and tag in ("script", "style", "link", "base", "img"):
            self.before_policy.append(tag)
        if tag == "script":
            self.scripts.append("")
            self.types.append(found.get("type"))

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1] += data


def rules_of(policy):
    return {name: values.split() for name, _, values in (rule.strip().partition(" ") for rule in policy.split(";"))}


def hashed(source):
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def check_strict(text, with_frames=False):
    """Checks the policy of a page: only scripts and styles of ours, no network, nothing that the contents bring along."""
    page = Page(text)
    (policy,) = page.policies
    assert not page.before_policy, "the policy comes first"
    rules = rules_of(policy)
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == ["'none'"]
    assert set(rules) - {"default-src", "script-src", "style-src", "img-src", "base-uri", "form-action"} <= (
        {"style-src-attr"} if with_frames else set()
    )
    assert set(rules["img-src"]) == {"data:", "blob:"}
    for name in ("script-src", "style-src"):
        assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", value) for value in rules[name]), rules[name]
    run = [source for source, type in zip(page.scripts, page.types, strict=True) if type != "application/json"]
    allowed = [source for source in run if hashed(source) in rules["script-src"]]
    assert allowed, "the page's own scripts"
    for source in (HURT, SVG, MARKUP):
        assert hashed(source) not in rules["script-src"] + rules["style-src"]
    assert hashed("body { color: red }") not in rules["style-src"]


@pytest.fixture(scope="module", params=CONTENTS)
def exported(request, tmp_path_factory):
    """(kind, text of the page) of a notebook with one kind of content."""
    folder = tmp_path_factory.mktemp("policy")
    path = write_notebook(folder, [("markdown", MARKUP), ("code", f"{SETTING}\n{CONTENTS[request.param]}")])
    return request.param, export_notebook(path, folder / "page.html").read_text(encoding="utf-8")


def test_the_policy_is_strict_whatever_a_cell_shows(exported):
    kind, text = exported
    check_strict(text, with_frames=kind in WITH_FRAMES)


def test_the_policy_of_a_saved_view_is_strict(tmp_path):
    view = gptviz.TokensView(gptviz.load().trace(MARKUP[:30]))
    check_strict(view.save_html(tmp_path / "page.html", title=MARKUP).read_text(encoding="utf-8"))


def test_a_policy_that_lets_a_cells_script_run_is_noticed():
    """The check of this file can fail."""
    policy = f"default-src 'none'; script-src {hashed(HURT)}; style-src {hashed('')}; img-src data: blob:; "
    text = f"""<meta http-equiv="Content-Security-Policy" content="{policy}base-uri 'none'; form-action 'none'">"""
    with pytest.raises(AssertionError):
        check_strict(f"{text}<script>{HURT}</script>")
