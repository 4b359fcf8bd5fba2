//! What cannot be deployed is said so.

use std::time::Duration;

use skyport_azure_functions::metadata::Deployment;
use skyport_core::ErrorKind;
use skyport_core::app::App;
use skyport_core::http::route;
use skyport_core::provider::ResourceKind;

use crate::generated::{BUCKET, JOBS, Store, answer, blob, message};

fn refusal(app: App<Store>, deployment: &Deployment) -> String {
    let error = deployment.files(&app.manifest().expect("it is whole")).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    error.to_string()
}

#[test]
fn a_name_that_azure_does_not_take_is_refused() {
    let deployment = Deployment::new("handler").queue("jobs", "shop-jobs");
    let host = App::new("shop").on_message("host", JOBS, message);
    assert!(refusal(host, &deployment).contains("keeps the name `host`"));
    let alike = App::new("shop").on_message("job", JOBS, message).on_blob_created("Job", BUCKET, blob);
    assert!(refusal(alike, &deployment).contains("`job` and `Job`"));
    let http = App::new("shop").on_message("http", JOBS, message).http("list", route::get("/"), answer);
    assert!(refusal(http, &deployment).contains("call it something else"));
}

#[test]
fn a_path_of_the_host_is_refused() {
    for path in ["/admin", "/admin/users", "/runtime/{id}"] {
        let app = App::new("shop").http("list", route::get(path), answer);
        assert!(refusal(app, &Deployment::new("handler")).contains("/admin and /runtime"), "{path}");
    }
    let near = App::<Store>::new("shop").http("list", route::get("/administration"), answer);
    assert!(Deployment::new("handler").files(&near.manifest().expect("whole")).is_ok());
}

#[test]
fn a_queue_has_a_name_that_leaves_room_for_its_dead_letters() {
    let app = || App::new("shop").on_message("job", JOBS, message);
    assert!(refusal(app(), &Deployment::new("handler")).contains("`jobs` on Azure is not told"));
    for name in ["ab", "Shop", "shop_jobs", "shop--jobs", "-shop", "shop-", &"a".repeat(57)] {
        let refused = refusal(app(), &Deployment::new("handler").queue("jobs", name));
        assert!(refused.contains(name) && refused.contains("3 to 56"), "{refused}");
    }
    let longest = Deployment::new("handler").queue("jobs", "a".repeat(56));
    assert!(longest.files(&app().manifest().expect("whole")).is_ok());
}

#[test]
fn a_queue_that_is_named_as_dead_letters_are_cannot_be_listened_to() {
    let app = App::new("shop").on_message("job", JOBS, message);
    let refused = refusal(app, &Deployment::new("handler").queue("jobs", "shop-poison"));
    assert!(refused.contains("`shop-poison`") && refused.contains("another name"), "{refused}");
}

#[test]
fn a_folder_with_functions_that_the_application_has_not_is_left_as_it_is() {
    let (folder, deployment) =
        (tempfile::tempdir().expect("a folder"), Deployment::new("handler").queue("jobs", "shop-jobs"));
    let write = |app: App<Store>| deployment.write(&app.manifest().expect("whole"), folder.path());
    write(App::new("shop").on_message("old", JOBS, message)).expect("written");
    write(App::new("shop").on_message("old", JOBS, message)).expect("written again");
    let error = write(App::new("shop").on_message("new", JOBS, message)).expect_err("refused").to_string();
    assert!(error.contains("`old`") && error.contains("remove"), "{error}");
    assert!(!folder.path().join("new").exists());
    std::fs::remove_dir_all(folder.path().join("old")).expect("removed");
    std::fs::create_dir(folder.path().join("assets")).expect("created");
    write(App::new("shop").on_message("new", JOBS, message)).expect("written");
    let connection = skyport_azure_functions::metadata::connection_of(folder.path(), "new");
    assert_eq!(connection.as_deref(), Some("AzureWebJobsStorage"));
}

#[test]
fn an_ordered_queue_is_unsupported() {
    let mut manifest = App::new("shop").on_message("job", JOBS, message).manifest().expect("whole");
    for resource in &mut manifest.resources {
        if let ResourceKind::Queue(settings) = &mut resource.kind {
            settings.ordered = resource.name == "jobs";
        }
    }
    let error =
        Deployment::new("handler").queue("jobs", "shop-jobs").files(&manifest).expect_err("it is refused");
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("`jobs`"), "{error}");
}

#[test]
fn a_time_that_host_json_cannot_say_is_refused() {
    let app = || App::new("shop").http("list", route::get("/"), answer);
    let mut deployment = Deployment::new("handler");
    deployment.retry_pause = Duration::from_millis(1_500);
    assert!(refusal(app(), &deployment).contains("retry_pause"));
    let mut deployment = Deployment::new("handler");
    deployment.function_timeout = Some(Duration::from_secs(86_400));
    assert!(refusal(app(), &deployment).contains("function_timeout"));
    assert!(refusal(app(), &Deployment::new("")).contains("`handler`"));
}
