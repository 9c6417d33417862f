"""Chinese-first search for catalogues: a library of its own, which knows no application.

``documents`` is what goes in, ``index`` the port and what comes out, ``analysis`` how words are
read, ``backends`` the engines, ``alias`` the index that stands for the live generation, and
``rebuild`` how a new one takes over.
"""
