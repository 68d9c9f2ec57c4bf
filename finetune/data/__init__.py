"""Reading rows, checking labels and pictures, and dividing rows into splits."""
