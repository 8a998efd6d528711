"""The project's own package: everything that runs, in the wheel and in the image."""

import atexit
import gc

# When a process ends, Python looks once more through all that its libraries have made: up to a second of each command
# and of each step of a pipeline. Nothing of that is left to tidy up.
atexit.register(gc.freeze)
