"""Pictures as files: opening and checking them, and finding them in folders, zip archives and tables.

A picture is named by a locator, `PATH` or `ARCHIVE.zip::MEMBER`; samples and Hub rows carry the encoded file as bytes.
Of a moving picture the first frame counts.
"""

from __future__ import annotations

import base64
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.contracts import SPLITS
from finetune.data import locators
from finetune.errors import DataError, some
from finetune.machine import cores

if TYPE_CHECKING:
    import pyarrow as pa
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "I;16", "I;16B", "I;16L")
# What these allow is decoded in a second, in less than 512 MiB.
MAX_PIXELS = 50_000_000
MAX_BYTES = 2**28  # of the encoded file
MAX_SCANS = 100  # of a progressive JPEG, each a pass over all pixels; encoders write about ten
SPLIT_OF = {  # what a folder or file is called -> the split that it holds
    "train": "train", "training": "train", "validation": "validation", "valid": "validation", "val": "validation",
    "dev": "validation", "test": "test", "testing": "test",
}

_ORIENTATION = 0x0112  # EXIF 2.32, section 4.6.4: where the first row and column lie


def read_bytes(cell: str | bytes) -> bytes:
    """The encoded picture; DataError names it when it cannot be read."""
    with _blaming(cell):
        return _encoded(cell)


def open_image(cell: str | bytes) -> Image:
    """The picture in RGB, 8 bits a channel, turned upright, on white where it was transparent.

    DataError names a picture that is none of FORMATS, has more than MAX_PIXELS, or is damaged.
    """
    with _blaming(cell):
        return _opened(cell)


def open_small(cell: str | bytes, side: int) -> Image:
    """The picture as `open_image` gives it, but no larger than is needed for `side` pixels, as `glance` has it."""
    with _blaming(cell):
        return _opened(cell, side=side)


def glance(cell: str | bytes, side: int, mode: str) -> Image | str:
    """The picture as `open_image` gives it, but no larger than is needed for `side` pixels, or why it cannot be read.

    JPEG is then decoded at 1/2, 1/4 or 1/8 of its size, which is several times as fast; the pixels of others are
    averaged in blocks. `mode` may be YCbCr, in which JPEG is kept.
    """
    try:
        return _opened(cell, side=side, mode=mode)
    except Exception as error:  # decoders raise many kinds of error on damaged files, and each means the same
        return _reason(error)


