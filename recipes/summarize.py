"""A long text in a line: summaries, headlines or filing lines, with an encoder and a decoder (T5, BART).

Expect  test ROUGE-L 0.947 (0.928 to 0.964, one seed) on the sample's 200 test rows, where the summary of the nearest
        training text reaches 0.631 and the first sentence 0.002, 2026-11-22; not measured on the Hub's set
Costs   7 minutes of training on one CPU core (sample)
Run     finetune run summarize [data.files.train=mails.csv data.columns.text=body data.columns.summary=subject]
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Dynamic, Lora, Model, Recipe, Train
from finetune.tasks.summarization import Summarization


def recipe() -> Recipe:
    """T5 on summarised dialogues; without the Hub, a small T5 from random weights on messages to a front desk."""
    return Recipe(
        # T5 was taught its tasks by such a prefix. A BART, as good a start, was not: model.name=facebook/bart-base
        # task.prefix= leaves it out.
        task=Summarization(max_tokens=512, max_summary_tokens=64, num_beams=4, prefix="summarize: "),
        data=Data(
            hub=Hub(
                name="knkarthick/dialogsum",
                columns={"text": "dialogue"},
                splits={"train": "train", "validation": "validation", "test": "test"},
            ),
            sample="requests",
        ),
        # The messages are short and alike: a small T5 learns them from random weights, its words included.
        model=Model(
            name="google-t5/t5-small",
            sample="small-t5",
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(20),
            batch=32,
            lr=2e-3,
            evaluate_every=Epochs(2),
            patience=4,
        ),
        # An int8 model that loses more than two points of ROUGE-L is withheld.
        export=Export(
            quantize=Int8Dynamic(),
            max_score_drop=0.02,
        ),
    )


def lora() -> Recipe:
    """The same with adapters (LoRA), not measured yet; without the Hub it needs model.name=FOLDER."""
    whole = recipe()
    # It has to be pretrained: no stand-in with random weights for the sample.
    return replace(
        whole,
        model=Model(name="google-t5/t5-small"),
        train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=1e-3, length=Epochs(5)),
    )
