"""Cloud film: DICOM objects received, kept, indexed and found again."""
