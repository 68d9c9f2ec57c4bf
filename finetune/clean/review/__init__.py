"""What people are told of their rows and asked about them, and the verdicts that they give."""
