"""One module or folder per step; plain async functions over domain types."""
