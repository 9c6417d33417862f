"""Covers drawn by the project: a thread-bound book in cloth, a slip with the title, one motif.

With a Chinese typeface on the machine the slip carries the title; without one it carries the Latin
lines, or strokes in their place. Drawn at twice the size and reduced, so that edges are smooth.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from app.demonstration import fonts
from app.demonstration.volumes import Volume

WIDTH, HEIGHT = 1200, 1600
_SCALE = 2
_W, _H = WIDTH * _SCALE, HEIGHT * _SCALE
_PAPER, _INK, _GOLD, _SEAL = "#f3ead7", "#2b2621", "#d9b871", "#b3312c"
_THREAD = "#efe4cb"
_EDGE = 210
"""From the spine to the thread, in drawn pixels."""

Motif = Callable[[ImageDraw.ImageDraw, float, float], None]


def draw_cover(volume: Volume) -> bytes:
    """The cover as JPEG, 1200 by 1600 pixels; the same bytes on the same machine."""
    image = _cloth(volume.cloth)
    draw = ImageDraw.Draw(image)
    # A Chinese book opens to the right: its spine is there, and its slip at the left.
    _bind(draw, _W - _EDGE if volume.is_chinese else _EDGE)
    MOTIFS[volume.motif](draw, _W * (0.54 if volume.is_chinese else 0.56), _H * 0.66)
    if volume.is_chinese:
        _tall_slip(draw, volume)
    else:
        _wide_slip(draw, volume)
    out = BytesIO()
    image.reduce(_SCALE).save(out, "JPEG", quality=88)
    return out.getvalue()


def _cloth(colour: int) -> Image.Image:
    """A plain weave: light and dark threads, one across the other."""
    red, green, blue = colour >> 16, colour >> 8 & 255, colour & 255
    image = Image.new("RGB", (_W, _H), (red, green, blue))
    draw = ImageDraw.Draw(image)
    lighter = tuple(min(255, c + 9) for c in (red, green, blue))
    darker = tuple(max(0, c - 8) for c in (red, green, blue))
    for x in range(0, _W, 12):
        draw.line((x, 0, x, _H), fill=lighter, width=3)
    for y in range(0, _H, 12):
        draw.line((0, y, _W, y), fill=darker, width=3)
    return image


def _bind(draw: ImageDraw.ImageDraw, x: int) -> None:
    """Four holes and the thread of a thread-bound book (线装)."""
    edge = _W if x > _W / 2 else 0
    holes = [_H * part for part in (0.06, 0.353, 0.647, 0.94)]
    draw.line((x, 0, x, _H), fill=_THREAD, width=9)
    for y in holes:
        draw.line((x, y, edge, y), fill=_THREAD, width=9)
        draw.ellipse((x - 15, y - 15, x + 15, y + 15), fill=_THREAD)


def _tall_slip(draw: ImageDraw.ImageDraw, volume: Volume) -> None:
    """The title from top to bottom on a slip at the upper left."""
    box = (170, 170, 620, 2130)
    _paper(draw, box)
    face = fonts.chinese()
    if face is None:
        _strokes(draw, box)
        return
    small, large = volume.slip if len(volume.slip) > 1 else ("", volume.slip[0])
    middle, top = (box[0] + box[2]) / 2, box[1] + 130.0
    top = _column(draw, small, face, 150, middle, top)
    size = min(300, int((box[3] - 360 - top) / len(large) / 1.14))
    _column(draw, large, face, size, middle, top + (70 if small else 0))
    _seal(draw, face, middle, box[3] - 190)


def _column(
    draw: ImageDraw.ImageDraw, text: str, face: tuple[str, int], size: int, x: float, y: float
) -> float:
    """Writes characters downwards; returns where the next would begin."""
    font = ImageFont.truetype(face[0], size, index=face[1])
    for character in text:
        draw.text((x, y + size / 2), character, font=font, fill=_INK, anchor="mm")
        y += size * 1.14
    return y


def _wide_slip(draw: ImageDraw.ImageDraw, volume: Volume) -> None:
    """The title in lines on a slip across the upper part."""
    box = (480, 260, 2130, 1130)
    _paper(draw, box)
    x, y = (box[0] + box[2]) / 2, box[1] + 190.0
    for number, line in enumerate(volume.slip):
        font = _latin(130 if number == 0 else 190)
        draw.text((x, y), line, font=font, fill=_SEAL if number == 0 else _INK, anchor="mm")
        y += 240


def _latin(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The Latin letters of the Chinese face, so that both handbooks match; else Pillow's own."""
    if face := fonts.chinese():
        return ImageFont.truetype(face[0], size, index=face[1])
    return ImageFont.load_default(size)


