"""What a person can mend: the command line shows it as one sentence, without a traceback."""

# Seconds after which a wait is such an error. The limit ends what hangs, so it is generous: that a machine is slow says
# nothing of whether something works.
MOST_SECONDS = 600


class ProjectError(Exception):
    """Something about the settings, the data or the machine that stops the work; the message says what to do."""


def shortened(text: str, longest: int = 60) -> str:
    """The text as a message quotes it, which somebody else has written, as long as they liked."""
    return text if len(text) <= longest else text[:longest] + "..."
