"""The tables as they are today. How older ones become these is told in `migrations`; a test holds the two against each other.

Facts are changed within a `Change` alone, which writes the audit log. What is merely noted (when somebody was last seen, what was measured today) may
be written without.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Float, ForeignKey, Index, Integer, MetaData, SmallInteger, Table, Text

from camelopard.store.columns import Document, Moment, Word

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

models = Table(
    "models",
    METADATA,
    Column("name", Word, primary_key=True),
    Column("owner", Word, nullable=False),
    Column("exposure", SmallInteger, CheckConstraint("exposure BETWEEN 1 AND 5", name="exposure"), nullable=False),
    Column("consequence", SmallInteger, CheckConstraint("consequence BETWEEN 1 AND 5", name="consequence"), nullable=False),
    Column("stake", SmallInteger, nullable=False),  # exposure × consequence
    Column("state", Word, CheckConstraint("state IN ('draft', 'shadow', 'guarding', 'retired')", name="state"), nullable=False),
    Column("version", Integer),  # the one in force
    Column("made_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    # Measured lately; −1 where it is not known, so that unknown ones have a place in every order.
    Column("traffic", BigInteger, nullable=False, server_default="0"),
    Column("not_passed", Float, nullable=False, server_default="-1"),
    Column("accuracy", Float, nullable=False, server_default="-1"),
    Column("questions", BigInteger, nullable=False, server_default="0"),
    Column("measured_at", Moment),
    Column("words", Text, nullable=False),  # name, owner and purpose in small letters: what a search looks at
    Column("purpose", Text, nullable=False),
    # A list sorted by one of these, in one state or in all, is read off an index from where the last page ended.
    Index(None, "owner", "name"),
    Index(None, "stake", "name"),
    Index(None, "changed_at", "name"),
    Index(None, "state", "name"),
    Index(None, "state", "owner", "name"),
    Index(None, "state", "stake", "name"),
    Index(None, "state", "changed_at", "name"),
    Index(None, "traffic", "name"),
    Index(None, "not_passed", "name"),
    Index(None, "accuracy", "name"),
    Index(None, "questions", "name"),
    Index(None, "state", "traffic", "name"),
    Index(None, "state", "not_passed", "name"),
    Index(None, "state", "accuracy", "name"),
    Index(None, "state", "questions", "name"),
)

versions = Table(
    "versions",
    METADATA,
    Column("model", Word, ForeignKey("models.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("firewall", Word, nullable=False),
    Column("model_file", Word),
    Column("contract", Text, nullable=False),
    Column("evidence", Document, nullable=False),
    Column("note", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("made_by", Word, nullable=False),
    Column("approved_at", Moment),
    Column("approved_by", Word),
    CheckConstraint("approved_by IS NULL OR approved_by <> made_by", name="approved"),
    Index(None, "firewall"),
)

proofs = Table(
    "proofs",
    METADATA,
    Column("model", Word, ForeignKey("models.name"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("item", Word, nullable=False),
    Column("link", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("made_by", Word, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_by", Word),
)

audit = Table(
    "audit",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("actor", Word, nullable=False),
    Column("via", Text, nullable=False),
    Column("action", Word, nullable=False),
    Column("kind", Word, nullable=False),
    Column("subject", Word, nullable=False),
    Column("details", Text, nullable=False),  # the very characters that were hashed
    Column("previous", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index(None, "kind", "subject", "number"),
    Index(None, "actor", "number"),
    Index(None, "action", "number"),
)

# One row: where the log ends. Whoever changes facts holds it until they are done, so that entries follow each other.
audit_head = Table(
    "audit_head",
    METADATA,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="one"), primary_key=True, autoincrement=False),
    Column("number", BigInteger, nullable=False),
    Column("hash", Text, nullable=False),
)

users = Table(
    "users",
    METADATA,
    Column("name", Word, primary_key=True),
    Column("password", Text, nullable=False),  # argon2id, never the password itself
    Column("must_change", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("password_at", Moment, nullable=False),
)

roles = Table(
    "roles",
    METADATA,
    Column("name", Word, ForeignKey("users.name"), primary_key=True),
    Column("role", Word, primary_key=True),
    Index(None, "role", "name"),
)

tokens = Table(
    "tokens",
    METADATA,
    Column("id", Word, primary_key=True),
    Column("owner", Word, ForeignKey("users.name"), nullable=False),
    Column("label", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Index(None, "owner", "made_at"),
)

token_uses = Table(
    "token_uses",
    METADATA,
    Column("id", Word, ForeignKey("tokens.id"), primary_key=True),
    Column("used_at", Moment, nullable=False),
)

sessions = Table(
    "sessions",
    METADATA,
    Column("hash", Word, primary_key=True),
    Column("name", Word, ForeignKey("users.name"), nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index(None, "name"),
    Index(None, "ends_at"),
)

attempts = Table(
    "attempts",
    METADATA,
    Column("key", Word, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Index(None, "since"),
)

# No facts: written without an entry in the audit log.
NOTED = frozenset({token_uses, sessions, attempts})
MEASURED = ("traffic", "not_passed", "accuracy", "questions", "measured_at")  # columns of models
