"""Backup and restore: the library as it stood at one stated point, in a form of no engine's own.

Read ``taking`` for what a backup is made of and in which order, ``restoring`` for the way back.
"""
