"""The inventory of models, and the audit log, which nobody changes or shortens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0001"
down_revision = None

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables of the inventory and of the audit log."""
    op.create_table(
        "models",
        sa.Column("name", WORD, nullable=False),
        sa.Column("owner", WORD, nullable=False),
        sa.Column("exposure", sa.SmallInteger, nullable=False),
        sa.Column("consequence", sa.SmallInteger, nullable=False),
        sa.Column("stake", sa.SmallInteger, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("version", sa.Integer),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("traffic", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("not_passed", sa.Float, nullable=False, server_default="-1"),
        sa.Column("accuracy", sa.Float, nullable=False, server_default="-1"),
        sa.Column("questions", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("measured_at", MOMENT),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_models"),
        sa.CheckConstraint("exposure BETWEEN 1 AND 5", name="ck_models_exposure"),
        sa.CheckConstraint("consequence BETWEEN 1 AND 5", name="ck_models_consequence"),
        sa.CheckConstraint("state IN ('draft', 'shadow', 'guarding', 'retired')", name="ck_models_state"),
    )
    op.create_index("ix_models_state_name", "models", ["state", "name"])
    for column in ("owner", "stake", "changed_at", "traffic", "not_passed", "accuracy", "questions"):
        op.create_index(f"ix_models_{column}_name", "models", [column, "name"])
        op.create_index(f"ix_models_state_{column}_name", "models", ["state", column, "name"])
    op.create_table(
        "versions",
        sa.Column("model", WORD, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("firewall", WORD, nullable=False),
        sa.Column("model_file", WORD),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("evidence", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", WORD, nullable=False),
        sa.Column("approved_at", MOMENT),
        sa.Column("approved_by", WORD),
        sa.PrimaryKeyConstraint("model", "number", name="pk_versions"),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_versions_model"),
        sa.CheckConstraint("approved_by IS NULL OR approved_by <> made_by", name="ck_versions_approved"),
    )
    op.create_index("ix_versions_firewall", "versions", ["firewall"])
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        *(sa.Column(name, WORD, nullable=False) for name in ("actor", "action", "kind", "subject")),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("via", "details", "previous", "hash")),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    for columns in (("kind", "subject"), ("actor",), ("action",)):
        op.create_index("_".join(("ix_audit", *columns, "number")), "audit", [*columns, "number"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger, nullable=False, autoincrement=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
        sa.CheckConstraint("id = 1", name="ck_audit_head_one"),
    )
    op.bulk_insert(head, [{"id": 1, "number": 0, "hash": "0" * 64}])
    for statement in GUARDS[op.get_bind().dialect.name]:
        op.execute(statement)


# An honest mistake stops here. Who may drop a trigger can still rewrite the log: the chain of hashes shows that.
GUARDS = {
    "sqlite": tuple(
        f"CREATE TRIGGER audit_keeps_{event.lower()} BEFORE {event} ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END"
        for event in ("UPDATE", "DELETE")
    ),
    "postgresql": (
        "CREATE FUNCTION audit_keeps() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$",
        "CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keeps()",
    ),
}
