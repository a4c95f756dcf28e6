"""A labelled upper body made from an articulated skeleton, and a synthetic CT of it."""
