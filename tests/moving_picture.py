"""Records what a page shows as one animated WebP, without another program: Chromium encodes each change.

A frame holds only the rectangle that has changed since the frame before it, so a page that moves in one place takes
little. Source: the container format, developers.google.com/speed/webp/docs/riff_container.
"""

import base64
from pathlib import Path

from playwright.sync_api import Page

# Takes a screenshot; returns the changed rectangle [x, y, width, height] and its WebP, or null where nothing has changed.
# Frames begin at even pixels.
ENCODE = """async ([png, quality]) => {
  const blob = await (await fetch("data:image/png;base64," + png)).blob();
  const image = await createImageBitmap(blob), { width, height } = image;
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  const now = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer), before = globalThis.before;
  globalThis.before = now;
  let [left, top, right, bottom] = before ? [width, height, 0, 0] : [0, 0, width, height];
  for (let i = 0; before && i < now.length; i += 1) {
    if (now[i] === before[i]) continue;
    const x = i % width, y = Math.floor(i / width);
    left = Math.min(left, x); right = Math.max(right, x + 1); top = Math.min(top, y); bottom = y + 1;
  }
  if (right <= left) return null;
  left -= left % 2; top -= top % 2;
  const box = [left, top, right - left, bottom - top];
  const changed = new OffscreenCanvas(box[2], box[3]);
  changed.getContext("2d", { alpha: false }).drawImage(image, -left, -top);
  const webp = await changed.convertToBlob({ type: "image/webp", quality });
  const bytes = new Uint8Array(await webp.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return [box, btoa(text)];
}"""


class MovingPicture:
    """An animated WebP that grows by screenshots of a page. encoder: an empty page, which encodes them.

    quality: of each frame, up to 1.
    """

    def __init__(self, page: Page, encoder: Page, quality: float = 0.65):
        self._page, self._encoder, self._quality = page, encoder, quality
        self._frames: list[tuple[list[int], bytes]] = []
        self._durations: list[int] = []
        encoder.evaluate("globalThis.before = null; null")

    def add(self, milliseconds: int) -> None:
        """Adds what the page shows now, for this long."""
        png = base64.b64encode(self._page.screenshot()).decode()
        changed = self._encoder.evaluate(ENCODE, [png, self._quality])
        if changed is None:
            self._durations[-1] += milliseconds
        else:
            box, webp = changed
            self._frames.append((box, base64.b64decode(webp)))
            self._durations.append(milliseconds)

    def save(self, path: Path) -> None:
        """Writes the file, which plays again and again."""
        (_, _, width, height), _ = self._frames[0]
        chunks = [
            _chunk(b"VP8X", bytes([2, 0, 0, 0]) + _number(width - 1, 3) + _number(height - 1, 3)),
            _chunk(b"ANIM", b"\xff\xff\xff\xff" + _number(0, 2)),
        ]
        for ((x, y, width, height), webp), duration in zip(self._frames, self._durations, strict=True):
            sizes = (x // 2, y // 2, width - 1, height - 1, duration)
            header = b"".join(_number(size, 3) for size in sizes) + bytes([2])  # 2: replaces what was there
            chunks.append(_chunk(b"ANMF", header + _image(webp)))
        body = b"WEBP" + b"".join(chunks)
        path.write_bytes(_chunk(b"RIFF", body))


def _image(webp: bytes) -> bytes:
    """Returns the image in a WebP file. Its sizes and its colour profile (sRGB) have no place in a frame."""
    start = 12
    while webp[start : start + 4] not in (b"VP8 ", b"VP8L"):
        size = int.from_bytes(webp[start + 4 : start + 8], "little")
        start += 8 + size + size % 2
    return webp[start:]


def _number(value: int, size: int) -> bytes:
    return value.to_bytes(size, "little")


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + _number(len(content), 4) + content + b"\0" * (len(content) % 2)