def _paper(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    left, top, right, bottom = box
    draw.rectangle((left + 14, top + 14, right + 14, bottom + 14), fill="#00000055")
    draw.rectangle(box, fill=_PAPER)
    draw.rectangle((left + 26, top + 26, right - 26, bottom - 26), outline=_INK, width=12)
    draw.rectangle((left + 50, top + 50, right - 50, bottom - 50), outline=_INK, width=4)


def _strokes(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int]) -> None:
    """Blocks where characters would stand."""
    left, top, right, _ = box
    for number in range(5):
        y = top + 210 + number * 330
        for row in range(3):
            inset = 110 + 26 * (row == 1)
            draw.rectangle(
                (left + inset, y + row * 84, right - inset, y + row * 84 + 34), fill=_INK
            )


def _seal(draw: ImageDraw.ImageDraw, face: tuple[str, int], x: float, y: float) -> None:
    draw.rounded_rectangle((x - 88, y - 88, x + 88, y + 88), 14, fill=_SEAL)
    font = ImageFont.truetype(face[0], 80, index=face[1])
    draw.text((x, y - 40), "开", font=font, fill=_PAPER, anchor="mm")
    draw.text((x, y + 40), "卷", font=font, fill=_PAPER, anchor="mm")


def _pages(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    """An open book: leaves rising from the middle to both sides."""
    for leaf in range(9):
        lift, reach = 60 + leaf * 66, 760 - leaf * 34
        for side in (-1, 1):
            points = [
                (
                    x + side * reach * t,
                    y + 420 - lift * math.sin(math.pi * t * 0.62) * (1 - 0.2 * t),
                )
                for t in (step / 40 for step in range(41))
            ]
            draw.line(points, fill=_GOLD, width=10, joint="curve")


def _tree(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    """The network's four levels: one, three, six, twelve."""
    above = [(x, y - 420)]
    for level, count in enumerate((3, 6, 12), 1):
        width = 1560
        row = [
            (x - width / 2 + width * (i + 0.5) / count, y - 420 + level * 330) for i in range(count)
        ]
        for number, point in enumerate(row):
            draw.line((*above[number * len(above) // count], *point), fill=_GOLD, width=9)
        for point in above:
            _dot(draw, point, 46 - 8 * level)
        above = row
    for point in above:
        _dot(draw, point, 20)


def _dot(draw: ImageDraw.ImageDraw, point: tuple[float, float], radius: float) -> None:
    x, y = point
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_GOLD)


def _rings(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    """Rings that are nearly closed, like the dials of something that is watched."""
    for ring in range(8):
        radius = 110 + ring * 88
        start = -90 + ring * 47
        box = (x - radius, y - radius, x + radius, y + radius)
        draw.arc(box, start, start + 318, fill=_GOLD, width=11)
        angle = math.radians(start + 318)
        _dot(draw, (x + radius * math.cos(angle), y + radius * math.sin(angle)), 22)
    _dot(draw, (x, y), 34)


def _lamp(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    """A flame, and the light around it."""
    for ray in range(36):
        angle = math.radians(ray * 10)
        near, far = 330 + 40 * (ray % 2), 560 + 190 * (ray % 3 == 0)
        ends = [(x + r * math.cos(angle), y + r * math.sin(angle)) for r in (near, far)]
        draw.line(ends, fill=_GOLD, width=9)
    draw.polygon(
        [
            (x + 130 * math.sin(t) * math.sin(t / 2) ** 1.6, y + 40 - 250 * math.cos(t))
            for t in (2 * math.pi * step / 90 for step in range(90))
        ],
        fill=_GOLD,
    )


MOTIFS: dict[str, Motif] = {"pages": _pages, "tree": _tree, "rings": _rings, "lamp": _lamp}
