"""The viewer in a browser: its page, the data it shows, and the server on this machine."""
