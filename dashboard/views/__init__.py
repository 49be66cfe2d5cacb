"""One page a file: `PAGE` says its question, name and place, `render()` draws it."""
