"""Cleans the HTML of an output, so that it can stand in a page whose policy allows no script, style or second file.

Text, tables, lists, links and embedded pictures stay. What runs, plays or loads is left out and named.
"""

import html
from html.parser import HTMLParser


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _names(
    "a abbr b bdi bdo blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption "
    "figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup table "
    "tbody td tfoot th thead time tr u ul var wbr"
)
_ATTRIBUTES = _names("abbr align alt colspan dir height lang open reversed rowspan scope start title width")
_VOID = _names("br col hr img wbr")
_NAMED = _names(  # left out with what is in them, and named
    "applet audio button canvas embed form frame iframe input math object script select svg textarea video"
)
_WITHOUT_END = _names("embed frame input")
_SILENT = _names("head style template title")  # left out with what is in them
_LINKS = ("http://", "https://", "mailto:", "#")
_EMBEDDED = "data:image/"


class _Cleaner(HTMLParser):
    """Collects what may stand in the page, and the names of what is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.written: list[str] = []
        self.left_out: dict[str, None] = {}
        self._open: list[str] = []
        self._skipped: list[str] = []  # the elements that are left out with what is in them

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _NAMED and not self._skipped:
            self.left_out[tag] = None
        if tag in _NAMED | _SILENT:
            if tag not in _WITHOUT_END:
                self._skipped.append(tag)
        elif tag in _TAGS and not self._skipped:
            self._write_tag(tag, attrs)

    def _write_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kept = [(name, value or "") for name, value in attrs if name in _ATTRIBUTES]
        given = dict(attrs)
        link, source = (given.get("href") or "").strip(), (given.get("src") or "").strip()
        if tag == "a" and link.lower().startswith(_LINKS):
            kept.append(("href", link))
        if tag == "img":
            if not source.lower().startswith(_EMBEDDED):
                self.left_out["img"] = None
                return
            kept.append(("src", source))
        if tag not in _VOID:
            self._open.append(tag)
        attributes = "".join(f' {name}="{html.escape(value)}"' for name, value in kept)
        self.written.append(f"<{tag}{attributes}>")

    def handle_endtag(self, tag: str) -> None:
        if self._skipped:
            if tag in self._skipped:
                del self._skipped[self._skipped.index(tag) :]
        elif tag in self._open:
            while True:
                last = self._open.pop()
                self.written.append(f"</{last}>")
                if last == tag:
                    break

    def handle_data(self, data: str) -> None:
        if not self._skipped:
            self.written.append(html.escape(data))

    def finish(self) -> None:
        """Closes what is still open."""
        self.close()
        self.written += [f"</{tag}>" for tag in reversed(self._open)]


def clean_html(markup: str) -> tuple[str, list[str]]:
    """Returns the HTML that may stand in a page, whole in itself, and the tags of what is left out, in order."""
    cleaner = _Cleaner()
    cleaner.feed(markup)
    cleaner.finish()
    return f'<div class="output">{"".join(cleaner.written)}</div>', list(cleaner.left_out)
