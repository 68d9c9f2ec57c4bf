"""What a finished run tells people: figures, one HTML page and the model card, made from the run folder alone."""
