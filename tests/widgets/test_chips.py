"""How a token is described to the page."""

from families import TEXT

from gptviz.widgets.shared.chips import describe


def test_a_token_is_described_as_text_or_as_its_bytes(gpt):
    described = [describe(token) for token in gpt.trace(TEXT).tokens]
    assert b"".join(bytes.fromhex(d["bytes"]) if d["bytes"] else d["text"].encode() for d in described) == TEXT.encode()
    assert any(d["bytes"] for d in described), "the owl's bytes are pieces of a character"
    assert not any("\ufffd" in d["text"] or "\\x" in d["text"] for d in described)
