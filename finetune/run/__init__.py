"""Where the parts are put together: five stages over one run folder, each reading files and leaving files."""
