"""Errors written for the person who made the mistake: what, where, and what would be right."""


class WeerspoorError(Exception):
    """Base of every error that is the user's to mend.

    Parameters
    ----------
    message : str
        What is wrong, in one sentence.
    where : str
        The place in the user's file or command, such as ``request.toml: train.length_m``; empty if none.
    hint : str
        What would be right; empty if nothing sensible can be said.
    """

    def __init__(self, message: str, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{advice}"


class InputError(WeerspoorError):
    """Malformed, unknown or contradictory input: exit code 2, and nothing is written."""


class DataError(WeerspoorError):
    """A table that the program reads is missing, of another version or damaged."""
