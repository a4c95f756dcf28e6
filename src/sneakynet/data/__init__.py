"""Cases, splits, pyramids and multi-resolution patches for training."""