def thumbnail(cell: str | bytes, side: int) -> str:
    """A small copy of the picture for a page: a PNG of at most `side` pixels as a data URI."""
    small, file = open_small(cell, side), io.BytesIO()
    small.thumbnail((side, side))
    small.save(file, format="PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def hashes(cells: Sequence[str | bytes]) -> list[str]:
    """The sha256 of every encoded picture, in hex; of its name, where it cannot be read."""
    return [hashlib.sha256(_encoded_or_name(cell)).hexdigest() for cell in cells]


def sizes(cells: Sequence[str | bytes]) -> list[tuple[int, int]]:
    """Width and height of every picture, as its header says and before it is turned upright; 0 where it has none."""
    with ThreadPoolExecutor(min(4, cores())) as pool:
        return list(pool.map(_size, cells))


def check_images(table: pa.Table, key: str) -> None:
    """Decode every picture once; one DataError lists those that cannot be read and why."""
    cells = table["image"].to_pylist()
    distinct = list(dict.fromkeys(cells))
    with ThreadPoolExecutor(min(4, cores())) as pool:
        opened = pool.map(lambda cell: glance(cell, 1, "RGB"), distinct)
        reasons = {cell: found for cell, found in zip(distinct, opened, strict=True) if isinstance(found, str)}
    bad = []
    for row, cell in zip(table["row"].to_pylist(), cells, strict=True):
        if cell in reasons:
            named = row if isinstance(cell, bytes) or cell.endswith(row) else f"{row} {cell}"
            bad.append(f"{named} ({reasons[cell]})")
    if bad:
        allowed = f"{', '.join(FORMATS)} of at most {MAX_PIXELS:,} pixels"
        raise DataError(
            key, f"{len(bad):,} of {len(cells):,} pictures cannot be read: {some(bad)}. Allowed are {allowed}."
            " Replace them, or remove their rows."
        )


def read_image_folder(source: Path, *, key: str) -> dict[str, pa.Table]:
    """The pictures of a folder or zip by split: `row` (path inside it), `hash`, `image` (locator), `label` (folder).

    `CLASS/file` is all `train`; `SPLIT/CLASS/file` gives its splits; both may stand inside one wrapping folder. Hidden
    files and what desktops leave behind are skipped. DataError shows the tree when it has another shape.
    """
    import pyarrow as pa

    files = locators.list_files(source, key)
    splits = _shape(sorted(files))
    if not splits:
        raise DataError(key, _other_shape(source, sorted(files)))
    tables = {}
    for split, members in splits.items():
        cells = [files[parts] for parts in members]
        rows = ["/".join(parts) for parts in members]
        tables[split] = pa.table({"row": rows, "image": cells, "label": [parts[-2].strip() for parts in members]})
    return {
        split: table.add_column(1, "hash", pa.array(hashes(table["image"].to_pylist()), pa.string()))
        for split, table in tables.items()
    }


def _shape(files: list[locators.Parts]) -> dict[str, list[locators.Parts]] | None:
    """The files of each split, or None when folders are laid out in neither of the two ways."""
    if len({len(parts) for parts in files}) != 1:
        return None
    tops = {parts[0] for parts in files}
    depth = len(files[0])
    wrapped = depth == 4 or (depth == 3 and not all(top.casefold() in SPLIT_OF for top in tops))
    if wrapped and len(tops) > 1:
        return None
    outer = {parts[wrapped] for parts in files}
    named = [SPLIT_OF.get(name.casefold()) for name in outer]
    if depth - wrapped == 2 and not _are_splits(outer):
        return {"train": files}
    if depth - wrapped != 3 or None in named or len(set(named)) < len(named):
        return None
    splits = [split for split in SPLITS if split in named]
    return {split: [parts for parts in files if SPLIT_OF[parts[wrapped].casefold()] == split] for split in splits}


def _are_splits(folders: set[str]) -> bool:
    """Whether folders of files are splits without classes; one class among others may be called train."""
    splits = [name for name in folders if name.casefold() in (*SPLIT_OF, "eval", "evaluation")]
    return len(splits) > 1 or len(splits) == len(folders)


def _other_shape(source: Path, files: list[locators.Parts]) -> str:
    counts = Counter("/".join(parts[:-1][:3]) or "." for parts in files)
    examples = {"/".join(parts[:-1][:3]) or ".": parts[-1] for parts in reversed(files)}
    lines = [f"\n  {name}/ (files: {count:,}, such as {examples[name]})" for name, count in sorted(counts.items())]
    more = f"\n  and {len(lines) - 10:,} more folders" if len(lines) > 10 else ""
    tree = f", laid out as{''.join(lines[:10])}{more}\n" if files else ". "
    return (
        f"{source.absolute()} holds {len(files):,} files{tree}Allowed are CLASS/file, and SPLIT/CLASS/file with one"
        " folder each for train, validation (or valid, val, dev) and test. Move the pictures into such folders, and"
        " other files out."
    )


def _encoded(cell: str | bytes) -> bytes:
    return cell if isinstance(cell, bytes) else locators.read(cell, most=MAX_BYTES)


def _encoded_or_name(cell: str | bytes) -> bytes:
    try:
        return _encoded(cell)
    except Exception:  # of many kinds, as above; refusing it is the business of the rule `broken_pictures`
        return str(cell).encode()


def _opened(cell: str | bytes, *, side: int | None = None, mode: str = "RGB") -> Image:
    """The picture in RGB or YCbCr; one of more than `side` pixels comes out smaller; all of its data is read."""
    from PIL import Image

    raw = _encoded(cell)
    if not raw:
        raise locators.UnreadableError("empty file")
    # Pillow warns above this limit and raises above twice that; the check below refuses either before decoding.
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    image: Any = Image.open(io.BytesIO(raw), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise locators.UnreadableError(f"too large: {image.width:,} x {image.height:,} pixels")
    if image.mode not in MODES:
        raise locators.UnreadableError(f"pixels of mode {image.mode}, save it with 8 or 16 bits a channel")
    if "progressive" in image.info and raw.count(b"\xff\xda") > MAX_SCANS:  # in pixels, 0xff is followed by 0
        raise locators.UnreadableError(f"more than {MAX_SCANS} scans")
    if side is not None:
        image.draft(mode, (side, side))
    image.load()
    if side is not None:
        image = _reduced(image, side)
    image = _upright(image)
    if image.mode.startswith("I;16"):
        import numpy as np

        image = Image.fromarray(((np.arange(2**16) + 128) // 257).astype(np.uint8)[np.asarray(image)])
    elif image.has_transparency_data:
        clear = image if image.mode == "RGBA" else image.convert("RGBA")
        image = Image.new("RGB", image.size, "white")
        image.paste(clear, mask=clear)
    opened: Image.Image = image if image.mode == mode else image.convert("RGB").convert(mode)
    return opened


def _reduced(image: Any, side: int) -> Any:
    """The picture in blocks averaged to one pixel, still of `side` pixels or more; where blocks can be averaged."""
    block = min(image.size) // side
    if block < 2 or image.mode not in ("L", "RGB", "RGBA", "CMYK") or "transparency" in image.info:
        return image
    return image.reduce(block)


def _size(cell: str | bytes) -> tuple[int, int]:
    from PIL import Image

    try:  # a file on disk is read no further than its header
        is_file = isinstance(cell, str) and locators.split(cell) is None
        with Image.open(cell if is_file else io.BytesIO(_encoded(cell)), formats=FORMATS) as image:
            return image.size
    except Exception:  # of many kinds, as above; refusing it is the business of the rule `broken_pictures`
        return 0, 0


def _upright(image: Any) -> Any:
    """The picture as the camera was held; of TIFF, Pillow has turned the pixels and dropped the tag."""
    from PIL.Image import Transpose as Turn

    turns = {
        2: Turn.FLIP_LEFT_RIGHT, 3: Turn.ROTATE_180, 4: Turn.FLIP_TOP_BOTTOM, 5: Turn.TRANSPOSE, 6: Turn.ROTATE_270,
        7: Turn.TRANSVERSE, 8: Turn.ROTATE_90,
    }
    try:
        turn = turns.get(image.getexif().get(_ORIENTATION))
    except Exception:  # damaged EXIF raises errors of many kinds, and is no reason to refuse a sound picture
        return image
    return image if turn is None else image.transpose(turn)


def _reason(error: Exception) -> str:
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, Image.DecompressionBombError):
        return f"too large: more than {MAX_PIXELS:,} pixels"
    if isinstance(error, UnidentifiedImageError):
        return "not an image"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError):
        return "not in the archive"
    if isinstance(error, locators.UnreadableError):
        return str(error)
    if "truncated" in str(error).lower():
        return "truncated"
    return f"damaged: {error}" if str(error) else "damaged"


@contextmanager
def _blaming(cell: str | bytes) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # as above, and whatever a zip archive raises
        where = "a picture" if isinstance(cell, bytes) else cell
        raise DataError(where, f"{_reason(error)}. Replace the picture, or remove its row.") from error
