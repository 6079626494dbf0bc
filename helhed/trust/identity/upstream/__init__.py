"""Log-ins that others vouch for: OpenID Connect to a broker for citizens and to employers' providers for staff."""
