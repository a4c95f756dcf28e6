"""The bone table: which classes there are, and how they relate."""
