//! Streams an object into a bucket of the provider `local` and out again, checks it, and tells on standard output how much
//! memory that took: `stream-local <folder> <bytes>`.
//!
//! A program of its own, for a process's peak covers all that it ever did.
#![cfg_attr(not(unix), allow(unused))]
#![allow(clippy::print_stdout)]

use std::error::Error;

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    use futures_util::{StreamExt, TryStreamExt, stream};
    use skyport::Body;
    use skyport::blob::Bucket;
    use skyport::local::{Local, LocalConfig};
    use skyport::provider::{Provider, ResourceKind};
    use skyport_e2e::{Pattern, peak_memory};

    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("name the data folder")?;
    let bytes: u64 = arguments.next().ok_or("say how many bytes")?.parse()?;

    let local = Local::new(LocalConfig::new(folder));
    let url = "local://large".parse()?;
    local.create(&url, &ResourceKind::Bucket).await?;
    let bucket = Bucket::new(local.bucket(&url)?);

    let mut pattern = Pattern::new();
    let body = Body::from_stream(stream::iter(pattern.blocks(bytes)).map(Ok::<_, std::io::Error>));
    bucket.put("film", body).await?;
    let mut film = bucket.get("film").await?.into_body();
    while let Some(chunk) = film.try_next().await? {
        pattern.check(&chunk);
    }
    if pattern.position() != bytes {
        return Err(format!("{} bytes came back", pattern.position()).into());
    }
    println!("{}", peak_memory(std::process::id()));
    Ok(())
}

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn Error>> {
    Err("the end-to-end tests run on Unix only".into())
}
