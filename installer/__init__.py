"""Set-up and test commands. Standard library only: this is what runs before anything is installed."""
