"""FHIR R4 of a journey, to be read: pure mappings from rows to resources, and the search over them."""
