"""The training loop on Accelerate: step, loop, optimizer, checkpoints, hooks."""
