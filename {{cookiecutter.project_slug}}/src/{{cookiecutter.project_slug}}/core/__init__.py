"""The core: from a table to a model and its answers, as functions that any platform can call.

Nothing in here knows of a tracker, a pipeline or a server, reads the environment or keeps a global state. Files are
read and written in `storage`, models in the modules named after them.
"""
