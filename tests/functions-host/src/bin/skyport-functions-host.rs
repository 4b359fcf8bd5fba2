//! Runs the stand-in until Ctrl-C: `skyport-functions-host <folder> [--port <port>]`. Queues are those of the connection string in
//! `AzureWebJobsStorage`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "whoever starts it reads its terminal")]

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use skyport_functions_host::queue::storage::Storage;
use skyport_functions_host::{Fault, Host, Options, Result};

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let run =
        runtime.map_err(|error| Fault::new(error.to_string())).and_then(|runtime| runtime.block_on(run()));
    match run {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!(
                "skyport-functions-host: {error}\nusage: skyport-functions-host <folder> [--port <port>]"
            );
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<()> {
    let host = Host::start(options(std::env::args().skip(1))?).await?;
    println!("http://{}", host.address());
    tokio::signal::ctrl_c().await.map_err(|error| Fault::new(error.to_string()))?;
    host.terminate(Duration::from_secs(30)).await
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
    let mut options = Options::new(arguments.next().ok_or_else(|| Fault::new("a folder is missing"))?);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => {}
        (Some("--port"), Some(port)) => {
            options.port = port.parse().map_err(|_| Fault::new(format!("`{port}` is no port")))?;
        }
        (Some(other), _) => {
            return Err(Fault::new(format!("there is no option `{other}`, or it wants a value")));
        }
    }
    if let Ok(connection) = std::env::var("AzureWebJobsStorage") {
        options.queues = Arc::new(Storage::connect(&connection)?);
    }
    Ok(options)
}
