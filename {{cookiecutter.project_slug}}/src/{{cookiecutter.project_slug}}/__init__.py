"""The project's own package: everything that runs, in the wheel and in the image."""
