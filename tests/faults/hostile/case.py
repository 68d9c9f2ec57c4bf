"""One hostile file: how it is written, what stands around it, and what must come of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

Write = bytes | Callable[[Path], object]  # content, or what makes the file at a path

TEXTS = (("a fine day at the sea", "good"), ("a dull day in the rain", "bad"))  # of the tables around
PICTURES = ("cat/1.png", "dog/1.png")


@dataclass(frozen=True, slots=True)
class Refused:
    """The reading ends with a FinetuneError that says all of this."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Read:
    """The file is sound after all: `texts` are its rows; a picture is one row."""

    texts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Unseen:
    """The file is none of the data, as hidden ones are not, and is passed over."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """The row is left out, and the ledger says why; the rows around it are read."""

    reason: str


Expected = Refused | Read | Unseen | Dropped


@dataclass(frozen=True, slots=True)
class Case:
    """A hostile file in a folder of its own; `place` is what the user names, `file` the hostile one, both inside it."""

    name: str
    kind: str  # text or image
    place: str
    file: str
    write: Write = field(repr=False)
    expected: Expected

    def make(self, folder: Path) -> Path:
        """Write the file and what stands around it; the place that the user names."""
        for name, content in around(self).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        target = folder / self.file
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(self.write, bytes):
            target.write_bytes(self.write)
        else:
            self.write(target)
        return folder / self.place


def around(case: Case) -> dict[str, bytes]:
    """The good files beside the hostile one, by path."""
    if case.kind == "image":
        return {f"pets/{name}": picture(seed) for seed, name in enumerate(PICTURES, 1)}
    return {f"rows/good.{suffix}": content for suffix, content in good_tables().items()
            if case.file.removesuffix(".gz").endswith(f".{suffix}") or (suffix == "csv" and ".zip" in case.file)}


def good_tables() -> dict[str, bytes]:
    """TEXTS in every format."""
    import pyarrow as pa
    from pyarrow import feather, parquet

    columns = {"text": [text for text, _ in TEXTS], "label": [label for _, label in TEXTS]}
    made = {"csv": "text,label\n" + "".join(f"{text},{label}\n" for text, label in TEXTS),
            "tsv": "text\tlabel\n" + "".join(f"{text}\t{label}\n" for text, label in TEXTS)}
    lines = "".join(f'{{"text": "{text}", "label": "{label}"}}\n' for text, label in TEXTS)
    made |= {"json": lines, "jsonl": lines}
    encoded = {suffix: content.encode() for suffix, content in made.items()}
    for suffix, write in (("parquet", parquet.write_table), ("arrow", feather.write_feather)):
        opened = io.BytesIO()
        write(pa.table(columns), opened)
        encoded[suffix] = opened.getvalue()
    return encoded


def picture(seed: int = 0, form: str = "PNG", *, mode: str = "RGB", size: tuple[int, int] = (48, 40),
            **options: object) -> bytes:
    """A picture with something to see on it, encoded."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), np.uint8)
    opened = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).convert(mode).save(opened, form, **options)
    return opened.getvalue()


def table(name: str, suffix: str, write: Write, expected: Expected) -> Case:
    """A hostile table in a folder beside a good one of its format."""
    file = f"rows/hostile.{suffix}"
    return Case(name, "text", "rows", file, write, _naming(expected, f"hostile.{suffix}"))


def archive(name: str, write: Write, expected: Expected, kind: str = "text") -> Case:
    """A hostile zip that the user names; what is wrong inside it is named by the path inside it."""
    return Case(name, kind, "hostile.zip", "hostile.zip", write, expected)


def photo(name: str, write: Write, expected: Expected, file: str = "hostile.jpg") -> Case:
    """A hostile picture in the folder of a class."""
    return Case(name, "image", "pets", f"pets/cat/{file}", write, expected)


def refused(*parts: str) -> Refused:
    """The file is named in any case."""
    return Refused(parts)


def _naming(expected: Expected, file: str) -> Expected:
    return Refused((file, *expected.parts)) if isinstance(expected, Refused) else expected
