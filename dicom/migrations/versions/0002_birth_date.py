"""Studies are found by a patient's birth date."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(
        "study_birth_date", "study", ["institution_id", "patient_birth_date"], unique=False
    )


def downgrade() -> None:
    op.drop_index("study_birth_date", "study")
