"""The one way in which a run says no."""


class RefusedError(Exception):
    """Why nothing is done, as one message for the user: what is wrong, and what to do."""
