//! The program as a process.
//!
//! From `HttpWorkerProcess.cs`, `DefaultWorkerProcessFactory.cs` and `WorkerProcess.cs` of azure-functions-host: where it is started, with which variables, and how it is
//! ended, which is with no warning: the host has waited before.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::fault::{Fault, Result};
use crate::worker::new_id;

/// A program that was started.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    command: Command,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts it in its folder, on a free port.
    pub(crate) fn start(
        program: &Path,
        arguments: &[String],
        folder: &Path,
        settings: &BTreeMap<String, String>,
    ) -> Result<Self> {
        let port = unused_port().map_err(|error| Fault::because("there is no free port", error))?;
        let id = new_id();
        // It is started there, and named from here.
        let folder =
            &folder.canonicalize().map_err(|error| Fault::because("there is no such folder", error))?;
        // Beside the folder's own programs those of the system.
        let own = folder.join(program);
        let mut command = Command::new(if own.is_file() { &own } else { program });
        command
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .env("FUNCTIONS_EXTENSION_VERSION", "~4")
            .env("FUNCTIONS_WORKER_RUNTIME", "Custom")
            .envs(settings)
            .env("FUNCTIONS_HTTPWORKER_PORT", port.to_string())
            .env("FUNCTIONS_HTTPWORKER_ID", &id)
            .env("FUNCTIONS_CUSTOMHANDLER_PORT", port.to_string())
            .env("FUNCTIONS_CUSTOMHANDLER_WORKER_ID", &id)
            .env("FUNCTIONS_APP_ROOT_PATH", folder)
            .kill_on_drop(true);
        let child = command.spawn();
        let child =
            child.map_err(|error| Fault::new(format!("{} does not start: {error}", program.display())))?;
        Ok(Self { child, command, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)) })
    }

    /// Resolves when it has ended by itself.
    pub(crate) async fn exited(&mut self) -> Result<ExitStatus> {
        self.child.wait().await.map_err(|error| Fault::because("the program cannot be waited for", error))
    }

    /// Ends it at once and starts it anew, on the same port: `RestartWorkerWithInvocationIdAsync` of `HttpFunctionInvocationDispatcher.cs`.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.child.kill().await.map_err(|error| Fault::because("the program cannot be ended", error))?;
        let child = self.command.spawn();
        self.child = child.map_err(|error| Fault::because("the program does not start anew", error))?;
        Ok(())
    }

    /// Ends it at once, as the host does.
    pub(crate) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.map_err(|error| Fault::because("the program cannot be ended", error))
    }

    /// Asks it to end, as the platform does that stops a container, and waits.
    pub(crate) async fn terminate(mut self, within: Duration) -> Result<ExitStatus> {
        let pid =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| Fault::new("the program has ended before"))?;
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .map_err(|error| Fault::because("the program cannot be asked to end", error))?;
        match tokio::time::timeout(within, self.child.wait()).await {
            Ok(ended) => ended.map_err(|error| Fault::because("the program cannot be waited for", error)),
            Err(_) => Err(Fault::new(format!("the program did not end within {within:?}"))),
        }
    }
}

/// `WorkerUtilities.GetUnusedTcpPort`: another may take it before the program does.
fn unused_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}
