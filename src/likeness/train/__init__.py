"""One loop for every paper."""
