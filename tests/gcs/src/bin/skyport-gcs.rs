//! Runs the test server until Ctrl-C: `skyport-gcs [--port <port>] [--pubsub <url>]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "whoever starts it reads its terminal")]

use std::process::ExitCode;

use skyport_gcs::{Options, Server};

fn main() -> ExitCode {
    match options(std::env::args().skip(1))
        .and_then(|options| Server::start_with(options).map_err(|error| format!("it cannot listen: {error}")))
    {
        Ok(server) => {
            println!("{}", server.url());
            server.wait();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("skyport-gcs: {error}\nusage: skyport-gcs [--port <port>] [--pubsub <url>]");
            ExitCode::from(2)
        }
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("`{name}` wants a value"))?;
        match name.as_str() {
            "--port" => options.port = value.parse().map_err(|_| format!("`{value}` is no port"))?,
            "--pubsub" => options.pubsub = Some(value),
            _ => return Err(format!("there is no option `{name}`")),
        }
    }
    Ok(options)
}
