"""What can go wrong with facts that are kept: the database itself, what a person may not do, and a sign-in that is refused."""

from __future__ import annotations

from camelopard.core.errors import CamelopardError


class StoreError(CamelopardError):
    """The database cannot be reached, read or written, or what was asked of it contradicts what it holds."""


class NotAllowed(CamelopardError):
    """Somebody asked for what their roles, or the scopes of their token, do not allow."""


class SignInRefused(CamelopardError):
    """A sign-in that failed, or came after too many that did.

    retry_after
        Seconds after which it makes sense to try again; 0 where nothing but another name or password helps.
    """

    def __init__(self, message: str, retry_after: int = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after
