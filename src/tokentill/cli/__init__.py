"""How it is called: one module a command group, thin."""
