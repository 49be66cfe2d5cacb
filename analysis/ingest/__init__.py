"""From folders to a filled store: find the files, tell the runs apart, read what is new."""
