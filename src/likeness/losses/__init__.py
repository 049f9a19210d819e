"""Losses as pure functions; the papers choose and weigh them in their objective.py."""
