"""Volumes and their readers and writers; nothing here knows about bones or networks."""
