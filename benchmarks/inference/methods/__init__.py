"""Ways to get from a scan on the network's grid to labels at twice its resolution; each file has one ``labels``."""
