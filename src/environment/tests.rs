use super::*;
use skyport_core::ErrorKind;

/// The environment of the application `shop`.
fn environment(variables: &[(&'static str, &'static str)]) -> Environment {
    let variables: BTreeMap<_, _> = variables.iter().copied().collect();
    Environment::new("shop", Arc::new(move |name| variables.get(name).map(|value| (*value).to_owned())))
}

fn bucket(name: &'static str) -> Declaration {
    Declaration::new(name, ResourceKind::Bucket)
}

#[track_caller]
fn refused<T>(result: Result<T>, kind: ErrorKind, parts: &[&str]) {
    let error = result.map(drop).expect_err("refused");
    assert_eq!(error.kind(), kind, "{error}");
    for part in parts {
        assert!(error.message().contains(part), "`{part}` is not in: {error}");
    }
}

#[test]
fn a_resource_is_where_its_variable_says() {
    let environment = environment(&[("SKYPORT_BIG_FILES", "local://elsewhere?data=%2Ftmp")]);
    let url = environment.url(&bucket("big-files")).expect("a URL");
    assert_eq!((url.scheme(), url.name(), url.parameter("data")), ("local", "elsewhere", Some("/tmp")));
}

#[test]
fn without_one_it_is_on_the_default_provider_under_the_applications_name() {
    let told = environment(&[("SKYPORT_PROVIDER", "memory"), ("SKYPORT_FILES", "")]);
    let url = told.url(&bucket("files")).expect("a URL");
    assert_eq!((url.scheme(), url.name()), ("memory", "shop-files"));
    let untold = environment(&[]).url(&bucket("files"));
    if cfg!(feature = "local") {
        assert_eq!(untold.expect("a URL").scheme(), "local");
    } else {
        refused(untold, ErrorKind::InvalidArgument, &["SKYPORT_FILES", "SKYPORT_PROVIDER", "`local`"]);
    }
}

#[test]
fn names_whose_variables_mean_something_else_are_refused() {
    for name in ["data", "provider", "public-url", "public_url", "Grace", "COMMAND"] {
        refused(
            environment(&[]).url(&bucket(name)),
            ErrorKind::InvalidArgument,
            &[name, "SKYPORT_", "name = .."],
        );
    }
}

#[test]
fn what_is_no_url_is_told_with_its_variable() {
    for value in
        ["files", "://files", "local://", "LOCAL://files", "local://a?b", "local://a?b=1&b=2", "local://%ff"]
    {
        let opened = environment(&[("SKYPORT_FILES", value)]).bucket(&bucket("files"));
        refused(opened, ErrorKind::InvalidArgument, &["SKYPORT_FILES"]);
    }
}

#[test]
fn a_scheme_that_nothing_serves_is_told_with_those_there_are() {
    let environment = environment(&[("SKYPORT_FILES", "ftp://files")]);
    let parts = ["SKYPORT_FILES", "`files`", "ftp://", "local", "memory"];
    refused(environment.bucket(&bucket("files")), ErrorKind::InvalidArgument, &parts);
}

#[test]
fn each_kind_of_resource_has_its_scheme_on_a_cloud_and_the_runtime_names_the_cloud() {
    let queue = Declaration::new("jobs", ResourceKind::Queue(QueueSettings::default()));
    let table = Declaration::new("items", ResourceKind::Table(TableSettings::default()));
    let (aws, gcp) = (["s3", "sqs", "dynamodb"], ["gs", "pubsub", "firestore"]);
    let azure = ["azblob", "azqueue", "aztable"];
    for (variable, expected) in [
        (("SKYPORT_PROVIDER", "aws"), aws),
        (("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"), aws),
        (("SKYPORT_PROVIDER", "gcp"), gcp),
        (("K_SERVICE", "shop"), gcp),
        (("SKYPORT_PROVIDER", "azure"), azure),
        (("FUNCTIONS_CUSTOMHANDLER_PORT", "9001"), azure),
    ] {
        let environment = environment(&[variable]);
        let schemes = [bucket("files"), queue.clone(), table.clone()]
            .map(|declaration| environment.url(&declaration).expect("a URL").scheme().to_owned());
        assert_eq!(schemes, expected, "{variable:?}");
    }
    let elsewhere = environment(&[("AWS_LAMBDA_RUNTIME_API", "x"), ("SKYPORT_PROVIDER", "memory")]);
    assert_eq!(elsewhere.url(&table).expect("a URL").scheme(), "memory", "what is said wins");
}

#[test]
fn a_default_provider_that_nobody_knows_is_told() {
    let refusal = environment(&[("SKYPORT_PROVIDER", "ftp")]).url(&bucket("files"));
    refused(refusal, ErrorKind::InvalidArgument, &["SKYPORT_PROVIDER", "`ftp`", "bucket"]);
}

#[cfg(not(feature = "aws-blob"))]
#[test]
fn without_the_feature_of_a_clouds_service_it_is_named() {
    let environment = environment(&[("SKYPORT_FILES", "s3://files")]);
    refused(environment.bucket(&bucket("files")), ErrorKind::Unsupported, &["`aws-blob`", "s3://"]);
}

#[cfg(not(feature = "local"))]
#[test]
fn without_the_feature_local_it_is_named() {
    let environment = environment(&[("SKYPORT_PROVIDER", "local")]);
    refused(environment.bucket(&bucket("files")), ErrorKind::Unsupported, &["`local`", "Cargo.toml"]);
}

#[cfg(feature = "local")]
#[test]
fn what_a_provider_does_not_know_is_told() {
    let parameter = environment(&[("SKYPORT_FILES", "local://files?region=north")]);
    let parts = ["SKYPORT_FILES", "`region`", "data"];
    refused(parameter.bucket(&bucket("files")), ErrorKind::InvalidArgument, &parts);
    let sync = environment(&[("SKYPORT_SYNC", "often")]);
    refused(sync.bucket(&bucket("files")), ErrorKind::InvalidArgument, &["SKYPORT_SYNC"]);
}

#[cfg(feature = "memory")]
#[tokio::test]
async fn resources_of_one_provider_share_it_and_are_there_once_created() {
    use skyport_core::blob::Bucket;
    let environment = environment(&[("SKYPORT_PROVIDER", "memory")]);
    let declared = [bucket("files"), bucket("more")];
    environment.create_local(&declared).await.expect("created");
    let opened = Bucket::new(environment.bucket(&declared[1]).expect("opened"));
    opened.put("a", "1").await.expect("it is there");
    let again = Bucket::new(environment.bucket(&declared[1]).expect("opened"));
    assert!(again.exists("a").await.expect("answers"));
    let other = Bucket::new(environment.bucket(&declared[0]).expect("opened"));
    assert!(!other.exists("a").await.expect("answers"));
    assert!(environment.claims().await.expect("created").is_some());
    environment.remove_all(&declared).await.expect("removed");
    let gone = opened.exists("a").await.expect_err("no such bucket");
    assert_eq!((gone.kind(), gone.key()), (ErrorKind::NotFound, None));
}

#[tokio::test]
async fn nothing_is_created_where_others_deploy() {
    let environment = environment(&[("SKYPORT_FILES", "ftp://files"), ("SKYPORT_PROVIDER", "ftp")]);
    environment.create_local(&[bucket("files")]).await.expect("nothing to do");
    assert!(environment.claims().await.expect("nowhere to keep them").is_none());
    refused(environment.create_all(&[bucket("files")]).await, ErrorKind::InvalidArgument, &["SKYPORT_FILES"]);
}
