"""The vocabulary: batches, schemas, records, protocols and errors. No input or output, no clock, no globals."""
