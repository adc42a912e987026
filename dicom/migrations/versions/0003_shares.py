"""Links for patients and outside doctors, and what happened to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# What happened is not to be changed afterwards, by nobody who only has the data base's language.
NEVER_CHANGED = {
    "sqlite": [
        f"CREATE TRIGGER share_event_no_{verb.lower()} BEFORE {verb} ON share_event"
        " BEGIN SELECT RAISE(ABORT, 'share_event is append-only'); END"
        for verb in ("UPDATE", "DELETE")
    ],
    "postgresql": [
        "CREATE FUNCTION share_event_no_change() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'share_event is append-only'; END $$",
        "CREATE TRIGGER share_event_no_change BEFORE UPDATE OR DELETE ON share_event"
        " FOR EACH ROW EXECUTE FUNCTION share_event_no_change()",
    ],
}


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "share",
        sa.Column("id", number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("institution", sa.Text(), nullable=False),
        sa.Column("study", sa.Text(), nullable=False),
        sa.Column("shown_institution", sa.Text(), nullable=False),
        sa.Column("shown_study", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), server_default="", nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("factor", sa.Text(), nullable=False),
        sa.Column("factor_salt", sa.LargeBinary(length=16), nullable=False),
        sa.Column("factor_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("deidentified", sa.Boolean(), server_default="0", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by_subject", sa.Text(), server_default="", nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("wrong_in_row", sa.Integer(), server_default="0", nullable=False),
        sa.Column("wrong_ever", sa.Integer(), server_default="0", nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_index("share_study", "share", ["institution", "study"], unique=False)
    op.create_table(
        "share_event",
        sa.Column("id", number, nullable=False),
        sa.Column("share_ref", number, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), server_default="", nullable=False),
        sa.Column("remote", sa.Text(), server_default="", nullable=False),
        sa.Column("user_agent", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(["share_ref"], ["share.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("share_event_share", "share_event", ["share_ref", "id"], unique=False)
    for statement in NEVER_CHANGED.get(op.get_bind().dialect.name, []):
        op.execute(statement)
