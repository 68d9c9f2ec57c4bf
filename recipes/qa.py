"""The words of a text that answer a question, with a BERT-class encoder.

Expect  test F1 0.671 (0.528 to 0.798) on the sample's 39 rows, where the sentence nearest to the question has 0.255;
        MiniLM, one seed, 2026-11-22; not measured on the Hub's set
Costs   5 minutes of training on a busy machine (sample, one core)
Run     finetune run qa [data.files.train=train-v2.0.json]
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Dynamic, Lora, Model, Recipe, Train
from finetune.tasks.question_answering import QuestionAnswering


def recipe() -> Recipe:
    """DistilBERT on SQuAD; without the Hub, MiniLM on a hand-written almanac."""
    return Recipe(
        # Longer contexts are read in windows that overlap, and lose nothing.
        task=QuestionAnswering(max_tokens=256, overlap=64),
        data=Data(
            # For questions that may have no answer: data.hub.name=rajpurkar/squad_v2.
            hub=Hub(
                name="rajpurkar/squad",
                splits={"train": "train", "test": "validation"},
            ),
            sample="almanac",
        ),
        # google-bert/bert-base-uncased and FacebookAI/roberta-base fit as well.
        model=Model(
            name="distilbert/distilbert-base-uncased",
            offline="all-MiniLM-L6-v2",
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(6),
            batch=16,
            lr=2e-4,
            patience=3,
        ),
        # An int8 model that loses more than one point of F1 is withheld.
        export=Export(
            quantize=Int8Dynamic(),
            max_score_drop=0.01,
        ),
    )


def lora() -> Recipe:
    """The same with adapters (LoRA) instead of all weights."""
    whole = recipe()
    # Adapters want about ten times the rate at which all weights are fitted.
    return replace(whole, train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=1e-3))
