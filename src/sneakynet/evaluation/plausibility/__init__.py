"""Whether a segmentation is plausible by itself, without a reference."""
