"""What contradicts itself or is out of range in a recipe, found before anything is read."""

from __future__ import annotations

from finetune.spec import Data, Export, Int8Static, Lora, Recipe, Train


def problems(recipe: Recipe) -> list[str]:
    """Every contradiction and every value out of range in a recipe, before anything is read."""
    checks = [
        *_data_checks(recipe.data), *_train_checks(recipe.train), *_label_checks(recipe), *_part_checks(recipe),
        *_export_checks(recipe.export), *_writing_checks(recipe),
        # numpy and torch take 32 bits, and every process adds its number.
        (not 0 <= recipe.seed < 2**31, f"seed: {recipe.seed} found, allowed is 0 to {2**31 - 1}. Use 13."),
    ]
    return [message for wrong, message in checks if wrong]


def _data_checks(data: Data) -> list[tuple[bool, str]]:
    held_out = (data.split.validation, data.split.test)
    return [
        (data.source == "files" and not data.files.train,
         "data.files.train: source is 'files' but no file is given. Add data.files.train=FILE."),
        (data.source in ("hub", "sample") and data.files.train is not None,
         f"data.source: {data.source!r} does not read data.files.train. Leave source out, or set it to 'files'."),
        (not data.files.train and bool(data.files.validation or data.files.test),
         "data.files.train: only validation or test rows are given. Add data.files.train=FILE."),
        (data.images is not None and not data.files.train,
         "data.images: only used with a table of image names. Add data.files.train=TABLE."),
        (any(not 0.01 <= share <= 0.5 for share in held_out),
         f"data.split: shares {held_out} found, each must lie between 0.01 and 0.5. Use for example 0.1."),
        (sum(held_out) > 0.8,
         f"data.split: {sum(held_out):.0%} of the rows would be held out, at most 80% can be. "
         "Use for example 0.1 each."),
        (data.split.file is not None and "time" in (*data.columns, *data.hub.columns),
         "data.split.file: an earlier split is kept, but data.columns.time would cut by time. Leave one of the two "
         "out."),
        (bool(data.columns) and not data.files.train,
         f"data.columns: names columns of your own files ({', '.join(data.columns)}) but no file is given. "
         "Add data.files.train=FILE, or leave it out."),
        (data.quotes != "auto" and not data.files.train,
         "data.quotes: says how your own files are written, but no file is given. Add data.files.train=FILE."),
        (data.encoding != "auto" and not data.files.train,
         "data.encoding: says how your own files are written, but no file is given. Add data.files.train=FILE."),
        (isinstance(data.max_rows, int) and data.max_rows < 1,
         f"data.max_rows: {data.max_rows} found, at least 1 is needed. Use a count, or 'all'."),
    ]


def _train_checks(train: Train) -> list[tuple[bool, str]]:
    micro, evening = train.micro_batch, _evening(train)
    return [
        (train.batch < 1, f"train.batch: {train.batch} found, at least 1 row is needed. Use for example 32."),
        (isinstance(micro, int) and micro < 1,
         f"train.micro_batch: {micro} found, at least 1 row is needed. Use 'auto'."),
        (isinstance(micro, int) and micro > max(train.batch, 1),
         f"train.micro_batch: {micro} is more than train.batch={train.batch}. Use at most {train.batch}."),
        (not 0 < train.lr <= 1, f"train.lr: {train.lr} found, allowed is above 0 up to 1. Use for example 3e-5."),
        (not 0 <= train.warmup < 1,
         f"train.warmup: {train.warmup} found, allowed is a share from 0 to below 1. Use 0.1."),
        (train.weight_decay < 0, f"train.weight_decay: {train.weight_decay} found, allowed is 0 or more. Use 0.01."),
        (train.clip < 0, f"train.clip: {train.clip} found, allowed is 0 (off) or more. Use 1.0."),
        (train.length.n <= 0, f"train.length: {train.length.n} found, it must be above 0. Use for example 3epochs."),
        (train.evaluate_every.n <= 0,
         f"train.evaluate_every: {train.evaluate_every.n} found, it must be above 0. Use for example 1epochs."),
        (train.patience < 0,
         f"train.patience: {train.patience} found, allowed is 0 (never stop early) or more. Use 3."),
        (len(evening) > 1,
         f"train: {' and '.join(evening)} found, and each makes up for uneven labels by itself. Keep one of them."),
        (isinstance(train.threads, int) and train.threads < 1,
         f"train.threads: {train.threads} found, at least 1 is needed. Use 'auto'."),
    ]


