"""Box plots of sizes: quartiles, whiskers and what lies beyond them, by split and by label.

Tukey, Exploratory Data Analysis (1977): a whisker ends at the last row within 1.5 quartile ranges of the box. Here that
is a drawing; which rows are out of the ordinary is for the rule `outliers` to say, whose bounds are wider.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

    from finetune.contracts import Array

WHISKER = 1.5  # quartile ranges
MOST_LABELS = 200
STEPS = 40  # of the curve that shows how a size is distributed

Sizes = Mapping[str, Mapping[str, "Array"]]  # split -> what is measured -> one number per row


def boxes(sizes: Sizes, labels: Mapping[str, pa.ChunkedArray]) -> list[dict[str, Any]]:
    """Per measure, a box for every split and for every label of the training rows, and the curve of every split.

    A box holds `rows`, `least`, `low`, `q1`, `median`, `q3`, `high`, `most`, and the rows `below` and `above` the
    whiskers; a curve the STEPS + 1 quantiles from the least to the most. A measure that never varies is left out, as is
    what is not known of a row (not a number, or infinite).
    """
    import numpy as np

    found = []
    for what in dict.fromkeys(what for of_split in sizes.values() for what in of_split):
        known = {split: np.isfinite(of_split[what]) for split, of_split in sizes.items() if what in of_split}
        by_split = {split: sizes[split][what][there] for split, there in known.items() if there.any()}
        if len({bound for values in by_split.values() for bound in (values.min(), values.max())}) < 2:
            continue
        groups = [{"split": split, "label": None, **box(values)} for split, values in by_split.items()]
        groups += [{"split": "train", "label": label, **box(values)}
                   for label, values in _by_label(sizes.get("train", {}).get(what), labels.get("train"))]
        found.append({"what": what, "groups": groups,
                      "curves": {split: curve(values) for split, values in by_split.items()}})
    return found


def box(values: Array) -> dict[str, Any]:
    """The numbers of one box; quartiles are interpolated linearly."""
    import numpy as np

    first, median, third = np.percentile(values, [25, 50, 75])
    reach = WHISKER * (third - first)
    below, above = values < first - reach, values > third + reach
    inside = values[~(below | above)]
    numbers = {"least": values.min(), "low": inside.min(), "q1": first, "median": median, "q3": third,
               "high": inside.max(), "most": values.max()}
    return {"rows": len(values), "below": int(below.sum()), "above": int(above.sum()),
            **{name: _short(number) for name, number in numbers.items()}}


def curve(values: Array) -> list[float]:
    """Quantiles in equal steps: the values at 0, 1/STEPS ... 1 of the rows."""
    import numpy as np

    return [_short(value) for value in np.quantile(values, np.linspace(0, 1, STEPS + 1))]


def _by_label(values: Array | None, labels: pa.ChunkedArray | None) -> list[tuple[str, Array]]:
    """The known values of each label, most frequent first."""
    import numpy as np
    import pyarrow as pa

    if values is None or labels is None:
        return []
    coded = labels.combine_chunks().dictionary_encode()
    codes = np.where(np.isfinite(values), np.asarray(coded.indices.fill_null(-1)), -1)
    names = coded.dictionary.cast(pa.string()).to_pylist()
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(names) + 1))
    parts = [(name, values[order[start:end]]) for name, start, end in zip(names, edges, edges[1:], strict=False)
             if end > start]
    return sorted(parts, key=lambda part: -len(part[1]))[:MOST_LABELS]


def _short(value: float) -> float:
    """Six digits: sizes are counts, or shares that nobody reads further."""
    return float(f"{value:.6g}")
