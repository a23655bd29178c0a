"""Maps of the floors: what may be uploaded, and where their layers are kept."""
