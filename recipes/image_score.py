"""A number for a picture: how full, how ripe, how good; any table of pictures and numbers, with a ResNet.

Expect  test R2 0.989 (0.985 to 0.993, one seed) on 79 drawn vessels of the sample at 48 pixels, 2026-11-22
Costs   not measured yet: it ran beside other work
Run     finetune run image_score data.files.train=scores.csv data.images=photos/
"""

from dataclasses import replace

from finetune.spec import Data, Epochs, Export, Hub, Int8Static, Lora, Model, Recipe, Train
from finetune.tasks.image_regression import ImageRegression


def recipe() -> Recipe:
    """ResNet-50 on how much photographs are liked; without the Hub, a small ResNet on how full drawn vessels are."""
    return Recipe(
        # What is left and right matters neither for a level nor for a photograph; what is above and below does.
        task=ImageRegression(augmentations=("shift", "flip")),
        data=Data(
            hub=Hub(
                name="trojblue/AVA-Huggingface",
                columns={"label": "mean_score"},
            ),
            sample="levels",
        ),
        # As good a start: a ViT (google/vit-base-patch16-224-in21k with model.family=hf), timm/convnext_tiny.fb_in22k.
        # The vessels are 48 by 48 pixels: a small ResNet learns them from random weights, and larger no better.
        model=Model(
            name="timm/resnet50.a1_in1k",
            family="timm",
            sample="resnet10t",
            sample_size=48,
        ),
        # The best evaluation on the validation rows is kept, so an epoch too many costs nothing but time.
        train=Train(
            length=Epochs(25),
            patience=8,
            batch=32,
            lr=2e-3,
            weight_decay=0.05,
        ),
        # An int8 model that loses more than one hundredth of R2 is withheld.
        export=Export(
            quantize=Int8Static(),
            max_score_drop=0.01,
        ),
    )


def lora() -> Recipe:
    """A small ViT with adapters (LoRA), not measured yet; without the Hub it needs model.name=FOLDER."""
    whole = recipe()
    # It has to be pretrained: no stand-in with random weights for the sample.
    return replace(
        whole,
        model=Model(name="timm/vit_small_patch16_224.augreg_in21k", family="timm"),
        train=replace(whole.train, adapter=Lora(rank=8, alpha=16), lr=1e-3, length=Epochs(10)),
    )
