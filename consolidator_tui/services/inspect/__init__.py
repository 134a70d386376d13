"""Reading what a database declares and how its files are related."""
