"""People: users and their roles, API tokens, sessions, and attempts to sign in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0002"
down_revision = "r0001"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of people."""
    op.create_table(
        "users",
        sa.Column("name", WORD, nullable=False),
        sa.Column("password", sa.Text, nullable=False),
        sa.Column("must_change", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("password_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "roles",
        sa.Column("name", WORD, nullable=False),
        sa.Column("role", WORD, nullable=False),
        sa.PrimaryKeyConstraint("name", "role", name="pk_roles"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_roles_name"),
    )
    op.create_index("ix_roles_role_name", "roles", ["role", "name"])
    op.create_table(
        "tokens",
        sa.Column("id", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("label", "hash", "scopes")),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("made_at", "ends_at")),
        sa.Column("revoked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.ForeignKeyConstraint(["owner"], ["users.name"], name="fk_tokens_owner"),
    )
    op.create_index("ix_tokens_owner_made_at", "tokens", ["owner", "made_at"])
    op.create_table(
        "token_uses",
        sa.Column("id", WORD, nullable=False),
        sa.Column("used_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_token_uses"),
        sa.ForeignKeyConstraint(["id"], ["tokens.id"], name="fk_token_uses_id"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", WORD, nullable=False),
        sa.Column("name", WORD, nullable=False),
        *(sa.Column(name, MOMENT, nullable=False) for name in ("made_at", "seen_at", "ends_at")),
        sa.PrimaryKeyConstraint("hash", name="pk_sessions"),
        sa.ForeignKeyConstraint(["name"], ["users.name"], name="fk_sessions_name"),
    )
    op.create_index("ix_sessions_name", "sessions", ["name"])
    op.create_index("ix_sessions_ends_at", "sessions", ["ends_at"])
    op.create_table(
        "attempts",
        sa.Column("key", WORD, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("since", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_attempts"),
    )
    op.create_index("ix_attempts_since", "attempts", ["since"])
