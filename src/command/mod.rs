//! One verb per file: reads the inputs, calls the rooms in order, prints.
