"""What people do with a segmentation: statistics and files."""
