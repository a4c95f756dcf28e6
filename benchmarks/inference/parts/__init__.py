"""The claims, one file each; every part gives rows."""
