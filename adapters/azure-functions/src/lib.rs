//! Azure Functions, by the protocol of custom handlers: a program that the host of Functions starts, and calls over HTTP.
