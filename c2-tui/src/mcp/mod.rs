//! `c2-tui mcp`: the Model Context Protocol over standard input and output, for assistants that use tools.
//!
//! `tools` says what there is, `calls` does it by the client that all commands use, `server` carries both
//! over the protocol. Only what reads is offered, whatever the token may do, unless the operator allows more.

mod calls;
mod server;
mod tools;

pub(crate) use server::serve;
