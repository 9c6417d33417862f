"""Previews of covers: four widths, WebP and JPEG."""

from io import BytesIO

from PIL import Image, ImageOps, UnidentifiedImageError

from app.publications.findings import Report
from app.publications.output import Output

WIDTHS = (120, 240, 480, 960)
TALLEST = 4  # an image taller than this many widths is fitted into that height instead
FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")
JPEG_QUALITY = 80
WEBP_QUALITY = 75
WEBP_METHOD = 0  # the slower methods take five times as long for a tenth of the bytes
BROKEN = (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, IndexError)


def cover_name(width: int, kind: str) -> str:
    """The name of a preview in the output folder; ``kind`` is ``webp`` or ``jpg``."""
    return f"cover-{width}.{kind}"


def make_covers(data: bytes | Image.Image, output: Output, report: Report, pixels: int) -> bool:
    """Write every preview of an image; the wider ones are no wider than the original.

    An image that cannot be decoded or has more than ``pixels`` pixels is reported, and nothing
    is written.
    """
    Image.MAX_IMAGE_PIXELS = pixels // 2  # Pillow refuses at twice this figure
    if isinstance(data, Image.Image):
        write_previews(data, output)
        return True
    try:
        with Image.open(BytesIO(data), formats=FORMATS) as opened:
            if opened.width * opened.height > pixels:
                report.add("cover-large", f"{opened.width} × {opened.height}")
                return False
            write_previews(opened, output)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        report.add("cover-large")
        return False
    except BROKEN as error:
        report.add("cover-broken", str(error)[:120])
        return False
    return True


def write_previews(opened: Image.Image, output: Output) -> None:
    """The same for an image that is open already, from the widest to the narrowest."""
    widest = WIDTHS[-1]
    opened.draft("RGB", (widest, widest))
    # Palettes cannot be resized smoothly, and a transposed copy is the only one that is ours.
    image = _flat(ImageOps.exif_transpose(opened))
    for width in reversed(WIDTHS):
        if image.width > width or image.height > width * TALLEST:
            image.thumbnail((width, width * TALLEST), Image.Resampling.BICUBIC, reducing_gap=2.0)
        output.write(cover_name(width, "webp"), _encoded(image, "WEBP"))
        output.write(cover_name(width, "jpg"), _encoded(image, "JPEG"))


def _flat(image: Image.Image) -> Image.Image:
    """The image in RGB; what is transparent becomes white."""
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(layered, mask=layered.getchannel("A"))
        return white
    return image if image.mode == "RGB" else image.convert("RGB")


def _encoded(image: Image.Image, kind: str) -> bytes:
    buffer = BytesIO()
    if kind == "WEBP":
        image.save(buffer, kind, quality=WEBP_QUALITY, method=WEBP_METHOD)
    else:
        image.save(buffer, kind, quality=JPEG_QUALITY)
    return buffer.getvalue()
