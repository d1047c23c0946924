//! A PostgreSQL proxy that counts: it lets the server's answers through only when the client has sent all it is going to.
