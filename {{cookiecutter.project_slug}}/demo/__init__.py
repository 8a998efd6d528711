"""The whole promise of the level, kept on this machine in a few minutes: `make demo`.

It works in demo/workspace with a copy of your settings, so that your own models and releases stay as they are. Nothing
else depends on this folder: delete it when you no longer want to show it.
"""
