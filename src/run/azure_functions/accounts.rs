//! Two look for a queue, each by its own lights: the program, which sends, and the host, which listens. They are to find the same.

use std::path::Path;

use skyport_azure_functions::metadata::connection_of;
use skyport_core::app::{Manifest, TriggerManifest};
use skyport_core::provider::ResourceUrl;
use skyport_core::{Error, Result};

use super::QUEUES;
use crate::environment::Environment;

/// The setting of the host's own storage.
const OF_THE_HOST: &str = "AzureWebJobsStorage";

/// What tells the program of its account, the first that does.
const OF_THE_PROGRAM: [&str; 3] = ["AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT", OF_THE_HOST];

/// The functions that listen to a queue.
pub(super) fn listeners<'m>(manifest: &'m Manifest, queue: &'m str) -> impl Iterator<Item = &'m str> {
    let listens = move |trigger: &TriggerManifest| matches!(trigger, TriggerManifest::Queue { queue: its, .. } if *its == queue);
    manifest.functions.iter().filter(move |one| listens(&one.trigger)).map(|one| one.name.as_str())
}

/// Whether a queue that the host listens to may be in its own storage.
///
/// # Errors
/// `InvalidArgument` where its URL says where it is, of which the host would know nothing.
pub(super) fn of_the_hosts(queue: &str, url: &ResourceUrl) -> Result<()> {
    let Some(said) = ["account", "endpoint"].into_iter().find(|name| url.parameter(name).is_some()) else {
        return Ok(());
    };
    Err(Error::invalid(format!(
        "the URL of the queue `{queue}` names its {said}, and the host would listen in its own storage all the same: name the application setting by which \
         it gets there, `SKYPORT_COMMAND=\"azure-functions <folder> <connection>\"`, and set `<connection>__accountName` or a connection string in `<connection>`"
    )))
}

/// Says in the log where the host listens in another account than the program sends to, as far as both are known: what is sent would
/// never be received.
pub(super) fn check(manifest: &Manifest, environment: &Environment) {
    for astray in astray(manifest, environment, |function| connection_of(Path::new("."), function)) {
        let Astray { queue, sends, listens, connection } = astray;
        tracing::error!(
            queue,
            sends,
            listens,
            "the program sends to this queue in one storage account, and the host listens to it in another: set `{connection}__accountName`, or the \
             connection string `{connection}`, to the account `{sends}`; or set AZURE_STORAGE_ACCOUNT, or the queue's URL, to `{listens}`"
        );
    }
}

/// A queue that the two find in different accounts.
#[derive(Debug, PartialEq, Eq)]
struct Astray {
    queue: String,
    sends: String,
    listens: String,
    connection: String,
}

fn astray(
    manifest: &Manifest,
    environment: &Environment,
    connection: impl Fn(&str) -> Option<String>,
) -> Vec<Astray> {
    let mut astray = Vec::new();
    for resource in &manifest.resources {
        let Some(url) = environment.url(resource).ok().filter(|url| url.scheme() == QUEUES) else { continue };
        let of_url = url.parameter("account").map(str::to_owned);
        let ours = || {
            OF_THE_PROGRAM
                .into_iter()
                .find_map(|name| account_by(environment, name, name == OF_THE_PROGRAM[1]))
        };
        let Some(sends) = of_url.or_else(ours) else { continue };
        for function in listeners(manifest, &resource.name) {
            let connection = connection(function).unwrap_or_else(|| OF_THE_HOST.to_owned());
            let Some(listens) = account_by(environment, &connection, false) else { continue };
            if listens != sends {
                let (queue, sends) = (resource.name.to_string(), sends.clone());
                astray.push(Astray { queue, sends, listens, connection });
            }
        }
    }
    astray
}

/// The account that a setting names: plainly, in a connection string, or in the settings of a managed identity.
fn account_by(environment: &Environment, setting: &str, plain: bool) -> Option<String> {
    if plain {
        return environment.variable(setting);
    }
    let variable = |name: &str| {
        environment.variable(&format!("AzureWebJobs{name}")).or_else(|| environment.variable(name))
    };
    let named = || variable(&format!("{setting}__accountName"));
    let in_uri = || account_in(&variable(&format!("{setting}__queueServiceUri"))?).map(str::to_owned);
    match variable(setting) {
        Some(text) => in_connection_string(&text),
        None => named().or_else(in_uri),
    }
}

fn in_connection_string(text: &str) -> Option<String> {
    let parts = text.split(';').filter_map(|part| part.split_once('='));
    let parts = parts.map(|(name, value)| (name.trim(), value.trim()));
    let of = |wanted: &str| {
        parts
            .clone()
            .find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty())
            .map(|(_, value)| value)
    };
    if of("UseDevelopmentStorage").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return Some("devstoreaccount1".to_owned());
    }
    of("AccountName").or_else(|| account_in(of("QueueEndpoint")?)).map(str::to_owned)
}

