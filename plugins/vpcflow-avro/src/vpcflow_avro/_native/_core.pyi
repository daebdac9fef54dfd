def encode(
    schema: object, array: object, first: int, out: bytearray, at: int
) -> tuple[int, int, int]:
    """Encode rows from `first` on into `out`, from its byte `at` on, until it is full.

    schema, array: the capsules of a record batch's `__arrow_c_array__`; they stay as they are.
    Gives how many rows were encoded, where they end in `out`, and how many bytes of room the row
    after them takes if it did not fit (0: there is none). The GIL is released meanwhile.

    Raises ValueError(column, row, reason) for a value that Avro cannot hold or that is damaged,
    TypeError for what is not a record batch of types that are known.
    """
