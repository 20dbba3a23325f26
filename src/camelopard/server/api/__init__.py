"""The API that programs call: what the pages show and change, as plain JSON. One shape of error, lists with `next`, unknown words are 400."""
