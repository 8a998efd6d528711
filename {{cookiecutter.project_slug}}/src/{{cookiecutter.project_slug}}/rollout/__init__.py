"""Rollout: a version that passes comes into use by itself, and goes back by itself; what serves leads back to data."""
