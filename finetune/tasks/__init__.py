"""One file per task; a recipe imports the one it needs."""
