"""Instruction following: the clauses of a prompt, and who checks each."""
