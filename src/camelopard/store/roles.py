"""Who may do what: the one table of roles and permissions, and whoever acts under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from camelopard.store.errors import NotAllowed

Role = Literal["viewer", "labeller", "expert", "developer", "approver", "auditor", "admin"]
Permission = Literal[
    "see models",
    "see rows",
    "ask models",
    "answer reviews",
    "settle reviews",
    "change models",
    "approve versions",
    "see audit",
    "manage people",
    "own tokens",
]
ROLES: tuple[Role, ...] = get_args(Role)
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
SCOPES: tuple[Permission, ...] = tuple(p for p in PERMISSIONS if p != "own tokens")  # a token makes no tokens

_ALL: frozenset[Permission] = frozenset({"see models", "own tokens"})
MAY: Mapping[Role, frozenset[Permission]] = {
    "viewer": _ALL,
    "labeller": _ALL | {"see rows", "answer reviews"},
    "expert": _ALL | {"see rows", "answer reviews", "settle reviews"},
    "developer": _ALL | {"see rows", "ask models", "change models"},
    "approver": _ALL | {"see rows", "approve versions"},
    "auditor": _ALL | {"see rows", "see audit"},
    "admin": _ALL | {"see rows", "ask models", "see audit", "manage people"},
}
ITSELF, NOBODY, UNKNOWN = "camelopard", "nobody", "unknown"  # the program; who is not signed in; who is no user. Names that no user has


@dataclass(frozen=True)
class Actor:
    """Whoever does something: a user, by session or by token, or the program itself.

    name
        Of the user.
    roles
        What they are. Somebody with several roles may do what any of them allows.
    scopes
        What a token is for; None where there is no token: all that the roles allow.
    via
        By what way they came: "session", "token 1f2e3d4c", "command line". It stands in the audit log.

    >>> ann = Actor("ann", ("developer",))
    >>> ann.may("change models"), ann.may("approve versions")
    (True, False)
    """

    name: str
    roles: tuple[Role, ...] = ()
    scopes: frozenset[Permission] | None = None
    via: str = ""

    @classmethod
    def itself(cls, via: str = "command line") -> Actor:
        """Return the program, as whoever runs it on its machine: it changes models and manages people, and approves nothing."""
        return cls(ITSELF, ("developer", "admin"), None, via)

    def may(self, permission: Permission) -> bool:
        """Return whether that is allowed."""
        return (self.scopes is None or permission in self.scopes) and any(permission in MAY[role] for role in self.roles)

    def must(self, permission: Permission) -> None:
        """Raise NotAllowed, saying who could, unless it is allowed."""
        if self.may(permission):
            return
        if self.scopes is not None and permission not in SCOPES:
            raise NotAllowed(f"{self.name}: no token is good for {permission!r}. Sign in with name and password.")
        if any(permission in MAY[role] for role in self.roles):
            raise NotAllowed(f"{self.name}: this token is not for it: its scopes do not hold {permission!r}. Make one with that scope.")
        able = [role for role in ROLES if permission in MAY[role]]
        has = " and ".join(self.roles) or "no role now (a one-time password has to be changed first)"
        raise NotAllowed(f"{self.name} has {has}; {permission!r} needs the role {' or '.join(able)}. An admin gives roles.")
