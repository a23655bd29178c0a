"""Takes out of a text what names people, before it leaves: pure, judged by a table and by a made corpus."""
