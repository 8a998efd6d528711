"""The training pipeline: its steps, what starts it, and the engines that run it."""
