//! Accepts connections until the server is told to stop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use pgwire::tokio::server::MaybeTls;
use radlake::Lakehouse;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::codec::Framed;
use tokio_util::sync::CancellationToken;

use super::cancel::Registry;
use super::codec::Codec;
use super::connection::Connection;
use super::doors::{Doors, Limits, Login, Slot, crowded};
use super::opening::{Opening, Startup, open};
use super::rows::flush;
use super::sqlstate::{Fault, Report};
use super::startup::{Mock, start};
use super::tls::Tls;
use super::{CHUNK, Shared, Wire};

/// Clients without a place that are heard out at a time, so that they can read why.
const LEAVING: usize = 64;
/// How long each of them, or one that was refused, has for that.
const FAREWELL: Duration = Duration::from_secs(1);

/// How the server runs.
pub(crate) struct ServeOptions {
    /// Where it listens.
    pub(crate) listener: TcpListener,
    /// Its certificate.
    pub(crate) tls: Option<Tls>,
    /// Lets clients of other machines in without TLS.
    pub(crate) insecure: bool,
    /// Sessions and logins at a time.
    pub(crate) limits: Limits,
    /// Time for a login; and for a client to take some more of what is left for it when its statement was ended.
    pub(crate) login_timeout: Duration,
    /// Time for what comes before the login: TLS and the startup packet.
    pub(crate) startup_timeout: Duration,
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
        limits,
        login_timeout,
        startup_timeout,
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
        doors: Doors::new(limits),
        patience: login_timeout,
    });
    let gate = Arc::new(Gate {
        shared,
        leaving: Semaphore::new(LEAVING),
        login_timeout,
        startup_timeout: startup_timeout.min(login_timeout),
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
    leaving: Semaphore,
    login_timeout: Duration,
    startup_timeout: Duration,
}

/// A session, with what ends with it.
type Begun = (Connection, super::cancel::Entry, Slot);

impl Gate {
    async fn connection(self: Arc<Self>, socket: TcpStream, peer: SocketAddr) {
        let Some(place) = self.shared.doors.enter(peer.ip()) else {
            return self.turn_away(socket, peer).await;
        };
        let login = tokio::select! {
            biased;
            () = self.shared.draining.cancelled() => return,
            login = self.login(socket, peer, &place) => login,
        };
        drop(place);
        match login {
            Ok(Some((mut connection, entry, slot))) => {
                tracing::debug!(%peer, pid = entry.pid, "session begins");
                connection.run().await;
                tracing::debug!(%peer, pid = entry.pid, "session ends");
                drop(connection);
                drop(slot);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%peer, %error, "connection lost before the login"),
        }
    }

    /// There is no place to log in: the client is told so before it has said anything, as PostgreSQL does.
    async fn turn_away(&self, mut socket: TcpStream, peer: SocketAddr) {
        tracing::debug!(%peer, "too many logins at a time");
        let mut answer = BytesMut::new();
        crowded().put(&mut answer);
        let leave = async {
            // It fits into the buffer of a socket that is new.
            socket.write_all(&answer).await?;
            // What the client has sent, and nobody read, would reset the connection before it has read the answer.
            let Ok(_heard) = self.leaving.try_acquire() else {
                return Ok(());
            };
            socket.shutdown().await?;
            let mut ignored = [0u8; 1024];
            while socket.read(&mut ignored).await? > 0 {}
            io::Result::Ok(())
        };
        let _ = timeout(FAREWELL, leave).await;
    }

    /// A session, or `None` if the connection has been dealt with.
    async fn login(&self, socket: TcpStream, peer: SocketAddr, place: &Login) -> io::Result<Option<Begun>> {
        let deadline = Instant::now() + self.login_timeout;
        socket.set_nodelay(true)?;
        SockRef::from(&socket).set_tcp_keepalive(&keepalive())?;
        let opening = tokio::select! {
            biased;
            // As in PostgreSQL, who has not said anything yet is not answered.
            () = place.leave.cancelled() => return Ok(None),
            () = tokio::time::sleep(self.startup_timeout) => {
                tracing::debug!(%peer, "no startup packet in time");
                return Ok(None);
            }
            opening = open(socket, self.shared.tls.as_ref()) => opening?,
        };
        let startup = match opening {
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
        let started = tokio::select! {
            biased;
            () = place.leave.cancelled() => Err(crowded().into()),
            () = tokio::time::sleep_until(deadline) => {
                Err(Report::fatal("57014", "canceling authentication due to timeout").into())
            }
            started = start(&mut wire, parameters, minor, secure, peer, &self.shared) => started,
        };
        match started {
            Ok((session, interrupt, entry, slot)) => Ok(Some((
                Connection::new(wire, session, interrupt, self.shared.clone()),
                entry,
                slot,
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
    let _ = timeout(FAREWELL, flush(wire)).await;
}
