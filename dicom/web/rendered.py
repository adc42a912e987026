"""Parameters of `/rendered` and `/thumbnail`: PS3.18 8.3.5."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from dicom.jobs import SIDE_MAX, View, Window
from dicom.web.accept import Media, covers
from dicom.web.errors import BadRequest, NotAcceptable

JPEG, PNG = "image/jpeg", "image/png"
THUMBNAIL_POINTS = 160
FUNCTIONS = {"linear": "LINEAR", "linear-exact": "LINEAR_EXACT", "sigmoid": "SIGMOID"}


def window(query: Mapping[str, str]) -> Window | None:
    """`window=center,width[,function]`."""
    if (text := query.get("window")) is None:
        return None
    parts = text.split(",")
    function = FUNCTIONS.get(parts[2].strip().lower()) if len(parts) == 3 else "LINEAR"
    numbers = _numbers("window", parts[:2])
    if len(parts) not in (2, 3) or len(numbers) != 2 or function is None:
        raise BadRequest("window is center,width or center,width,function")
    if (numbers[1] < 1 and function == "LINEAR") or numbers[1] <= 0:
        raise BadRequest("a window's width is 1 or more")
    return Window(numbers[0], numbers[1], function)


def view(query: Mapping[str, str]) -> View | None:
    """`viewport=width,height[,x,y,part width,part height]`."""
    if (text := query.get("viewport")) is None:
        return None
    parts = text.split(",")
    if len(parts) not in (2, 6):
        raise BadRequest("viewport is width,height or width,height,x,y,width,height")
    sizes = _numbers("viewport", parts[:2])
    if not all(0 <= size <= SIDE_MAX for size in sizes):
        raise BadRequest(f"a viewport's side is 1 to {SIDE_MAX}")
    part = _numbers("viewport", parts[2:], default=0.0) if len(parts) == 6 else [0.0] * 4
    if not all(abs(number) <= 1e6 for number in part):
        raise BadRequest("that part is outside of every picture")
    return View(int(sizes[0]), int(sizes[1]), *part)


def quality(query: Mapping[str, str]) -> int:
    """`quality=1…100`, of JPEG."""
    text = query.get("quality", "90")
    if not (text.isdecimal() and len(text) <= 3 and 1 <= int(text) <= 100):
        raise BadRequest("quality is 1 to 100")
    return int(text)


def picture_type(accepted: Iterable[Media]) -> str:
    """JPEG or PNG. Raises NotAcceptable."""
    for media in accepted:
        for offered in (JPEG, PNG):
            if not media.multipart and covers(media.type, offered):
                return offered
    raise NotAcceptable("pictures are image/jpeg or image/png")


def _numbers(name: str, parts: Iterable[str], default: float | None = None) -> list[float]:
    try:
        found = [
            default if default is not None and not part.strip() else float(part) for part in parts
        ]
    except ValueError:
        raise BadRequest(f"{name} has numbers, separated by commas") from None
    if not all(map(math.isfinite, found)):
        raise BadRequest(f"{name} has numbers, separated by commas")
    return found
