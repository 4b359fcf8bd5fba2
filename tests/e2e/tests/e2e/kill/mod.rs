//! Processes are killed at random points, again and again, on this machine and on an emulator of each cloud: what was answered is done, or stands in
//! the dead letters with the reason, and nothing is half.
//!
//! The points follow from a seed, which is printed; `SKYPORT_SEED` sets it. What lies between two points is the machine's own.

mod ledger;
mod photos;
mod worker;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use fastrand::Rng;
use http::Method;
use skyport::Token;
use skyport_e2e::{Answer, Http, Place, Running, request};
use tokio::sync::watch;

/// Leases of a process that was killed end after half a minute; then another works on its messages.
const SETTLED: Duration = Duration::from_secs(300);

/// The longest that one of these tests may take: what it waits for in the end has said before that what is missing.
const LIMIT: Duration = Duration::from_secs(900);

/// The random numbers of a test, and its seed, which is printed.
#[allow(clippy::print_stderr)] // Where it fails, this is how it is run again.
fn seeded(name: &str) -> (Rng, u64) {
    let seed = match std::env::var("SKYPORT_SEED") {
        Ok(seed) => seed.parse().expect("SKYPORT_SEED is a number"),
        Err(_) => Token::new().to_bits() as u64,
    };
    eprintln!("{name}: SKYPORT_SEED={seed}");
    (Rng::with_seed(seed), seed)
}

/// Lets a moment pass, so that a kill strikes anywhere and not just where something was told.
async fn moment(random: &mut Rng) {
    tokio::time::sleep(Duration::from_micros(random.u64(0..60_000))).await;
}

/// Where the server is now, and the how manieth it is.
type Now = (u32, SocketAddr);

/// Clients of a server that is killed: they try again, as clients do.
#[derive(Debug)]
struct Clients {
    http: Http,
    server: watch::Receiver<Now>,
    /// How many connections broke.
    broken: AtomicU32,
}

impl Clients {
    fn of(server: &Running) -> (watch::Sender<Now>, Self) {
        let (moved, server) = watch::channel((0, server.address));
        (moved, Self { http: Http::new(), server, broken: AtomicU32::new(0) })
    }

    /// Sends a request until it is answered with something else than "try again"; with whether an attempt may have been carried out before that.
    async fn request(&self, method: Method, path: &str, body: &[u8]) -> (Answer, bool) {
        let mut server = self.server.clone();
        let mut before = false;
        loop {
            let now = *server.borrow_and_update();
            let url = format!("http://{}{path}", now.1);
            match self.http.attempt(request(method.clone(), &url, body.to_vec())).await {
                Some(answer) if !answer.status.is_server_error() => return (answer, before),
                // An emulator may be slow for once: the server says so, and it is not known what came of it.
                Some(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                None => {
                    self.broken.fetch_add(1, Ordering::Relaxed);
                    // Connections break when the server is killed, and then only.
                    server.wait_for(|new| new.0 != now.0).await.expect("the test goes on");
                }
            }
            before = true;
        }
    }
}

/// Says that another server has taken the place of the one before.
fn moved(sender: &watch::Sender<Now>, server: &Running) {
    sender.send_modify(|now| *now = (now.0 + 1, server.address));
}

/// Both kinds of work at once: they have nothing in common but the machine.
async fn survive(name: &str, photos: Place, worker: Place) {
    let few = photos::Plan { clients: 4, staying: 30, doomed: 3, kills: 4 };
    skyport_e2e::within(LIMIT, async {
        tokio::join!(photos::survive(name, &photos, few), worker::survive(name, &worker));
    })
    .await;
}

mod local {
    use skyport_e2e::{Data, Place, within};

    use super::{LIMIT, photos, worker};

    #[tokio::test]
    async fn photos_that_were_answered_survive_ten_kills_and_nothing_is_stuck() {
        let many = photos::Plan { clients: 8, staying: 200, doomed: 20, kills: 10 };
        within(LIMIT, photos::survive("local", &Place::Local(Data::new()), many)).await;
    }

    #[tokio::test]
    async fn messages_that_were_accepted_are_done_or_dead_letters_after_a_worker_was_killed() {
        within(LIMIT, worker::survive("local", &Place::Local(Data::new()))).await;
    }
}

mod aws {
    use skyport_e2e::Place;
    use skyport_e2e::aws::Region;

    #[tokio::test]
    async fn what_was_accepted_is_done_or_a_dead_letter_after_workers_were_killed() {
        super::survive("aws", Place::Aws(Region::new()), Place::Aws(Region::new())).await;
    }
}

mod gcp {
    use skyport_e2e::Place;
    use skyport_e2e::gcp::Project;

    #[tokio::test]
    async fn what_was_accepted_is_done_or_a_dead_letter_after_workers_were_killed() {
        super::survive("gcp", Place::Google(Project::new()), Place::Google(Project::new())).await;
    }
}

mod azure {
    use skyport_e2e::Place;
    use skyport_e2e::azure::Account;

    #[tokio::test]
    async fn what_was_accepted_is_done_or_a_dead_letter_after_workers_were_killed() {
        super::survive("azure", Place::Azure(Account::new()), Place::Azure(Account::new())).await;
    }
}
