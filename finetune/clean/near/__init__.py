"""How near copies are found: sketches of texts and pictures, the pairs that may be alike, and the proof of each."""
