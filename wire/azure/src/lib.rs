//! What Azure's services write, for Skyport's provider and its Azure Functions adapter: an adapter knows no provider, so what
//! both have to read is read here, once.
