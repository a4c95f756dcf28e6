"""The paper's experiments on phantoms or on given scans, and what comes out beside what the paper printed."""
