"""What the index says of objects that were made for a link, and how it forgets them.

They are the only ones that are ever removed: nobody sent them.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from dicom import schema


def keys(connection: Connection, institution: str) -> list[str]:
    """Their files."""
    table = schema.instance.c
    query = select(table.object_key).join(schema.institution)
    return list(connection.scalars(query.where(schema.institution.c.name == institution)))


def forget(connection: Connection, institution: str) -> None:
    """All rows but the institution's own name, which is never given again."""
    table = schema.institution.c
    owner = select(table.id).where(table.name == institution).scalar_subquery()
    instance = schema.instance.c
    own = select(instance.id).where(instance.institution_id == owner)
    for beside in (schema.description, schema.frame_table):
        connection.execute(delete(beside).where(beside.c.instance_ref.in_(own)))
    for level in (schema.instance, schema.series, schema.study, schema.patient):
        connection.execute(delete(level).where(level.c.institution_id == owner))
