"""Stills and clips of a remote ultrasound examination, as DICOM objects."""
