//! PostgreSQL itself, beside Radlake, for what it defines.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio_postgres::Config;

use crate::binary::run;
use crate::free_port;
use crate::lake::PASSWORD;
use crate::server::{connect, signal};

/// A PostgreSQL server with a superuser `radlake` and a database `lake`, in a temporary folder.
pub struct PostgresUnderTest {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl PostgresUnderTest {
    /// Starts PostgreSQL and waits until it lets its superuser in, or says why there is none.
    pub async fn start() -> Result<Self, String> {
        let bin = bin().ok_or("PostgreSQL's initdb is not installed (package postgresql)")?;
        let folder = TempDir::new().expect("temporary folder");
        let (data, secret) = (folder.path().join("data"), folder.path().join("password"));
        std::fs::create_dir(&data).expect("creating the data folder");
        std::fs::write(&secret, PASSWORD).expect("writing the password");
        // PostgreSQL refuses to run as root.
        let user = unprivileged();
        if let Some((uid, gid)) = user {
            for path in [folder.path(), &data, &secret] {
                chown(path, Some(uid), Some(gid)).expect("giving the folder away");
            }
        }
        let command = |name: &str| {
            let mut command = Command::new(bin.join(name));
            let _ = command
                .arg("-D")
                .arg(&data)
                .current_dir(folder.path())
                .stdin(Stdio::null());
            if let Some((uid, gid)) = user {
                let _ = command.uid(uid).gid(gid);
            }
            command
        };
        let _ = run(command("initdb")
            .args([
                "-U",
                "radlake",
                "-A",
                "scram-sha-256",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            ])
            .arg(format!("--pwfile={}", secret.display())));
        let port = free_port();
        let child = command("postgres")
            .args([
                "-p",
                &port.to_string(),
                "-c",
                "listen_addresses=127.0.0.1",
                "-c",
                "fsync=off",
            ])
            .args(["-c", "unix_socket_directories=", "-c", "timezone=UTC"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starting PostgreSQL");
        let server = Self {
            child,
            port,
            _folder: folder,
        };
        let start = Instant::now();
        // It listens before it is ready, and says until then that it is starting up.
        while let Err(error) = connect(&server.config()).await {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "PostgreSQL does not answer: {error:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(server)
    }

    /// How to connect as its superuser.
    pub fn config(&self) -> Config {
        let mut config = Config::new();
        let _ = config
            .host("127.0.0.1")
            .port(self.port)
            .user("radlake")
            .password(PASSWORD)
            .dbname("postgres");
        config
    }
}

impl Drop for PostgresUnderTest {
    fn drop(&mut self) {
        signal(self.child.id(), "QUIT");
        let _ = self.child.wait();
    }
}

/// The folder of the newest installed PostgreSQL's programs.
fn bin() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    found.extend(std::env::split_paths(&path).filter(|p| p.join("initdb").exists()));
    found.into_iter().rev().find(|bin| bin.join("postgres").exists())
}

/// User and group to run as when we are root.
fn unprivileged() -> Option<(u32, u32)> {
    let id = |args: &[&str]| -> u32 {
        run(Command::new("id").args(args))
            .trim()
            .parse()
            .expect("a number from id")
    };
    if id(&["-u"]) != 0 {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = if passwd.lines().any(|line| line.starts_with("postgres:")) {
        "postgres"
    } else {
        "nobody"
    };
    Some((id(&["-u", name]), id(&["-g", name])))
}
