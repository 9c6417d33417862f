"""What is inside a file: metadata, order, contents, text, covers, and where its bytes lie.

Start at :class:`app.publications.sandbox.Examiner`. Knows no web framework, no database, and no
other part of the application.
"""
