"""HTTP: routes, schemas, errors, events. Loads no torch and decodes no media."""
