"""Messages as a view's page sends them, and answers as the page receives them."""

from gptviz.pages.wire import unpack


def ask(view, name, **args):
    """Asks a view a question as its page does; returns the answer, or raises AssertionError with the view's refusal."""
    replies = []
    view.send = lambda content, buffers=None: replies.append((content, buffers))
    view._on_message(view, {"kind": "ask", "id": 7, "name": name, "args": args}, [])
    ((content, buffers),) = replies
    assert content["kind"] == "answer" and content["id"] == 7
    if content.get("error"):
        raise AssertionError(content["error"])
    return unpack(content["array"], buffers[0]) if content["array"] else content["value"]
