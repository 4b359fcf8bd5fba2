//! The photos as a custom handler of Azure Functions, behind a stand-in of the host: requests, Event Grid's events, messages and timers. And as a server,
//! to whose queues Event Grid delivers.

use std::path::Path;
use std::time::{Duration, SystemTime};

use skyport_e2e::azure::Account;
use skyport_e2e::photos::{Photos, SOON};
use skyport_e2e::pictures::jpeg_of;
use skyport_e2e::{Http, until, within};

const LIMIT: Duration = Duration::from_secs(240);

#[tokio::test]
async fn photos_work_on_azure_functions_with_every_trigger() {
    within(LIMIT, async {
        let account = Account::new();
        let deployed = account.deploy().await;
        let photos = Photos::at(deployed.url());
        photos.a_picture_becomes_small_and_stands_in_the_catalogue().await;
        photos.answers_are_the_applications().await;
        let shared = photos.a_shared_picture_is_read_from_the_bucket().await;
        photos.a_shared_url_that_is_altered_is_refused(&shared).await;

        photos.a_picture_cut_short_fails().await;
        let poison = account.named("resize-poison");
        until("its job is a dead letter", SOON, async || account.waiting(&poison).await == 1).await;

        photos.a_picture_that_is_deleted_is_forgotten().await;
        deployed.stop().await;
    })
    .await;
}

#[tokio::test]
async fn photos_work_on_azure_as_a_server_to_whose_queues_event_grid_delivers() {
    within(LIMIT, async {
        let account = Account::new();
        let served = account.serve().await;
        let photos = Photos::at(served.program.url(""));
        photos.a_picture_becomes_small_and_stands_in_the_catalogue().await;
        photos.a_picture_that_is_deleted_is_forgotten().await;
        let (added, removed) = (account.named("told-photos-added"), account.named("told-photos-removed"));
        for queue in [added, removed] {
            until("every event is settled", SOON, async || account.waiting(&queue).await == 0).await;
            assert_eq!(account.waiting(&format!("{queue}-poison")).await, 0);
        }
        served.stop().await;
    })
    .await;
}

#[tokio::test]
async fn azure_functions_sweep_by_a_timer_and_what_no_function_can_read_is_a_dead_letter() {
    within(LIMIT, async {
        let account = Account::new();
        let deployed = account.deploy().await;
        let (client, thumbnails) = (Http::new(), account.named("thumbnails"));

        // What was left over is there until the timer goes off.
        account.upload(&thumbnails, "orphan.jpg", jpeg_of(1)).await;
        let orphan = format!("{}/thumbnails/orphan.jpg", deployed.url());
        client.get(&orphan).await.assert_status(200);
        deployed.host.fire("sweep", SystemTime::now()).await.expect("swept");
        client.get(&orphan).await.assert_status(404);

        // Another program's message, and one that is not even base64.
        let (queue, poison) = (account.named("resize"), account.named("resize-poison"));
        account.send(&queue, "bm8gam9i").await;
        account.send(&queue, "no job, no base64").await;
        until("both are dead letters", SOON, async || account.waiting(&poison).await == 2).await;
        until("neither is in the queue", SOON, async || account.waiting(&queue).await == 0).await;

        // What is no event of the bucket's calls no function, and nobody is to repeat it: it stays as it is.
        let event =
            serde_json::json!({ "eventType": "Microsoft.Storage.BlobCreated", "subject": "nonsense" });
        deployed.host.event("added", &event).await.expect("told in the log, and done");
        deployed.stop().await;
    })
    .await;
}

#[tokio::test]
async fn azure_functions_give_a_message_back_by_the_hosts_receipt_after_the_pause_that_its_handler_asks_for()
{
    within(LIMIT, async {
        let account = Account::new();
        let program = Path::new(env!("CARGO_BIN_EXE_second-time"));
        let deployed = account.deploy_worker("second-time", program).await;
        let (client, queue) = (Http::new(), account.named("jobs"));
        account.send(&queue, "\"a job\"").await;
        let address = format!("{}/seen", deployed.url());
        let seen = async || client.get(&address).await.assert_status(200).text().to_owned();
        until("it came twice", SOON, async || seen().await.lines().count() == 2).await;
        let seen = seen().await;
        let attempts: Vec<Vec<&str>> = seen.lines().map(|line| line.split(' ').collect()).collect();
        // It is the very message: one that was sent anew would have another id.
        assert_eq!((attempts[0][0], attempts[0][1], attempts[1][1]), (attempts[1][0], "1", "2"), "{seen}");
        let at = |attempt: usize| attempts[attempt][2].parse::<u64>().expect("a number");
        // Never early; the host's own pause would be 30 s.
        let pause = at(1) - at(0);
        assert!((2_900..20_000).contains(&pause), "{pause}");
        until("it is done", SOON, async || account.waiting(&queue).await == 0).await;
        deployed.stop().await;
    })
    .await;
}
