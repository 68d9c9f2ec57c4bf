"""Small data sets that need no network: a folder of tables, or a file that makes the rows from an installed package."""
