"""`python -m finetune`, the form that `accelerate launch` and `torchrun` start."""

from finetune.cli import main

main()
