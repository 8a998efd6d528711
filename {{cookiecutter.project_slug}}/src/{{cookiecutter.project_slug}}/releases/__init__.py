"""Releases: which model is in use, where it came from, and which was in use before."""
