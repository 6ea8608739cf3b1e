//! Accepts connections until the server is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pgwire::tokio::server::MaybeTls;
use radlake::Lakehouse;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

use super::cancel::Registry;
use super::codec::Codec;
use super::connection::Connection;
use super::opening::{Opening, Startup, open};
use super::rows::flush;
use super::sqlstate::{Fault, Report};
use super::startup::{Mock, start};
use super::tls::Tls;
use super::{CHUNK, Shared, Wire};

/// Strangers that may be in the middle of their login at a time.
const OPENING: usize = 256;

/// How the server runs.
pub(crate) struct ServeOptions {
    /// Where it listens.
    pub(crate) listener: TcpListener,
    /// Its certificate.
    pub(crate) tls: Option<Tls>,
    /// Lets clients of other machines in without TLS.
    pub(crate) insecure: bool,
    /// Sessions at a time.
    pub(crate) max_connections: usize,
    /// Time for a login.
    pub(crate) login_timeout: Duration,
    /// Time that running statements get after the stop.
    pub(crate) grace: Duration,
}

/// Serves `lakehouse` until `stop` is cancelled; `kill` cuts the grace period short.
pub(crate) async fn serve(
    lakehouse: Lakehouse,
    options: ServeOptions,
    stop: CancellationToken,
    kill: CancellationToken,
) -> Result<(), radlake::Error> {
    let ServeOptions {
        listener,
        tls,
        insecure,
        max_connections,
        login_timeout,
        grace,
    } = options;
    let mock = Mock::new(&lakehouse).await?;
    let registry = Arc::new(Registry::default());
    let shared = Arc::new(Shared {
        lakehouse,
        tls,
        registry: registry.clone(),
        mock,
        insecure,
        draining: stop.clone(),
    });
    let gate = Arc::new(Gate {
        shared,
        sessions: Arc::new(Semaphore::new(max_connections)),
        opening: Arc::new(Semaphore::new(OPENING)),
        login_timeout,
    });
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next(), if !connections.is_empty() => log_panic(ended),
            accepted = listener.accept() => match accepted {
                Ok((socket, peer)) => {
                    connections.spawn(gate.clone().connection(socket, peer));
                }
                Err(error) => {
                    // Out of file descriptors: the sessions that end will free some.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    drain(connections, &registry, grace, &kill).await;
    Ok(())
}

/// Idle sessions end by themselves; running statements have `grace`, are cancelled, and then cut off.
async fn drain(mut connections: JoinSet<()>, registry: &Registry, grace: Duration, kill: &CancellationToken) {
    let mut all = async |limit: Duration| {
        let ended = async {
            while let Some(ended) = connections.join_next().await {
                log_panic(ended);
            }
        };
        tokio::select! {
            () = ended => true,
            () = tokio::time::sleep(limit) => false,
            () = kill.cancelled() => false,
        }
    };
    if all(grace).await {
        return;
    }
    tracing::warn!("statements still run after the grace period: they are cancelled");
    registry.cancel_all();
    if !kill.is_cancelled() && all(Duration::from_secs(5)).await {
        return;
    }
    connections.shutdown().await;
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection's task panicked: the connection is closed, the server goes on");
    }
}

struct Gate {
    shared: Arc<Shared>,
    sessions: Arc<Semaphore>,
    opening: Arc<Semaphore>,
    login_timeout: Duration,
}

impl Gate {
    async fn connection(self: Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        // Beyond this many strangers the newest is dropped without an answer.
        let Ok(opening) = self.opening.clone().try_acquire_owned() else {
            return;
        };
        let login = tokio::select! {
            biased;
            () = self.shared.draining.cancelled() => return,
            login = tokio::time::timeout(self.login_timeout, self.login(socket, peer)) => login,
        };
        drop(opening);
        match login {
            Ok(Ok(Some((mut connection, entry, permit)))) => {
                tracing::debug!(%peer, pid = entry.pid, "session begins");
                connection.run().await;
                tracing::debug!(%peer, pid = entry.pid, "session ends");
                drop(permit);
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(%peer, %error, "connection lost before the login"),
            Err(_) => tracing::debug!(%peer, "no login in time"),
        }
    }

    /// A session, or `None` if the connection has been dealt with.
    async fn login(
        &self,
        socket: TcpStream,
        peer: SocketAddr,
    ) -> io::Result<
        Option<(
            Connection,
            super::cancel::Entry,
            tokio::sync::OwnedSemaphorePermit,
        )>,
    > {
        socket.set_nodelay(true)?;
        SockRef::from(&socket).set_tcp_keepalive(&keepalive())?;
        let startup = match open(socket, self.shared.tls.as_ref()).await? {
            Opening::Session(startup) => startup,
            Opening::Cancel { pid, secret } => {
                self.shared.registry.cancel(pid, &secret);
                return Ok(None);
            }
            Opening::Nothing => return Ok(None),
            Opening::Refused(stream, report) => {
                refuse(&mut framed(stream), &report).await;
                return Ok(None);
            }
        };
        let Startup {
            stream,
            secure,
            minor,
            parameters,
        } = startup;
        let mut wire = framed(stream);
        if self.shared.tls.is_some() && !secure && !self.shared.insecure && !peer.ip().is_loopback() {
            let report = Report::fatal(
                "28000",
                "this server takes connections from other machines by TLS only",
            )
            .hint("Connect with sslmode=require or stricter.");
            refuse(&mut wire, &report).await;
            return Ok(None);
        }
        let Ok(permit) = self.sessions.clone().try_acquire_owned() else {
            refuse(
                &mut wire,
                &Report::fatal("53300", "sorry, too many clients already"),
            )
            .await;
            return Ok(None);
        };
        match start(&mut wire, parameters, minor, secure, peer, &self.shared).await {
            Ok((session, interrupt, entry)) => Ok(Some((
                Connection::new(wire, session, interrupt, self.shared.clone()),
                entry,
                permit,
            ))),
            Err(Fault::Report(report)) => {
                tracing::info!(%peer, code = report.code, "login refused");
                refuse(&mut wire, &report).await;
                Ok(None)
            }
            Err(Fault::Gone) => Ok(None),
        }
    }
}

/// A client whose machine is gone gives its place back after two minutes.
fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4)
}

fn framed(stream: MaybeTls) -> Wire {
    let mut wire = Framed::with_capacity(stream, Codec::default(), 8 * 1024);
    wire.set_backpressure_boundary(CHUNK);
    wire
}

async fn refuse(wire: &mut Wire, report: &Report) {
    report.put(wire.write_buffer_mut());
    // Whether it arrives is the client's affair.
    let _ = flush(wire).await;
}
