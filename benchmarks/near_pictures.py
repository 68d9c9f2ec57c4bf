"""Near copies among generated JPEG pictures of 640 x 480: `make bench NAME=near_pictures [ARGS="20000 [FOLDER]"]`.

One picture in ten is a copy of another: saved anew at quality 60, at 80 % of its size, cropped by 3 %, or mirrored. A
FOLDER keeps the pictures for another run; it must hold no others.

The peer, the perceptual hash of imagededup, runs on the same files with as many processes as we have threads. Mirrored
copies it does not find, by design: agreement is told with these and without. Both read and decode every file; ours lets
the JPEG decoder scale, which is part of what makes it faster.
"""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import version
from itertools import cycle
from pathlib import Path

import numpy as np
import pyarrow as pa
from imagededup.methods import PHash
from PIL import Image, ImageOps

from finetune.clean.near import pairs
from finetune.data.images import hashes

NUM_PICTURES = 20_000
SIZE = (640, 480)
COPIES_EVERY = 10
Pairs = set[tuple[int, int]]  # of numbers of pictures, the lower one first
DISTANCE = 10  # the peer's default
NOT_CLAIMED = "mirrored"  # by the peer


def scene(seed: int) -> Image.Image:
    """Soft shapes, a few hard ones, and noise."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (5, 7, 3), np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    pixels = np.array(coarse)
    for _ in range(6):
        x, y, width, height = random.integers(0, (SIZE[0], SIZE[1], SIZE[0] // 3, SIZE[1] // 3))
        pixels[y:y + height, x:x + width] = random.integers(0, 256, 3)
    noise = random.normal(128, 20, (SIZE[1], SIZE[0])).clip(0, 255).astype(np.uint8)
    return Image.blend(Image.fromarray(pixels), Image.fromarray(noise).convert("RGB"), 0.1)


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


def generate(folder: Path, num_pictures: int) -> tuple[list[str], dict[str, Pairs]]:
    """The files, and the pairs of numbers that are copies by kind; a file that is there is not made again."""
    truth = {kind: Pairs() for kind in KINDS}
    kinds = cycle(KINDS.items())
    files = [folder / f"{number}.jpg" for number in range(num_pictures)]
    for number, file in enumerate(files):
        is_copy = number % COPIES_EVERY == COPIES_EVERY - 1
        kind, (change, quality) = next(kinds) if is_copy else ("", (lambda picture: picture, 90))
        if is_copy:
            truth[kind].add((number - 1, number))
        if not file.exists():
            change(scene(number - is_copy)).save(file, quality=quality)
    return list(map(str, files)), truth


def peer(folder: Path, workers: int) -> Pairs:
    """Pairs that imagededup finds."""
    method = PHash(verbose=False)
    hashes = method.encode_images(image_dir=str(folder), num_enc_workers=workers)
    found = method.find_duplicates(encoding_map=hashes, max_distance_threshold=DISTANCE, num_dist_workers=workers)
    numbers = {name: [int(other.partition(".")[0]) for other in others] for name, others in found.items()}
    return {ordered(int(name.partition(".")[0]), other) for name, others in numbers.items() for other in others}


def ordered(one: int, other: int) -> tuple[int, int]:
    """A pair, the lower number first."""
    return min(one, other), max(one, other)


def ours(files: list[str]) -> Pairs:
    """Pairs that we find; the reader's hash of every file counts."""
    found = pairs.find([pa.table({"image": files, "hash": hashes(files)})], {"image": "image"})
    return set(zip(found.left.tolist(), found.right.tolist(), strict=True))


def timed(find: Callable[[], Pairs], name: str, *, num_pictures: int) -> tuple[Pairs, float, float]:
    """What is found, seconds by the clock, and seconds of a processor, which do not count waiting for a busy one."""
    before, started = used(), time.perf_counter()
    found = find()
    seconds, computing = time.perf_counter() - started, used() - before
    print(f"  {name}: {seconds:.1f} s, {num_pictures / seconds:,.0f} pictures/s; {computing:.1f} s of a processor, "
          f"{num_pictures / computing:,.0f} pictures/s")
    return found, seconds, computing


def used() -> float:
    """Seconds of a processor that this process and those it started have used."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


def compare(got: Pairs, theirs: Pairs, truth: dict[str, Pairs], *, num_pictures: int) -> None:
    """Recall by kind, false pairs, and how often both decide alike: of planted pairs, and of as many random ones."""
    planted = set().union(*truth.values())
    for kind, of_kind in truth.items():
        print(f"  {kind}: of {len(of_kind):,} planted pairs we find {len(got & of_kind):,}, "
              f"imagededup {len(theirs & of_kind):,}")
    print(f"  pairs that were not planted: {len(got - planted):,} of our {len(got):,}, "
          f"{len(theirs - planted):,} of imagededup's {len(theirs):,}")
    random = np.random.default_rng(7)
    others = {ordered(*map(int, pair)) for pair in random.integers(0, num_pictures, (len(planted), 2))
              if pair[0] != pair[1]} - planted
    claimed = planted - truth[NOT_CLAIMED]
    for what, judged in ((f"{NOT_CLAIMED} ones aside", claimed | others), ("all", planted | others)):
        alike = sum((pair in got) == (pair in theirs) for pair in judged)
        print(f"  decisions that agree, on planted pairs ({what}) and random ones: {alike:,} of {len(judged):,} "
              f"({alike / len(judged):.2%})")


def main() -> None:
    """Generate, find, compare with what was planted and with the peer."""
    num_pictures = int(sys.argv[1]) if len(sys.argv) > 1 else NUM_PICTURES
    workers = os.cpu_count() or 1
    print(f"{num_pictures:,} JPEG pictures of {SIZE[0]} x {SIZE[1]}; Pillow {version('pillow')}, "
          f"imagededup {version('imagededup')}, {workers} processors for either side, decoding included")
    with tempfile.TemporaryDirectory() if len(sys.argv) < 3 else nullcontext(sys.argv[2]) as folder:
        files, truth = generate(Path(folder), num_pictures)
        got, clock, computing = timed(lambda: ours(files), "finetune", num_pictures=len(files))
        theirs, their_clock, their_computing = timed(
            lambda: peer(Path(folder), workers), f"imagededup (distance up to {DISTANCE})", num_pictures=len(files))
        print(f"  ratio: {their_clock / clock:.1f} by the clock, {their_computing / computing:.1f} by the processor")
        compare(got, theirs, truth, num_pictures=len(files))


if __name__ == "__main__":
    main()
