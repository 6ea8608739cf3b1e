//! A server of one test.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio_postgres::{Client, Config, NoTls};

use crate::free_port;
use crate::lake::{PASSWORD, TempLake};

/// How long a server may take to answer or to stop.
const PATIENCE: Duration = Duration::from_secs(60);

/// `radlake serve` over a lake, on a port of its own; killed when dropped.
pub struct ServerUnderTest {
    child: Child,
    port: u16,
    log: PathBuf,
}

impl ServerUnderTest {
    /// Starts a server and waits until it answers.
    pub fn start(lake: &TempLake) -> Self {
        Self::start_with(lake, &[])
    }

    /// Starts a server with further arguments and waits until it answers.
    pub fn start_with(lake: &TempLake, args: &[&str]) -> Self {
        let port = free_port();
        let log = lake.beside("log").join(format!("{port}.log"));
        let file = File::create(&log).expect("creating the log");
        let child = lake
            .command("serve")
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(args)
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("the log twice"))
            .stderr(file)
            .spawn()
            .expect("starting the server");
        let mut server = Self { child, port, log };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let start = Instant::now();
        while TcpStream::connect(address).is_err() {
            let ended = server.child.try_wait().expect("asking for the server");
            assert!(ended.is_none(), "the server ended: {ended:?}\n{}", server.log());
            assert!(
                start.elapsed() < PATIENCE,
                "the server does not answer\n{}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    /// The port that it listens on, at 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Process id of the server.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the server has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How to connect as the superuser.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        let _ = config
            .host("127.0.0.1")
            .port(self.port)
            .user("radlake")
            .password(PASSWORD)
            .dbname("radlake")
            .connect_timeout(PATIENCE);
        config
    }

    /// A connection as the superuser.
    pub async fn connect(&self) -> Client {
        connect(&self.config())
            .await
            .unwrap_or_else(|e| panic!("{e:?}\n{}", self.log()))
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits for the server to end by itself.
    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("asking for the server") {
                return status;
            }
            assert!(
                start.elapsed() < PATIENCE,
                "the server does not stop\n{}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for ServerUnderTest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Connects and leaves the connection to a task of its own.
pub(crate) async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    drop(tokio::spawn(connection));
    Ok(client)
}

/// Sends a signal by name to a process of ours.
pub(crate) fn signal(pid: u32, name: &str) {
    let _ = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(pid.to_string())
        .status();
}
