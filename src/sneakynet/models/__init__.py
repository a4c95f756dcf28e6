"""The multi-resolution networks, their builders and the weights file."""
