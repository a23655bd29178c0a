"""The interviews: uploads, what members read and change, a project's live events."""
