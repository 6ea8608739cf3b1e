//! `radlake serve`: PostgreSQL's protocol.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use radlake::Lakehouse;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::Resources;
use crate::failure::Failure;
use crate::wire::{self, ServeOptions};

/// Arguments of `radlake serve`.
#[derive(Args, Debug)]
pub(crate) struct Serve {
    /// Directory or URL of the lake
    lake: String,
    #[command(flatten)]
    pub(crate) network: Network,
    #[command(flatten)]
    resources: Resources,
}

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
    #[arg(long, default_value_t = 100)]
    max_connections: usize,
    /// Seconds in which a client has to log in
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
        listening.serve(lakehouse, self.resources.threads()).await
    }
}

/// A socket that is bound, under TLS if there is a certificate.
pub(crate) struct Listening {
    listener: TcpListener,
    tls: Option<wire::Tls>,
    network: Network,
}

impl Network {
    /// Binds the address; refuses to listen to other machines in the clear.
    pub(crate) async fn listen(self) -> Result<Listening, Failure> {
        let tls = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => {
                Some(wire::load_tls(certificate, key).map_err(|error| Failure::Usage(error.to_string()))?)
            }
            _ => None,
        };
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
    pub(crate) async fn serve(self, lakehouse: Lakehouse, threads: usize) -> Result<ExitCode, Failure> {
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
            threads,
            max_connections: self.network.max_connections,
            login_timeout: Duration::from_secs(self.network.login_timeout),
            grace: Duration::from_secs(self.network.grace),
        };
        wire::serve(lakehouse, options, stop, kill)
            .await
            .map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(ExitCode::SUCCESS)
    }
}
