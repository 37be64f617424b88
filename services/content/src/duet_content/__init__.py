"""content: profiles, posts and WebSockets, behind tokens that it verifies offline."""