/// The account in an address of Azure's own: `https://<account>.queue.core.windows.net`.
fn account_in(uri: &str) -> Option<&str> {
    let (_, host) = uri.split_once("://")?;
    host.split_once(".queue.core.").map(|(account, _)| account)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use skyport_core::app::{
        App, Context, Declaration, HandlerResult, Message, Opener, Ref, Resource, ResourceOptions, Resources,
    };
    use skyport_core::queue::Queue;

    use super::*;

    struct Store {
        jobs: Queue<String>,
    }

    const JOBS: Ref<Store, Queue<String>> = Ref::new("jobs", |store| &store.jobs);

    impl Resources for Store {
        fn declarations() -> Result<Vec<Declaration>> {
            let queue = || <Queue<String> as Resource>::kind(ResourceOptions::new());
            Ok(vec![Declaration::new("jobs", queue()?), Declaration::new("mails", queue()?)])
        }

        fn open(_: &dyn Opener) -> Result<Self> {
            Err(Error::internal("nothing is opened here"))
        }
    }

    async fn job(_: Message<String>, _: Context<Store>) -> HandlerResult {
        Ok(())
    }

    fn manifest() -> Manifest {
        App::new("shop").on_message("job", JOBS, job).manifest().expect("whole")
    }

    fn environment(set: &[(&'static str, &'static str)]) -> Environment {
        let mut set = set.to_vec();
        set.push(("SKYPORT_PROVIDER", "azure"));
        let value = move |name: &str| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        Environment::new("shop", Arc::new(value))
    }

    #[test]
    fn the_account_is_found_however_the_setting_names_it() {
        let of = |set: &[(&'static str, &'static str)]| account_by(&environment(set), "Data", false);
        for (name, value) in [
            ("Data", "DefaultEndpointsProtocol=https;accountname=mine;AccountKey=YQ=="),
            (
                "AzureWebJobsData",
                "QueueEndpoint=https://mine.queue.core.windows.net/;SharedAccessSignature=sv=1&sig=a",
            ),
            ("Data__accountName", "mine"),
            ("Data__queueServiceUri", "https://mine.queue.core.windows.net"),
        ] {
            assert_eq!(of(&[(name, value)]).as_deref(), Some("mine"), "{name}");
        }
        assert_eq!(of(&[("Data", "UseDevelopmentStorage=true")]).as_deref(), Some("devstoreaccount1"));
        assert_eq!(of(&[("Data", "nonsense")]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn a_queue_that_the_host_listens_to_in_another_account_is_found() {
        let of = |set: &[(&'static str, &'static str)], connection: Option<&str>| {
            astray(&manifest(), &environment(set), |_| connection.map(str::to_owned))
        };
        let (ours, theirs) =
            (("AZURE_STORAGE_ACCOUNT", "ours"), ("AzureWebJobsStorage__accountName", "theirs"));
        let found = Astray {
            queue: "jobs".to_owned(),
            sends: "ours".to_owned(),
            listens: "theirs".to_owned(),
            connection: OF_THE_HOST.to_owned(),
        };
        assert_eq!(of(&[ours, theirs], None), [found]);
        let by_url = ("SKYPORT_JOBS", "azqueue://jobs?account=other");
        assert_eq!(of(&[by_url, theirs], None)[0].sends, "other");
        let by_string = ("AZURE_STORAGE_CONNECTION_STRING", "AccountName=ours;AccountKey=YQ==");
        assert_eq!(of(&[by_string, theirs], Some("Data")), [], "where Data leads is not known");
        for same in [
            vec![theirs],
            vec![ours],
            vec![ours, ("AzureWebJobsStorage__accountName", "ours")],
            vec![by_url, ("AzureWebJobsStorage", "AccountName=other")],
            vec![ours, ("SKYPORT_JOBS", "memory://jobs"), theirs],
        ] {
            assert_eq!(of(&same, None), [], "{same:?}");
        }
        assert_eq!(of(&[ours, theirs, ("Data__accountName", "ours")], Some("Data")), []);
    }

    #[test]
    fn a_queue_elsewhere_is_listened_to_only_by_a_connection_that_is_named() {
        let url = |text: &str| text.parse::<ResourceUrl>().expect("a URL");
        assert!(of_the_hosts("jobs", &url("azqueue://jobs")).is_ok());
        for elsewhere in ["azqueue://jobs?account=other", "azqueue://jobs?endpoint=https://x.example"] {
            let error = of_the_hosts("jobs", &url(elsewhere)).expect_err(elsewhere);
            assert!(error.message().contains("azure-functions <folder> <connection>"), "{error}");
        }
        let (manifest, folder) = (manifest(), tempfile::tempdir().expect("a folder"));
        let write = |variable: &'static str, connection: Option<&str>| {
            let environment = environment(&[(variable, "azqueue://jobs?account=other")]);
            let folder = folder.path().join("package");
            super::super::write(
                &manifest,
                &environment,
                &folder.display().to_string(),
                connection.map(str::to_owned),
            )
        };
        assert!(write("SKYPORT_JOBS", None).is_err() && !folder.path().join("package").exists());
        // To the other nobody listens.
        write("SKYPORT_MAILS", None).expect("written");
        write("SKYPORT_JOBS", Some("Data")).expect("written");
        assert_eq!(connection_of(&folder.path().join("package"), "job").as_deref(), Some("Data"));
    }
}
