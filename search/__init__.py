"""Chinese-first search for catalogues: a library of its own, which knows no application.

``documents`` is what goes in, ``index`` the port and what comes out, ``analysis`` how words are read,
``backends`` the engines, ``rebuild`` how a new generation takes over from the live one.
"""
