"""Proofs: what people show for an item of a model's checklist that nobody can measure here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"

WORD = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table of proofs."""
    op.create_table(
        "proofs",
        sa.Column("model", WORD, nullable=False),
        sa.Column("number", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("item", WORD, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("link", "said")),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("made_by", WORD, nullable=False),
        sa.Column("withdrawn_at", MOMENT),
        sa.Column("withdrawn_by", WORD),
        sa.PrimaryKeyConstraint("model", "number", name="pk_proofs"),
        sa.ForeignKeyConstraint(["model"], ["models.name"], name="fk_proofs_model"),
    )
