"""Many scans in one run: which they are, what becomes of each, on this machine or on several."""
