"""The independent checker: it reads raw rows, shares no decision code with the compliance core, and says of every contact that left whether it was lawful."""
