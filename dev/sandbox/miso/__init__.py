"""MISO as its clients see it: workflows, chat, files, knowledge; the same under Dify's names."""
