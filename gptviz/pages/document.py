"""A page in one file: its HTML, and a policy that names its scripts and styles by their hashes."""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence

from gptviz.display.palette import DARK, LIGHT
from gptviz.pages.answering import PageWidget
from gptviz.pages.stored import reference

_MODULE_END = "export default "
LANGUAGE_TAGS = {"en": "en", "zh": "zh-Hans"}  # BCP 47
STYLE = f"""body {{ margin: 0 auto; max-width: 1280px; padding: 16px; background: {LIGHT.paper}; color: {LIGHT.ink};
  font: 15px/1.5 system-ui, "DejaVu Sans", sans-serif; }}
@media (prefers-color-scheme: dark) {{ body {{ background: {DARK.paper}; color: {DARK.ink}; }} }}
"""


def whole_text(text: str) -> str:
    """Returns a text that UTF-8 can hold: half of a surrogate pair, which is no character, becomes U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def module_script(name: str, source: str) -> str:
    """Makes a widget's module store its exports in a global: a page opened from a file can import no module."""
    return source.replace(_MODULE_END, f"(globalThis.gptviz ??= {{}})[{json.dumps(name)}] = ")


def element(part: PageWidget | str) -> str:
    """Returns the HTML of a part of a page: of a widget, the element that it is drawn in."""
    return part if isinstance(part, str) else f'<div data-gptviz="{reference(part)}"></div>'


def policy_of(scripts: Sequence[str], styles: Sequence[str], frames: str = "", worker: bool = False) -> str:
    """Returns the Content-Security-Policy, which names each script and style by its hash. A frame inherits the policy.

    It allows an empty style element, for scripts that add rules to it. `default-src` does not include base and form-action.
    worker: whether a script may start a Worker from a Blob, which inherits the policy too.
    """
    framed = html.unescape(frames)
    scripts = [*scripts, *re.findall(r"<script[^>]*>(.*?)</script>", framed, re.DOTALL)]
    styles = [*styles, "", *re.findall(r"<style[^>]*>(.*?)</style>", framed, re.DOTALL)]
    policy = [
        "default-src 'none'",
        f"script-src {' '.join(dict.fromkeys(map(_hash, scripts)))}",
        f"style-src {' '.join(dict.fromkeys(map(_hash, styles)))}",
        "img-src data: blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    if worker:
        policy.append("worker-src blob:")
    if frames:
        policy.append("style-src-attr 'unsafe-inline'")  # BertViz sets the style of its elements by attributes
    return "; ".join(policy)


def document(
    title: str, language: str, scripts: Sequence[str], styles: Sequence[str], body: str, policy: str,
    blocks: Mapping[str, str],
) -> str:  # fmt: skip
    """Returns the HTML of a page. blocks: texts that scripts read, each by its id; JSON, or text without "<"."""
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{language}"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="generator" content="gptviz">',
            f"<title>{html.escape(title)}</title>",
            *(f"<style>{style}</style>" for style in styles),
            "</head><body><main>",
            body,
            "</main>",
            *(f'<script type="application/json" id="{id}">{text}</script>' for id, text in blocks.items()),
            *(f'<script type="module">{script}</script>' for script in scripts),
            "</body></html>",
        ]
    )


def _hash(source: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"
