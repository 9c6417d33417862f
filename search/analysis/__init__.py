"""How words are read, the same for every backend.

``folding`` makes writings equal, ``tokens`` cuts text for the index, ``words`` reads what a reader
typed, ``sounds`` knows pinyin, ``stemming`` English, ``isbn`` book numbers, and ``highlights``
marks what matched in the text as it was written.
"""

#: Raised whenever the same text would be cut differently: an index of another number is rebuilt.
ANALYSIS_VERSION = 2
