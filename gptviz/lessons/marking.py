"""Marks tokens in hints and explanations, so that the page shows them as chips, as it shows tokens everywhere else."""

from gptviz.text.tokens import Token

# Two characters that Unicode keeps for use inside a program, so that no text has them.
START, END = "\ufdd0", "\ufdd1"


def chip(token: Token | str) -> str:
    """Returns a token for a hint or an explanation; the page shows it as a chip, with ␣ for a space."""
    return f"{START}{token.text if isinstance(token, Token) else token}{END}"
