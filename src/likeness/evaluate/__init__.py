"""Metrics, a file each, and one protocol a system."""
