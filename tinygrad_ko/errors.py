"""Errors that teach: a short English message, and a Korean note that says the same and what to do.

Every error is one of the built-in exceptions that a caller would expect (ValueError, TypeError, RuntimeError, ...). The note travels
with the exception (PEP 678), so both languages appear in a traceback and neither needs a setting.
"""

from typing import TypeVar

E = TypeVar("E", bound=BaseException)


def explain(error: E, korean: str) -> E:
    """Attach the Korean explanation to an error and return the error, ready to be raised.

    >>> try:
    ...     raise explain(ValueError("lr must be positive, got -1"), "학습률 lr은 0보다 커야 합니다.")
    ... except ValueError as error:
    ...     print(error, error.__notes__)
    lr must be positive, got -1 ['학습률 lr은 0보다 커야 합니다.']
    """
    error.add_note(korean)
    return error
