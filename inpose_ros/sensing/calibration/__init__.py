"""How sensors are strapped on, from a pose that the user holds."""
