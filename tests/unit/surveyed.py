"""What the survey of a data set leaves in data/quality.json, made up for tests of the page."""

from __future__ import annotations

import base64
import io
from typing import Any

from PIL import Image

from tests.unit.test_report_folder import SECRET, quality


def picture(side: int = 24) -> str:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (side, 90, 200)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def box_of(median: float, **more: Any) -> dict[str, Any]:
    return {"rows": 100, "below": 0, "above": 4, "least": median / 8, "low": median / 8, "q1": median / 2, "median": median,
            "q3": 2 * median, "high": 4 * median, "most": 6 * median, **more}


def sizes(what: str, labels: list[str], scale: float = 1) -> dict[str, Any]:
    medians = {"train": 40 * scale, "validation": 42 * scale, "test": 90 * scale}
    groups = [{"split": split, "label": None, **box_of(median)} for split, median in medians.items()]
    groups += [{"split": "train", "label": label, **box_of((30 + 7 * (place % 5)) * scale)} for place, label in enumerate(labels)]
    return {"what": what, "groups": groups,
            "curves": {split: [median * step / 20 for step in range(41)] for split, median in medians.items()}}


def compared(what: str, splits: list[str], effect: float, p: float, **more: Any) -> dict[str, Any]:
    return {"what": what, "test": "KS", "splits": splits, "rows": [900, 200], "statistic": effect, "effect": effect, "p": p / 6,
            "p_corrected": p, "differs": p < 0.05 and effect >= 0.1, "between": [40, 90.5], **more}




def survey(labels: list[str], *, images: bool = False) -> dict[str, Any]:
    """Every part there is, in the formats of its writers."""
    def shown(place: int) -> dict[str, Any]:
        return {"row": f"reviews.csv:{700 + place}", **({"image": picture(20 + place)} if images else {"text": f"{SECRET} ({place})"})}

    return quality(labels) | {
        "tally": [{"check": "near_duplicates", "level": "good", "text": "nothing found"},
                  {"check": "language", "level": "warn", "text": "9 reported of 926 training rows", "rows": "reviews.csv:731, 735 and 7 more",
                   "advice": "Judge them in data/review.csv."}],
        "suspects": {"checked": 900, "found": 36, "features": "the backbone", "examples": [
            {**shown(place), "label": labels[0], "suggestion": labels[-1], "confidence": 0.97 - place / 100} for place in range(20)],
            "by_label": {labels[0]: {"rows": 600, "suspected": 30, "noise": 0.05}, labels[-1]: {"rows": 300, "suspected": 0, "noise": 0.0}}},
        "strangers": {"checked": 900, "found": 2, "examples": [{**shown(place), "distance": 0.9} for place in (30, 31)]},
        "clusters": [{"kind": "near", "split": "train", "size": 12, "rows": ["reviews.csv:740", "reviews.csv:741"],
                      "examples": [shown(40), shown(41)]},
                     {"kind": "exact", "split": "test", "size": 2, "rows": ["a.csv:750", "b.csv:751"], "examples": [shown(50)]}],
        "boxes": [sizes("characters", labels, 6), sizes("words", labels)],
        "distributions": [compared("words", ["train", "test"], 0.51, 1e-9), compared("words", ["train", "validation"], 0.04, 1.0),
                          compared("characters", ["train", "test"], 0.02, 0.01), compared("labels", ["train", "test"], 0.3, 0.004, test="chi-square",
                                                                                  of=labels[0], between=[0.6, 0.31])],
        "pictures": {"by_split": {"train": {"rows": 400, "of": 2000, "mean": [0.5, 0.25, 0.125], "std": [0.1, 0.2, 0.3]}}} if images else {},
        "balance": {"ratio": 23.0, "effective": 2.1, "advice": {
            "recommended": "class weights", "setting": "train.class_weights=balanced", "score": "f1_macro", "reason": "Class weights gain 4 points",
            "tried": [{"name": "nothing", "setting": "", "score": 0.61, "low": 0.58, "high": 0.64, "gain": {"value": 0.0}},
                      {"name": "class weights", "setting": "train.class_weights=balanced", "score": 0.651, "low": 0.62, "high": 0.68,
                       "gain": {"value": 0.041, "low": 0.01, "high": 0.07}}]}},
    }