def _evening(train: Train) -> list[str]:
    """The settings that make up for uneven labels; the focal loss does not, and goes with each of them."""
    chosen = {f"class_weights={train.class_weights}": train.class_weights != "none",
              f"loss={train.loss}": train.loss == "logit_adjusted", f"sampler={train.sampler}": train.sampler != "all"}
    return [setting for setting, evens in chosen.items() if evens]


def _label_checks(recipe: Recipe) -> list[tuple[bool, str]]:
    """Of the settings that only rows with one label each have a use for."""
    train, kind = recipe.train, recipe.task.roles[recipe.task.target]
    chosen = {f"train.class_weights={train.class_weights}": train.class_weights != "none",
              f"train.loss={train.loss}": train.loss != "cross_entropy",
              f"train.sampler={train.sampler}": train.sampler != "all"}
    return [(is_set and kind != "label", f"{setting}: makes up for uneven labels, and this task learns no single label "
                                         "a row. Leave it out.")
            for setting, is_set in chosen.items()]


def _part_checks(recipe: Recipe) -> list[tuple[bool, str]]:
    """Of the settings that leave weights untrained."""
    depth, lora = recipe.train.freeze, recipe.train.adapter
    adapter = lora or Lora()
    return [
        (isinstance(depth, int) and depth < 1,
         f"train.freeze: {depth} found, a number of blocks is at least 1. Use 'embeddings' for the part below them."),
        (depth != "none" and lora is not None,
         f"train.freeze: {depth} found, but with train.adapter=lora the whole backbone is frozen. Set one of the two "
         "to none."),
        ((depth != "none" or lora is not None) and recipe.model.random,
         "model.random: weights that start at random have to be trained, all of them. Set train.freeze=none and "
         "train.adapter=none, or leave out model.random."),
        (adapter.rank < 1, f"train.adapter.rank: {adapter.rank} found, at least 1 is needed. Use for example 8."),
        (not 0 < adapter.alpha < float("inf"),
         f"train.adapter.alpha: {adapter.alpha} found, it must be above 0. Use for example 16."),
        (not 0 <= adapter.dropout < 1,
         f"train.adapter.dropout: {adapter.dropout} found, allowed is a share from 0 to below 1. Use for example 0.1."),
        (not adapter.targets,
         "train.adapter.targets: no layer is named. Name ends of layer names, as in query,value, or use 'auto'."),
    ]


def _export_checks(export: Export) -> list[tuple[bool, str]]:
    return [
        (not 0 <= export.max_score_drop <= 1,
         f"export.max_score_drop: {export.max_score_drop} found, allowed is 0 to 1. Use 0.01 for one point."),
        (isinstance(export.quantize, Int8Static) and export.quantize.rows != "auto" and export.quantize.rows < 1,
         "export.quantize.rows: no training row is left to measure ranges on. Use for example 128."),
        (export.target == "cuda" and export.quantize is not None,
         "export.quantize: int8 is written for CPUs, and export.target=cuda writes fp16. Add export.quantize=none."),
        (export.target not in ("auto", "cuda") and export.quantize is None,
         f"export.target: {export.target} says how int8 is written, and export.quantize=none writes none. Use auto."),
        (not 14 <= export.opset <= 20, f"export.opset: {export.opset} found, allowed is 14 to 20. Use 17."),
    ]


def _writing_checks(recipe: Recipe) -> tuple[tuple[bool, str], ...]:
    """Of the settings that a model which writes texts has no use for."""
    writes, export = recipe.task.head.decoding is not None, recipe.export
    return (
        (writes and isinstance(export.quantize, Int8Static),
         "export.quantize: int8_static measures ranges on whole rows, and this model writes its texts token by token. "
         "Use int8_dynamic, or none."),
        (writes and export.target == "cuda",
         "export.target: cuda writes fp16, and models that write texts are exported for CPUs alone. Use auto."),
    )
