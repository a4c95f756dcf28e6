"""Distinct bone segmentation in upper-body CT with multi-resolution networks."""
