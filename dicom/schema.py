"""The tables of the index. SQLite today, PostgreSQL without change; `migrations/` makes them.

UIDs and patient ids are unique within an institution, never across: two hospitals may send the same
ones. What QIDO and C-FIND search by are columns, and those that studies are listed by are indexed.
Counts are kept as instances come. Texts are empty where absent, numbers null.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()
Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only what is INTEGER


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _ref(name: str, target: str) -> Column[int]:
    return Column(name, Id, ForeignKey(target), nullable=False)


institution = Table(
    "institution",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)

patient = Table(  # one identity: an id and who gave it
    "patient",
    metadata,
    Column("id", Id, primary_key=True),
    _ref("institution_id", "institution.id"),
    _text("issuer"),
    _text("patient_id"),
    _text("name"),
    _text("name_key"),  # text.name_key: what searches compare
    _text("birth_date"),
    _text("sex"),
    UniqueConstraint("institution_id", "issuer", "patient_id"),
    Index("patient_name", "institution_id", "name_key"),
)

study = Table(
    "study",
    metadata,
    Column("id", Id, primary_key=True),
    _ref("institution_id", "institution.id"),
    _ref("patient_ref", "patient.id"),
    Column("uid", Text, nullable=False),
    _text("date"),
    _text("time"),
    _text("accession"),
    _text("study_id"),
    _text("description"),
    _text("referring"),
    _text("referring_key"),
    _text("patient_id"),  # as this study's objects say; patient_ref is the identity
    _text("issuer"),
    _text("patient_name"),
    _text("patient_name_key"),
    _text("patient_birth_date"),
    _text("patient_sex"),
    _text("modalities"),  # backslash-separated, sorted
    _count("series_count"),
    _count("instance_count"),
    Column("patients_differ", Boolean, nullable=False, server_default="0"),  # somebody must look
    Column("received_ms", BigInteger, nullable=False),  # since 1970
    Column("changed_ms", BigInteger, nullable=False),
    UniqueConstraint("institution_id", "uid"),
    Index("study_date", "institution_id", "date", "id"),
    Index("study_patient_id", "institution_id", "patient_id"),
    Index("study_patient_name", "institution_id", "patient_name_key"),
    Index("study_accession", "institution_id", "accession"),
    Index("study_birth_date", "institution_id", "patient_birth_date"),
    Index("study_patient", "patient_ref"),
)

series = Table(
    "series",
    metadata,
    Column("id", Id, primary_key=True),
    _ref("institution_id", "institution.id"),
    _ref("study_ref", "study.id"),
    Column("uid", Text, nullable=False),
    _text("modality"),
    Column("number", Integer),
    _text("description"),
    _text("body_part"),
    _text("laterality"),
    _text("protocol"),
    _text("station"),
    _text("institution_name"),
    _text("date"),
    _text("time"),
    _text("performed_date"),
    _text("performed_time"),
    _count("instance_count"),
    Column("received_ms", BigInteger, nullable=False),
    UniqueConstraint("institution_id", "uid"),
    Index("series_study", "study_ref", "number"),
    Index("series_modality", "institution_id", "modality"),
)

instance = Table(
    "instance",
    metadata,
    Column("id", Id, primary_key=True),
    _ref("institution_id", "institution.id"),
    _ref("study_ref", "study.id"),
    _ref("series_ref", "series.id"),
    Column("uid", Text, nullable=False),
    Column("sop_class", Text, nullable=False),
    Column("transfer_syntax", Text, nullable=False),
    Column("number", Integer),
    _text("date"),
    _text("time"),
    Column("rows", Integer),
    Column("columns", Integer),
    Column("samples", Integer),
    Column("bits_allocated", Integer),
    _text("photometric"),
    _count("frames"),  # 0: no pixel data
    Column("pixel_at", BigInteger),  # in the file; null: none, or deflated
    Column("pixel_length", BigInteger),  # null: encapsulated, see frame_table
    Column("size", BigInteger, nullable=False),  # of the file
    Column("data_at", Integer, nullable=False),  # where the data set begins in it
    Column("digest", LargeBinary(32), nullable=False),  # SHA-256 of the data set
    Column("object_key", Text, nullable=False, unique=True),
    _text("sender"),  # calling AE title
    _text("fallback"),  # charset for text that says none
    Column("received_ms", BigInteger, nullable=False),
    Column("described", Boolean, nullable=False, server_default="0"),  # description is written
    UniqueConstraint("institution_id", "uid"),
    Index("instance_series", "series_ref", "number"),
    Index("instance_study", "study_ref"),
)
Index(
    "instance_undescribed",
    instance.c.id,
    sqlite_where=instance.c.described.is_(False),
    postgresql_where=instance.c.described.is_(False),
)

frame_table = Table(  # encapsulated pixel data, see frames.py
    "frame_table",
    metadata,
    Column("instance_ref", Id, ForeignKey("instance.id"), primary_key=True),
    Column("pairs", LargeBinary, nullable=False),
)

description = Table(  # DICOM JSON of one instance, see describe.py
    "description",
    metadata,
    Column("instance_ref", Id, ForeignKey("instance.id"), primary_key=True),
    Column("json", LargeBinary, nullable=False),  # zlib
)

transfer = Table(  # a study on its way to another node, see transfers.py
    "transfer",
    metadata,
    Column("id", Id, primary_key=True),
    Column("institution", Text, nullable=False),
    Column("study", Text, nullable=False),  # UID
    Column("node", Text, nullable=False),
    Column("state", Text, nullable=False),
    _count("total"),
    _count("sent"),
    _count("failed"),
    _text("problem"),
    _text("asked_by"),
    Column("asked_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", Id, primary_key=True),
    Column("institution", Text, nullable=False),
    _text("sender"),
    Column("reason", Text, nullable=False),
    _text("detail"),
    _text("sop_instance"),
    Column("size", BigInteger, nullable=False),
    _text("file"),  # in quarantine/; empty when there was no room
    Column("received_ms", BigInteger, nullable=False),
)

share = Table(  # a link that opens one study for somebody outside
    "share",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False, unique=True),  # in the link's address; no secret
    Column("code_hash", LargeBinary(32), nullable=False),  # of what stands behind it
    Column("institution", Text, nullable=False),  # whose study
    Column("study", Text, nullable=False),  # UID
    Column("shown_institution", Text, nullable=False),  # what is shown: the same, or derived
    Column("shown_study", Text, nullable=False),
    _text("sender"),  # what the page calls the hospital
    Column("audience", Text, nullable=False),
    Column("factor", Text, nullable=False),
    Column("factor_salt", LargeBinary(16), nullable=False),
    Column("factor_hash", LargeBinary(32), nullable=False),
    Column("deidentified", Boolean, nullable=False, server_default="0"),
    Column("state", Text, nullable=False),
    _text("made_by"),
    _text("made_by_subject"),
    Column("made_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("revoked_ms", BigInteger),
    _count("wrong_in_row"),
    _count("wrong_ever"),
    Column("locked_until_ms", BigInteger, nullable=False, server_default="0"),
    _count("shown_count"),  # objects, where they are made for the link
    _count("withheld_count"),
    Index("share_study", "institution", "study"),
)

share_event = Table(  # what happened to a link; never changed, see migrations/versions/0003
    "share_event",
    metadata,
    Column("id", Id, primary_key=True),
    _ref("share_ref", "share.id"),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    _text("who"),  # of the hospital; empty for who came by the link
    _text("remote"),  # address
    _text("user_agent"),
    Index("share_event_share", "share_ref", "id"),
)
