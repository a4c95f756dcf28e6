"""Loss, loop, checkpoints and logs."""
