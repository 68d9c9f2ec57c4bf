"""One file per verb of the command line; heavy imports wait inside the verb until it is called."""
