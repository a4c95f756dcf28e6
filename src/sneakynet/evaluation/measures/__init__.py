"""Bones in figures: how large, where, how they lie, how dense; and tables of them over many cases."""
