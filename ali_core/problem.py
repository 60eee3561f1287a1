"""Errors that a reader can act on, and writing files so that nothing is lost."""


class Problem(Exception):
    """An expected error; its message is a sentence: what is wrong, with which file or field, what to do."""
