"""TensorBoard event files without TensorBoard: framing, and the few fields of the messages that are wanted."""
