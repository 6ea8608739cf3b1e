//! `radlake serve`: PostgreSQL's protocol.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use radlake::{Lakehouse, UpkeepOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Resources;
use super::upkeep::duration;
use crate::failure::Failure;
use crate::wire::{self, Limits, ServeOptions};

/// Arguments of `radlake serve`.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Directory or URL of the lake
    lake: String,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    resources: Resources,
    #[command(flatten)]
    upkeep: Upkeep,
}

/// What the server does for the lake between other work.
#[derive(Args, Debug, Clone)]
struct Upkeep {
    /// Time between looks for small files to merge; 0s: no upkeep
    #[arg(long, default_value = "60s", value_parser = duration)]
    upkeep_interval: Duration,
    /// Percent of the time that merging may take
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=100))]
    upkeep_percent: u8,
    /// Megabytes that are read for one merge
    #[arg(long, default_value_t = 256)]
    upkeep_megabytes: u64,
    /// Small files that a table has before they are merged
    #[arg(long, default_value_t = 16)]
    upkeep_files: u64,
    /// Time between vacuums; 0s: none
    #[arg(long, default_value = "1d", value_parser = duration)]
    vacuum_interval: Duration,
    /// How long epochs stay readable: longer than any statement or transaction of any process
    #[arg(long, default_value = "7d", value_parser = duration)]
    retain: Duration,
}

impl Upkeep {
    /// Begins upkeep; the token ends it.
    fn begin(&self, lakehouse: &Lakehouse) -> Result<CancellationToken, Failure> {
        let stop = CancellationToken::new();
        if self.upkeep_interval.is_zero() {
            return Ok(stop);
        }
        if self.retain < Duration::from_secs(3_600) {
            return Err(Failure::Usage(
                "--retain of less than an hour may take files from other processes".to_owned(),
            ));
        }
        let options = UpkeepOptions {
            interval: self.upkeep_interval,
            share: f64::from(self.upkeep_percent) / 100.0,
            bytes: self.upkeep_megabytes.saturating_mul(1 << 20),
            files: self.upkeep_files,
            vacuum: self.vacuum_interval,
            retention: self.retain,
        };
        let (lakehouse, token) = (lakehouse.clone(), stop.clone());
        tokio::spawn(async move { lakehouse.keep_up(options, token).await });
        Ok(stop)
    }
}

/// PostgreSQL's number of sessions that only superusers get.
const RESERVED: usize = 3;

/// Where and to whom the server listens.
#[derive(Args, Debug, Clone)]
pub(crate) struct Network {
    /// Address and port
    #[arg(long, default_value = "127.0.0.1:5433")]
    pub(crate) listen: String,
    /// Certificate chain, PEM
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Private key, PEM
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Let other machines connect without TLS: passwords stay secret, everything else can be read on the way
    #[arg(long)]
    insecure: bool,
    /// Sessions at a time
    #[arg(long, default_value_t = 100, value_parser = at_least_one)]
    max_connections: usize,
    /// Sessions that only superusers get, less than all of them; 3 where there are more than that
    #[arg(long)]
    superuser_reserved_connections: Option<usize>,
    /// Clients that may be in the middle of their login at a time; a quarter of them from one address
    #[arg(long, default_value_t = 512, value_parser = at_least_one)]
    max_logins: usize,
    /// Seconds in which a client has to say what it wants, before it logs in
    #[arg(long, default_value_t = 10)]
    startup_timeout: u64,
    /// Seconds in which a client has to log in, and those without reading after which one is cut off whose statement
    /// was cancelled
    #[arg(long, default_value_t = 60)]
    login_timeout: u64,
    /// Seconds that running statements get when the server is stopped
    #[arg(long, default_value_t = 30)]
    grace: u64,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        // The network first: a certificate that does not load stops the server before the lake is touched.
        let listening = self.network.listen().await?;
        let lakehouse = self.resources.open(&self.lake).await?;
        let address = listening.address()?;
        eprintln!(
            "Serving {} on {address} as database {}.",
            self.lake,
            lakehouse.database()
        );
        super::upgrade::tell(&lakehouse, &self.lake).await?;
        let upkeep = self.upkeep.begin(&lakehouse)?;
        let served = listening.serve(lakehouse).await;
        upkeep.cancel();
        served
    }
}

/// A socket that is bound, under TLS if there is a certificate.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<wire::Tls>,
    limits: Limits,
    network: Network,
}

/// How many connections.
fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("at least one is needed".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

impl Network {
    /// How many clients may come in.
    fn limits(&self) -> Result<Limits, Failure> {
        let sessions = self.max_connections;
        let reserved = self
            .superuser_reserved_connections
            .unwrap_or_else(|| RESERVED.min(sessions - 1));
        if reserved >= sessions {
            return Err(Failure::Usage(format!(
                "--superuser-reserved-connections ({reserved}) must be less than --max-connections ({sessions})"
            )));
        }
        Ok(Limits {
            sessions,
            reserved,
            logins: self.max_logins,
            logins_of_address: self.max_logins.div_ceil(4),
        })
    }

    /// Binds the address; refuses to listen to other machines in the clear.
    pub(crate) async fn listen(self) -> Result<Listening, Failure> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(wire::load_tls(certificate, key).map_err(|error| Failure::Usage(error.to_string()))?)
            }
            _ => None,
        };
        let limits = self.limits()?;
        let failed = |error| Failure::Io {
            what: format!("cannot listen on {}", self.listen),
            error,
        };
        let addresses: Vec<_> = tokio::net::lookup_host(&self.listen)
            .await
            .map_err(failed)?
            .collect();
        if tls.is_none() && !self.insecure && addresses.iter().any(|address| !address.ip().is_loopback()) {
            return Err(Failure::Usage(format!(
                "{} can be reached from other machines: give --tls-cert and --tls-key, or --insecure to go without",
                self.listen
            )));
        }
        let listener = TcpListener::bind(&addresses[..]).await.map_err(failed)?;
        Ok(Listening {
            listener,
            tls,
            limits,
            network: self,
        })
    }
}

impl Listening {
    /// The address, with the port that the system chose if none was given.
    pub(crate) fn address(&self) -> Result<std::net::SocketAddr, Failure> {
        self.listener.local_addr().map_err(|error| Failure::Io {
            what: format!("cannot listen on {}", self.network.listen),
            error,
        })
    }

    /// Serves until SIGTERM or Ctrl-C; a second one does not wait for running statements.
    pub(crate) async fn serve(self, lakehouse: Lakehouse) -> Result<ExitCode, Failure> {
        let (stop, kill) = (CancellationToken::new(), CancellationToken::new());
        let failed = |error| Failure::Io {
            what: "cannot listen for signals".to_owned(),
            error,
        };
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
        let (first, second) = (stop.clone(), kill.clone());
        tokio::spawn(async move {
            for token in [first, second] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                tracing::info!("stopping");
                token.cancel();
            }
        });
        let options = ServeOptions {
            listener: self.listener,
            tls: self.tls,
            insecure: self.network.insecure,
            limits: self.limits,
            login_timeout: Duration::from_secs(self.network.login_timeout),
            startup_timeout: Duration::from_secs(self.network.startup_timeout),
            grace: Duration::from_secs(self.network.grace),
        };
        wire::serve(lakehouse, options, stop, kill)
            .await
            .map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(ExitCode::SUCCESS)
    }
}
