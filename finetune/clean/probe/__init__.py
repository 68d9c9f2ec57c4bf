"""What can be told from frozen features: a linear probe, and which labels it contradicts. Kernels, no rules."""
