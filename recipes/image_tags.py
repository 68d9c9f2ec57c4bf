"""What a picture shows, where it shows several things at once: any table of pictures and lists of labels.

Expect  test mAP 0.995 (0.986 to 1.000, one seed) on the sample's 90 rows, where the usual labels have 0.264; small
        ResNet from random weights, 2026-11-22; not measured on the Hub's set
Costs   one minute of one core (sample)
Run     finetune run image_tags data.files.train=photos.csv data.images=photos/ data.columns.label=tags
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Static, Lora, Model, Recipe, Train
from finetune.tasks.multilabel_image import MultiLabelImageClassification


def recipe() -> Recipe:
    """ResNet-50 on aerial pictures; without the Hub, a small ResNet on drawn shapes."""
    return Recipe(
        # A threshold for each label is fitted on the validation rows.
        task=MultiLabelImageClassification(augmentations=("shift", "flip")),
        data=Data(
            # 3,000 pictures of 17 kinds of ground and things on it; the set has no split of its own.
            hub=Hub(
                name="jonathan-roberts1/AID_MultiLabel",
                splits={"train": "train"},
            ),
            sample="shapes",
        ),
        # As good a start: a ViT (google/vit-base-patch16-224-in21k with model.family=hf), timm/convnext_tiny.fb_in22k.
        # The shapes are 20 by 20 pixels: a small ResNet learns them from random weights.
        model=Model(
            name="timm/resnet50.a1_in1k",
            family="timm",
            sample="resnet10t",
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(15),
            patience=6,
            batch=64,
            lr=2e-3,
            weight_decay=0.05,
        ),
        # An int8 model that loses more than one point of mean average precision is withheld.
        export=Export(
            quantize=Int8Static(),
            max_score_drop=0.01,
        ),
    )


def lora() -> Recipe:
    """A ViT with adapters (LoRA), not measured yet; without the Hub it needs model.name=FOLDER."""
    whole = recipe()
    # It has to be pretrained: no stand-in with random weights for the sample.
    return replace(
        whole,
        model=Model(name="google/vit-base-patch16-224-in21k"),
        train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=1e-3, length=Epochs(10)),
    )
