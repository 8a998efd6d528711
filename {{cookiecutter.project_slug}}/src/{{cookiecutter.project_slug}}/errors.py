"""What a person can mend: the command line shows it as one sentence, without a traceback."""


class ProjectError(Exception):
    """Something about the settings, the data or the machine that stops the work; the message says what to do."""
