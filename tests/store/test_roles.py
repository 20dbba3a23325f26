"""The table of roles and permissions, written out once more: whoever changes it changes it here as well, on purpose."""

from __future__ import annotations

import itertools

import pytest

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed: pip install 'camelopard[serve]'")

from camelopard.store.errors import NotAllowed
from camelopard.store.roles import MAY, PERMISSIONS, ROLES, SCOPES, Actor

TABLE = """
                  viewer  labeller  expert  developer  approver  auditor  admin
see models        x       x         x       x          x         x        x
see rows          -       x         x       x          x         x        x
ask models        -       -         -       x          -         -        x
answer reviews    -       x         x       -          -         -        -
settle reviews    -       -         x       -          -         -        -
change models     -       -         -       x          -         -        -
approve versions  -       -         -       -          x         -        -
see audit         -       -         -       -          -         x        x
manage people     -       -         -       -          -         -        x
own tokens        x       x         x       x          x         x        x
"""


def test_every_role_may_do_what_the_table_says_and_nothing_else() -> None:
    head, *lines = TABLE.strip("\n").splitlines()
    assert tuple(head.split()) == ROLES == tuple(MAY)
    assert tuple(line[:18].strip() for line in lines) == PERMISSIONS
    for permission, line in zip(PERMISSIONS, lines, strict=True):
        for role, mark in zip(ROLES, line[18:].split(), strict=True):
            assert Actor("ann", (role,)).may(permission) == (mark == "x"), (role, permission)


def test_roles_add_up_and_scopes_take_away() -> None:
    for pair in itertools.combinations(ROLES, 2):
        for permission in PERMISSIONS:
            either = any(Actor("ann", (role,)).may(permission) for role in pair)
            assert Actor("ann", pair).may(permission) == either
            assert Actor("ann", pair, frozenset({permission})).may(permission) == either
            assert not Actor("ann", pair, frozenset()).may(permission)
            assert not Actor("ann", (), frozenset({permission})).may(permission)


def test_no_single_role_both_changes_models_and_approves_them() -> None:
    assert not any({"change models", "approve versions"} <= MAY[role] for role in ROLES)
    itself = Actor.itself()
    assert (itself.may("change models"), itself.may("approve versions")) == (True, False)


def test_a_token_makes_no_tokens() -> None:
    assert set(PERMISSIONS) - set(SCOPES) == {"own tokens"}
    with pytest.raises(NotAllowed, match="no token is good for 'own tokens'. Sign in"):
        Actor("ann", ("admin",), frozenset(SCOPES)).must("own tokens")


def test_who_may_not_is_told_who_could() -> None:
    with pytest.raises(NotAllowed, match="ann has viewer and labeller; 'see audit' needs the role auditor or admin. An admin gives roles."):
        Actor("ann", ("viewer", "labeller")).must("see audit")
    with pytest.raises(NotAllowed, match="ann: this token is not for it: its scopes do not hold 'see audit'"):
        Actor("ann", ("auditor",), frozenset({"see models"})).must("see audit")
    with pytest.raises(NotAllowed, match="ann has no role now"):
        Actor("ann").must("see models")
    Actor("ann", ("auditor",)).must("see audit")
