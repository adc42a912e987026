"""DICOMweb: PS3.18, as `/dicomweb`. Who may see what is the application's business (scope.py)."""
