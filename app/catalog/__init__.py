"""Records and everything said of them: description, subjects, imports, texts, the dirty set."""
