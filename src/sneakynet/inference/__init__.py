"""From a scan to a segmentation: tiles, blending, prediction."""
