"""Folders of photos in, one compact file of aligned faces out."""
