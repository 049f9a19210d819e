"""The version, read by the build, by the provenance mark and by every weights file."""

__version__ = "0.1.0"
