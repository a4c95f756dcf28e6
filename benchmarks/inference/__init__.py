"""What ``whole_scan.py`` measures, and how."""
