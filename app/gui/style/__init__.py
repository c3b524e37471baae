"""How the window looks: its style sheet and its icons."""
