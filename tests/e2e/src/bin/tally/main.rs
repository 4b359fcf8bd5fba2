//! An application that counts what it does, and tells of it line by line: to be killed while it works.
//!
//! `begin <number>` is said before the first effect of a job, `done <number>` after the last. The effects are a counter and an object; what is in
//! it, and how large it is, follows from the number. A job that is doomed fails for good. Told to rest, it works on nothing: for
//! whoever looks at what is there.

#[cfg(unix)]
mod app;

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    app::run().await
}

#[cfg(not(unix))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    Err("the end-to-end tests run on Unix only".into())
}
