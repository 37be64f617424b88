"""content: the product's own data and WebSockets, behind tokens that it verifies offline."""
