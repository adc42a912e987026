"""A session at the pictures, kept as DICOM: presentation states and key objects.

Pure functions from what a viewer shows to data sets (PS3.3 A.33, A.35.4). highdicom, which writes
such objects too, knows neither a part of a picture nor a turned one, so pydicom itself does it.
"""
