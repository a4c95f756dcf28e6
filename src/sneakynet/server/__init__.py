"""A server for scans: a queue on disk, workers in processes of their own, web page, REST interface, DICOM node."""
