"""DICOM's own protocol: associations (PS3.8) and the messages over them (PS3.7)."""
