//! The GraphQL API: documents, responses, transports and clients.

mod answers;
mod canaries;
mod clients;
mod differential;
mod documents;
mod documents_table;
mod hostile;
mod persisted;
mod sockets;
mod transport;
