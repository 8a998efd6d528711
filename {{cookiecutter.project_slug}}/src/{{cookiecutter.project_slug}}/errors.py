"""What a person can mend: the command line shows it as one sentence, without a traceback."""

import re

from .addresses import without_secrets

# Seconds after which a wait is such an error. The limit ends what hangs, so it is generous: that a machine is slow says
# nothing of whether something works.
MOST_SECONDS = 600


class ProjectError(Exception):
    """Something about the settings, the data or the machine that stops the work; the message says what to do.

    It is printed, logged and kept, and often quotes what others say: so secrets and what is no text are taken out here.
    """

    def __init__(self, message: str) -> None:
        """message: one sentence; below it, in lines of their own, what belongs to it."""
        super().__init__(printable(without_secrets(message)))


def printable(text: str) -> str:
    """The text without what moves a terminal's cursor or colours it: names and values come from anywhere."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", "?", text)


def shortened(text: str, longest: int = 60) -> str:
    """The text as a message quotes it, which somebody else has written, as long as they liked."""
    return text if len(text) <= longest else text[:longest] + "..."
