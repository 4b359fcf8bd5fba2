//! An application that does its jobs at the second attempt, three seconds after the first, and tells of each attempt at `/seen`: the message's id,
//! the attempt, and milliseconds since 1970.

use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use skyport::prelude::*;

/// What came.
static SEEN: Mutex<String> = Mutex::new(String::new());

#[derive(Resources)]
struct Bench {
    jobs: Queue<String>,
}

async fn job(message: Message<String>, _: Context<Bench>) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let told = format!("{} {} {now}\n", message.id(), message.attempt());
    SEEN.lock().map_err(|_| "a panic")?.push_str(&told);
    if message.attempt() == 1 {
        return Err(HandlerError::from("not yet").with_retry_after(Duration::from_secs(3)));
    }
    Ok(())
}

async fn seen(_: Request, _: Context<Bench>) -> Result<String> {
    Ok(SEEN.lock().map_err(|_| "a panic")?.clone())
}

#[tokio::main]
async fn main() -> Result<(), skyport::Error> {
    let app =
        App::new("second-time").http("seen", route::get("/seen"), seen).on_message("job", Bench::JOBS, job);
    skyport::run(app).await
}
