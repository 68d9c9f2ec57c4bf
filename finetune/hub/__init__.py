"""The road to the Hub: what leaves a run, a look for secrets in it, and one commit."""
