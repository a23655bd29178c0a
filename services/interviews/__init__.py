"""Interviews: what is said in an uploaded file, without what names the people who said it."""
