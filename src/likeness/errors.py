"""The one exception that a user's mistake raises."""


class LikenessError(Exception):
    """Something the user can mend: the message names the value, what is accepted and what to do.

    The command line prints the message as one line and exits with code 2; nothing is written half.
    """
