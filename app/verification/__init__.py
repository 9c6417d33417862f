"""Whether a name belongs to an identity number: a service is asked. Knows neither Flask nor
SQLAlchemy."""
