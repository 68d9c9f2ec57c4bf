"""Comments that hurt, and how: any texts with lists of labels, with a RoBERTa-class encoder.

Expect  test mAP 0.904 (0.806 to 0.978, one seed) on the sample's 52 rows, where TF-IDF has 0.802; MiniLM, 2026-11-22;
        not measured on the Hub's set
Costs   one minute of one core (sample)
Run     finetune run toxicity data.files.train=comments.csv [data.columns.label=toxic,insult,threat]
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Dynamic, Lora, Model, Recipe, Train
from finetune.tasks.multilabel_text import MultiLabelTextClassification


def recipe() -> Recipe:
    """RoBERTa on comments of news sites; without the Hub, MiniLM on hand-written ones."""
    return Recipe(
        # A threshold for each label is fitted on the validation rows: rare labels want a low one.
        task=MultiLabelTextClassification(max_tokens=128),
        data=Data(
            # A column holds the share of annotators who saw the label; from a half on a comment has it.
            hub=Hub(
                name="google/civil_comments",
                columns={"label": "toxicity,severe_toxicity,obscene,threat,insult,identity_attack,sexual_explicit"},
                splits={"train": "train", "validation": "validation", "test": "test"},
            ),
            sample="toxicity",
        ),
        # As good a start: distilbert/distilroberta-base, answerdotai/ModernBERT-base. Where the Hub cannot be reached,
        # a small BERT that an installed package carries stands in.
        model=Model(
            name="FacebookAI/roberta-base",
            offline="all-MiniLM-L6-v2",
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(10),
            batch=16,
            lr=2e-4,
            patience=4,
        ),
        # An int8 model that loses more than one point of mean average precision is withheld.
        export=Export(
            quantize=Int8Dynamic(),
            max_score_drop=0.01,
        ),
    )


def lora() -> Recipe:
    """The same with adapters (LoRA), not measured yet."""
    whole = recipe()
    # Adapters want about ten times the rate at which all weights are fitted.
    return replace(whole, train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=1e-3))
