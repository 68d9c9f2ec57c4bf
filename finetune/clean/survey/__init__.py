"""What the rows look like as a whole: copies that lie together, sizes, pixels, and whether the splits are alike."""
