"""The one way in which a run says no."""


class RefusedError(Exception):
    """Why nothing is done, as one message for the user: what is wrong, and what to do."""

    def __str__(self) -> str:
        """The message, in which names of files say nothing to a terminal."""
        return "".join(one if one.isprintable() or one == "\n" else "?" for one in super().__str__())
