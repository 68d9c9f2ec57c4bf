"""Cleaning: one file per rule, the engine that applies their policies, and the ledger of what was done to which row."""
