"""Near copies among generated JPEG pictures of 640 x 480: `make bench NAME=near_pictures [ARGS="20000"]`.

One picture in ten is a copy of another: saved anew at quality 60, at 80 % of its size, cropped by 3 %, or mirrored.
The peer, the perceptual hash of imagededup, runs on the same files where it can be imported.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image, ImageOps

from finetune.clean.near import pairs

NUM_PICTURES = 20_000
SIZE = (640, 480)
COPIES_EVERY = 10


def scene(seed: int) -> Image.Image:
    """Soft shapes, a few hard ones, and noise."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    pixels = np.array(coarse)
    for _ in range(6):
        x, y, width, height = random.integers(0, (SIZE[0], SIZE[1], SIZE[0] // 3, SIZE[1] // 3))
        pixels[y:y + height, x:x + width] = random.integers(0, 256, 3)
    noise = Image.effect_noise(SIZE, 20).convert("RGB")
    return Image.blend(Image.fromarray(pixels), noise, 0.1)


def cropped(picture: Image.Image) -> Image.Image:
    """3 % off, half of it on either side."""
    width, height = picture.size
    across, down = round(width * 0.015), round(height * 0.015)
    return picture.crop((across, down, width - across, height - down))


def smaller(picture: Image.Image) -> Image.Image:
    """80 % of the size."""
    width, height = picture.size
    return picture.resize((round(width * 0.8), round(height * 0.8)), Image.Resampling.LANCZOS)


KINDS: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "quality 60": (lambda picture: picture, 60), "80 % of the size": (smaller, 85), "cropped by 3 %": (cropped, 85),
    "mirrored": (ImageOps.mirror, 85),
}


def generate(folder: Path, num_pictures: int) -> tuple[list[str], dict[str, set[tuple[int, int]]]]:
    """The files, and the pairs of numbers that are copies by kind."""
    files: list[Path] = []
    truth = {kind: set[tuple[int, int]]() for kind in KINDS}
    kinds = cycle(KINDS.items())
    while len(files) < num_pictures:
        picture = scene(len(files))
        files.append(folder / f"{len(files)}.jpg")
        picture.save(files[-1], quality=90)
        if len(files) % COPIES_EVERY == COPIES_EVERY - 1:
            kind, (change, quality) = next(kinds)
            truth[kind].add((len(files) - 1, len(files)))
            files.append(folder / f"{len(files)}.jpg")
            change(picture).save(files[-1], quality=quality)
    return list(map(str, files)), truth


def peer(folder: Path) -> tuple[int, float]:
    """Pairs that imagededup finds and the seconds it takes."""
    from imagededup.methods import PHash

    started = time.perf_counter()
    found = PHash(verbose=False).find_duplicates(image_dir=str(folder))
    return sum(map(len, found.values())) // 2, time.perf_counter() - started


def main() -> None:
    """Generate, find, compare with what was planted."""
    num_pictures = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_PICTURES
    with tempfile.TemporaryDirectory() as folder:
        files, truth = generate(Path(folder), num_pictures)
        print(f"{len(files):,} pictures of {SIZE[0]} x {SIZE[1]}")
        started, used = time.perf_counter(), time.process_time()
        found = pairs.find([pa.table({"image": files})], {"image": "image"})
        seconds, used = time.perf_counter() - started, time.process_time() - used
        got = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
        print(f"  finetune: {seconds:.1f} s ({used:.1f} s of one processor), {len(files) / seconds:,.0f} pictures/s")
        for kind, pairs_of_kind in truth.items():
            print(f"  {kind}: found {len(got & pairs_of_kind):,} of {len(pairs_of_kind):,}")
        planted = set().union(*truth.values())
        print(f"  false: {len(got - planted):,} of {len(got):,}")
        if importlib.util.find_spec("imagededup") is None:
            print("  imagededup: not measured, it is not installed")
        else:
            count, theirs = peer(Path(folder))
            print(f"  imagededup: {count:,} pairs, {theirs:.1f} s; ours is {theirs / seconds:.1f} times as fast")


if __name__ == "__main__":
    main()
