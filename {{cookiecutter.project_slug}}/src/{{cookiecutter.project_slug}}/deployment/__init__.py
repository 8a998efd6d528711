"""Deployment: the released model runs, on this machine or on a host, and answers as it should."""
