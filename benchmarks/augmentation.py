"""What changing rows costs, and with ARGS=train what it brings: `make bench NAME=augmentation [ARGS=train]`.

Milliseconds of one thread per picture, at 224 and 32 pixels, median of several rounds; beside them the same change of
torchvision's v2 where it has one, from uint8 to normalised floats, drawn from torch's own generator. Ours begins and
ends with normalised floats. Texts are of 40 words. `train` fits a small ResNet from random weights to CIFAR-10 pictures
with clean labels, the same seed and steps for every setting, and compares validation scores alone, row by row.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cifar10n
import numpy as np
from PIL import Image

import runs
from finetune import saved
from finetune.contracts import Draw
from finetune.data.augment import mix, pictures, texts
from finetune.data.examples import Examples
from finetune.data.pixels import ImageProcessor
from finetune.data.text import TextProcessor
from finetune.evaluate import score
from finetune.run.folder import RunFolder
from finetune.tasks.text_classification import TextClassification

if TYPE_CHECKING:
    from finetune.contracts import Array, Task

ROUNDS = 7
SETTINGS = {
    "usual": ["task.augmentations=shift,flip"],
    "trivial": ["task.augmentations=shift,flip,trivial"],
    "cutmix": ["task.augmentations=shift,flip,cutmix", "task.mix_until=8"],
}
ROWS, EPOCHS = 5000, 10


def median_ms(change: Callable[[int], Any], count: int) -> float:
    """Processor time of one call, median over rounds of `count` calls; the first round is not counted."""
    taken = []
    for turn in range(ROUNDS + 1):
        started = time.process_time()
        for place in range(count):
            change(turn * count + place)
        taken.append(1000 * (time.process_time() - started) / count)
    return statistics.median(taken[1:])


def peers(side: int) -> Mapping[str, Callable[[Any], Any]]:
    """The changes of torchvision that come nearest to ours."""
    from torchvision.transforms import v2

    jitter = v2.ColorJitter(0.4, 0.4, 0.4, 0.1)
    return {"crop": v2.RandomResizedCrop(side, (0.5, 1.0)), "flip": v2.RandomHorizontalFlip(),
            "rotate": v2.RandomRotation(10), "color": jitter, "blur": v2.RandomApply([v2.GaussianBlur(9, (0.1, 2.0))]),
            "trivial": v2.TrivialAugmentWide(), "randaugment": v2.RandAugment(), "erase": v2.RandomErasing(0.5)}


def pictures_by_change(side: int) -> None:
    """One line per change: ours, the peer's where there is one, and how much faster ours is."""
    import torch

    processor = ImageProcessor(size=side, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    blocks = np.random.default_rng(0).integers(0, 256, (2, side // 8, side // 8, 3), dtype=np.uint8)
    ours, other = (processor.pixels(Image.fromarray(block.repeat(8, axis=0).repeat(8, axis=1))) for block in blocks)
    tensor = torch.from_numpy(np.array(processor.picture(ours)).transpose(2, 0, 1).copy())
    theirs, count = peers(side), 2000 // side + 10
    print(f"\n{side} pixels: ms per picture")
    picture = processor.picture(ours)
    print(f"  to 8 bits     {median_ms(lambda _: processor.picture(ours), count):7.3f}\n"
          f"  from 8 bits   {median_ms(lambda _: processor.pixels(picture), count):7.3f}")
    for name in pictures.NAMES:
        own = median_ms(partial(changed, name, (ours, other), processor=processor), count)
        peer = median_ms(partial(their_change, theirs[name], tensor), count) if name in theirs else None
        beside = f"  torchvision {peer:6.3f}  ratio {peer / own:5.2f}" if peer is not None else ""
        print(f"  {name:14}{own:7.3f}{beside}")


def changed(name: str, both: tuple[Array, Array], row: int, *, processor: ImageProcessor) -> Any:
    """One change of ours, its stream included."""
    draw = Draw(1, 0, row)
    if name in mix.CHANGES:
        return mix.CHANGES[name](*both, draw.stream("mix"))
    return pictures.changed(both[0], [name], draw, processor=processor)


def texts_by_change() -> None:
    """One line per change of a text of 40 words."""
    words = [f"word{number}" for number in range(200)]
    text = " ".join(np.random.default_rng(0).choice(words, 40))
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "words.txt"
        table.write_text("".join(f"{one}, {other}\n" for one, other in zip(words[::2], words[1::2], strict=True)))
        print("\ntexts of 40 words: ms per text")
        for name in texts.NAMES:
            own = median_ms(partial(changed_text, name, text, table=str(table)), 50)
            print(f"  {name:14}{own:7.3f}")
    processor = tokenizer()
    print(f"  encoding anew {median_ms(lambda _: processor.encode([text], 128), 50):7.3f}")


def tokenizer() -> TextProcessor:
    """That of the recipe `sentiment`."""
    from finetune import recipe
    from finetune.backbones import resolve

    task = TextClassification(labels=("negative", "positive"))
    processor: TextProcessor = resolve.load(recipe.load("sentiment").model, task.head, sample=True).processor
    return processor


def their_change(change: Callable[[Any], Any], tensor: Any, row: int) -> Any:  # noqa: ARG001  # torch draws for itself
    """The same of torchvision, and then what a model needs of it."""
    from torchvision.transforms.v2 import functional

    shares = functional.to_dtype(change(tensor), scale=True)
    return functional.normalize(shares, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def changed_text(name: str, text: str, row: int, *, table: str) -> str:
    """One change of a text, its stream included."""
    return texts.changed(text, [name], Draw(1, 0, row), synonyms=table)


def write_rows(target: Path) -> None:
    """`rows.csv`: the first training pictures with their clean labels."""
    cifar10n.write_tables(runs.data("cifar10n_10k"), target)
    lines = (target / "train.csv").read_text().splitlines()
    (target / "rows.csv").write_text("\n".join(lines[: 1 + ROWS]) + "\n")


def train(target: Path, name: str) -> Path:
    """The run folder of one setting; only what training sees differs between two of them."""
    images = runs.data("cifar10n_10k") / "images.zip"
    command = ["train", "images", f"data.files.train={target}/rows.csv", f"data.images={images}",
               "data.split.validation=0.3", "data.split.test=0.01", "model.name=resnet10t", "model.random=true",
               "task.image_size=32", f"train.length={EPOCHS}epochs", "train.patience=0", "train.precision=fp32",
               "train.threads=1", f"output_dir={target}/{name}", *SETTINGS[name]]
    subprocess.run([sys.executable, "-m", "finetune", *command], check=True, stdout=subprocess.DEVNULL)
    (run,) = (target / name / "images").iterdir()
    return run


def predicted(run: Path) -> tuple[Task, dict[str, Any], dict[str, Any]]:
    """The task, what the best weights say of the validation rows, and what training tells of itself."""
    from finetune.backbones import resolve
    from finetune.evaluate.infer import torch_infer

    task, processor, family = saved.read(run / "model")
    examples = Examples(RunFolder(run).table("validation"), task, processor)
    infer = torch_infer(resolve.reload(run / "model", family, task.head), task)
    return task, score.predict(examples, infer).columns, json.loads((run / "train.json").read_text())["train"]


def compare() -> None:
    """One line per setting, with its gain over shift and flip on the same validation rows."""
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder))
        usual: dict[str, Any] = {}
        for name, overrides in SETTINGS.items():
            task, columns, told = predicted(train(Path(folder), name))
            usual = usual or columns
            gain = score.difference(task, columns, usual, seed=1)
            print(f"  {name:9}{task.score(columns)['accuracy']:.4f}  gain {gain.value:+.4f} ({gain.low:+.4f} to "
                  f"{gain.high:+.4f}) on {len(columns['target']):,} rows; best step {told['best_step']} of "
                  f"{told['steps']}; {told['rows_per_second']:.0f} rows/s  {' '.join(overrides)}", flush=True)


def main() -> None:
    """Costs, or with `train` the comparison."""
    if sys.argv[1:] == ["train"]:
        return compare()
    import PIL
    import torchvision

    print(f"numpy {np.__version__}, Pillow {PIL.__version__}, torchvision {torchvision.__version__}")
    for side in (224, 32):
        pictures_by_change(side)
    texts_by_change()
    return None


if __name__ == "__main__":
    main()
