"""Blocks that several papers use unchanged."""
