"""The parts of a network, found from its modules: what is head, which blocks stand in a row, what comes before them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

# Containers whose children follow upon each other, whatever they are called.
LISTS = (nn.ModuleList, nn.Sequential)


def head(model: Any, fresh: Iterable[str] = ()) -> tuple[str, ...]:
    """Names of the outermost modules that answer the task: all that is no backbone, and what its file did not bring.

    Linear layers of the backbone behind its last block belong to it too: the pooler of a BERT, which does for it what
    the first layer of the classifier does in a RoBERTa. `fresh` are names of weights that the file did not bring.
    Empty for an encoder with a decoder, which writes with pretrained weights and, often, its own word embeddings.
    """
    if _is_pair(model):
        return ()
    path, body = _body(model)
    outside = {name for name, part in model.named_children() if name != path and _num_weights(part)}
    classifier = body.get_classifier() if hasattr(body, "get_classifier") else ()  # timm names its own
    given = classifier if isinstance(classifier, tuple) else (classifier,)
    outside |= {name for name, part in model.named_modules() if any(part is one for one in given)}
    outside |= {name.rpartition(".")[0] for name in fresh}
    outside |= _behind(model, path)
    return tuple(name for name, _ in model.named_modules()
                 if name in outside and not any(within(name, other) for other in outside - {name}))


def blocks(model: Any) -> tuple[str, ...]:
    """Names of the backbone's blocks, bottom first: layers of an encoder and then a decoder, or stages.

    They are the children of a list, or siblings of one class, that hold the most weights together; where such rows
    lie within each other, the outermost. Empty where a network has none.
    """
    path, body = _body(model)
    if _is_pair(model):
        inner = f"{path}." if path else ""
        return (*_heaviest(f"{inner}encoder", body.encoder), *_heaviest(f"{inner}decoder", body.decoder))
    return _heaviest(path, body)


def below(model: Any, num_blocks: int) -> list[str]:
    """Names of the weights up to the end of that many blocks; 0 gives the embeddings or the stem alone."""
    row, names = blocks(model), [name for name, _ in model.named_parameters()]
    if num_blocks < len(row):
        end = next(position for position, name in enumerate(names) if within(name, row[num_blocks]))
    else:
        end = 1 + max(position for position, name in enumerate(names) if within(name, row[-1]))
    return names[:end]


def within(name: str, outer: str) -> bool:
    """Whether a module or weight is, or lies in, the module `outer`."""
    return not outer or name == outer or name.startswith(f"{outer}.")


def _is_pair(model: Any) -> bool:
    """Whether it is an encoder with a decoder."""
    return bool(getattr(getattr(model, "config", None), "is_encoder_decoder", False))


def _heaviest(path: str, part: Any) -> tuple[str, ...]:
    rows = (_row(name, inner) for name, inner in part.named_modules(prefix=path))
    heaviest = max(rows, key=lambda row: sum(_num_weights(block) for block in row.values()), default={})
    return tuple(heaviest)


def _body(model: Any) -> tuple[str, Any]:
    """The backbone inside a model with a head, with its name."""
    path = "timm_model" if hasattr(model, "timm_model") else model.base_model_prefix
    return (path, getattr(model, path)) if path and hasattr(model, path) else ("", model)


def _behind(model: Any, path: str) -> set[str]:
    """Children of the backbone that come after its blocks and hold a linear layer."""
    row = blocks(model)
    names = [name for name, _ in model.named_modules()]
    after = names.index(row[-1]) if row else len(names)
    inner = f"{path}." if path else ""
    return {inner + name.removeprefix(inner).partition(".")[0] for name, part in list(model.named_modules())[after:]
            if isinstance(part, nn.Linear) and within(name, path) and not any(within(name, block) for block in row)}


def _row(path: str, module: Any) -> dict[str, Any]:
    """The children of a module that could be blocks in a row, by full name."""
    listed = isinstance(module, LISTS)
    inner = {name: part for name, part in module.named_children() if _is_block(part, listed=listed)}
    if not listed:
        kinds = [type(part) for part in inner.values()]
        most = max(set(kinds), key=kinds.count, default=None)
        inner = {name: part for name, part in inner.items() if type(part) is most and kinds.count(most) > 1}
    return {f"{path}.{name}".lstrip("."): part for name, part in inner.items()}


def _is_block(part: Any, *, listed: bool) -> bool:
    """Blocks are made of layers; a bare `Sequential` between other modules has to hold blocks itself, or is a stem."""
    deeper = [child for child in part.children() if _num_weights(child)]
    if listed or not isinstance(part, LISTS):
        return bool(deeper)
    return any(_num_weights(grandchild) for child in deeper for grandchild in child.children())


def _num_weights(part: Any) -> int:
    return sum(weight.numel() for weight in part.parameters())
