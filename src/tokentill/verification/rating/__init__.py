"""What records come to: the list price, what a rule makes of it, and what depends on the records before."""
