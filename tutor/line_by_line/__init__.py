"""What each line of a step's code makes, for the terminal and for web pages."""
