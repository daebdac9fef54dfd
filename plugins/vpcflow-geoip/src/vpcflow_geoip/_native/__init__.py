"""The C module: addresses, search trees, records. `_core.pyi` says what each function takes."""
