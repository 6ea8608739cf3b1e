//! `radlake serve` as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;

/// How long a server may take to stop.
const PATIENCE: Duration = Duration::from_secs(40);

/// A server on a port that the system chose; killed if it is dropped before [`Server::stop`].
pub(super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Starts a server and waits until it says where it listens.
    pub(super) fn start(binary: &str, lake: &str) -> Result<Self> {
        let child = Command::new(binary)
            .args(["serve", lake, "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{binary}: {error}"))?;
        let mut server = Self { child, port: 0 };
        let stderr = server
            .child
            .stderr
            .take()
            .ok_or("the server has no standard error")?;
        let mut lines = BufReader::new(stderr).lines();
        let mut said = Vec::new();
        for line in lines.by_ref() {
            let line = line?;
            if let Some(port) = port(&line) {
                server.port = port;
                break;
            }
            said.push(line);
        }
        if server.port == 0 {
            return Err(format!("the server ended: {}", said.join("; ")).into());
        }
        // Whatever it says later is passed on; a full pipe would stop it.
        std::thread::spawn(move || {
            lines
                .map_while(std::io::Result::ok)
                .for_each(|line| eprintln!("{line}"))
        });
        Ok(server)
    }

    /// The port, at 127.0.0.1.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Stops it as a service manager would, by SIGTERM, and waits for its end.
    pub(super) fn stop(mut self) -> Result<()> {
        // The standard library sends SIGKILL only.
        let sent = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        if !sent.success() {
            return Err("SIGTERM could not be sent to the server".into());
        }
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() {
                    Ok(())
                } else {
                    Err(format!("the server stopped with {status}").into())
                };
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("the server does not stop on SIGTERM".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Errors: it has ended already, and there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The port in `Serving LAKE on 127.0.0.1:PORT as database NAME.`
fn port(line: &str) -> Option<u16> {
    let (_, address) = line.strip_prefix("Serving ")?.rsplit_once(" on 127.0.0.1:")?;
    address.split_once(' ')?.0.parse().ok()
}
