//! What Radlake's tests share.
//!
//! Tests reach Radlake as its users do: through the binary [`radlake()`], the PostgreSQL protocol ([`ServerUnderTest`]) and the
//! embedding API ([`TempLake::open`]). [`PostgresUnderTest`] answers the same statements where PostgreSQL defines the answer.
//!
//! Helpers panic with a message when something that they need is missing: that is how a test fails.

mod binary;
pub mod differ;
mod lake;
mod postgres;
mod record;
mod server;
mod slt;

pub use binary::{radlake, run};
pub use lake::{PASSWORD, TempLake};
pub use postgres::PostgresUnderTest;
pub use record::record_file;
pub use server::ServerUnderTest;
pub use slt::{Dialect, run_file, slt_files};

use std::net::TcpListener;

/// A port of the loopback address that nobody listened on a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .expect("binding a port")
        .local_addr()
        .expect("its address")
        .port()
}
