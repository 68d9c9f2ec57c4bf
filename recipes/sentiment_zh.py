"""Positive or negative in Chinese: the tone of a short text, with a BERT-class encoder that reads characters.

Expect  test accuracy 0.781 (0.766 to 0.801 over 3 seeds) on a tenth of 11,987 reviews of deliveries (waimai), where
        TF-IDF has 0.889 and is not beaten: MiniLM has few Chinese characters, 2026-11-22; not measured with the Hub's
        backbone
Costs   12 minutes of one core (waimai, 3 epochs), one minute (sample)
Run     finetune run sentiment_zh [data.files.train=reviews.csv data.columns.text=review]
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Dynamic, Lora, Model, Recipe, Train
from finetune.tasks.text_classification import TextClassification


def recipe() -> Recipe:
    """Chinese BERT on ChnSentiCorp; without the Hub, MiniLM on hand-written reviews."""
    return Recipe(
        # A Chinese character is about one token.
        task=TextClassification(max_tokens=128),
        data=Data(
            hub=Hub(
                name="lansinuote/ChnSentiCorp",
                splits={"train": "train", "validation": "validation", "test": "test"},
            ),
            sample="sentiment_zh",
        ),
        # MiniLM's vocabulary has few Chinese characters: it shows that all stages work, and no more. Others that know
        # Chinese: hfl/chinese-roberta-wwm-ext, hfl/chinese-macbert-base.
        model=Model(
            name="google-bert/bert-base-chinese",
            offline="all-MiniLM-L6-v2",
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(5),
            batch=16,
            lr=5e-5,
            patience=3,
        ),
        # An int8 model that loses more than one point of accuracy is withheld.
        export=Export(
            quantize=Int8Dynamic(),
            max_score_drop=0.01,
        ),
    )


def lora() -> Recipe:
    """The same with adapters (LoRA)."""
    whole = recipe()
    # Adapters want about ten times the rate at which all weights are fitted.
    return replace(whole, train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=5e-4))
