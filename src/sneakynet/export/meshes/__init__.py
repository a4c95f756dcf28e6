"""Bones of a label map as closed surfaces, and the files that they are written to."""
