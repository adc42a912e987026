"""How many objects a link without a name shows, and how many it withholds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    for name in ("shown_count", "withheld_count"):
        op.add_column("share", sa.Column(name, sa.Integer(), server_default="0", nullable=False))
