"""Alembic's steps from an empty data base to `dicom.schema`."""
