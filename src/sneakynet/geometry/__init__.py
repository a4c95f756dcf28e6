"""Pure functions on affines, boxes and fields of view; nothing here reads a file."""
