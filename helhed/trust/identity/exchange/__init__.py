"""Old assertions become new tokens (RFC 8693): systems that speak OIO IDWS or Den Gode Webservice cross over one at a time."""
