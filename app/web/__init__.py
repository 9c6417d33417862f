"""The edge: typed endpoints, problem documents, cursors, conditional and ranged answers."""
