"""Messages to people, by mail and by SMS. Knows neither Flask nor SQLAlchemy."""
