//! A Lambda with a bucket, a queue and a table, on lambda_http and the SDKs: the clients are made at the start, as their pages show it.

mod notes;

use aws_config::BehaviorVersion;
use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use lambda_http::{Body, Error, Request, Response, run, service_fn};

use notes::Notes;

/// Which request it is, by the parts of its path.
async fn route(request: Request, notes: &Notes) -> Result<Response<Body>, Error> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method().as_str(), &parts[..]) {
        // Needs no client.
        ("GET", [""]) => Ok(Response::new("ready".into())),
        ("PUT", ["notes", name]) => notes.write(name, request.into_body()).await,
        ("GET", ["notes", name]) => notes.read(name).await,
        ("GET", ["notes"]) => notes.list().await,
        ("POST", ["notes", name, "share"]) => notes.share(name).await,
        ("DELETE", ["notes", name]) => notes.delete(name).await,
        _ => Ok(Response::builder().status(404).body(Body::Empty)?),
    }
}

/// The three clients: one HTTP client, with the TLS of ours, and the settings of ours.
async fn clients() -> Result<Notes, Error> {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let sdk = aws_config::defaults(BehaviorVersion::latest()).http_client(http).load().await;
    let s3 = aws_sdk_s3::config::Builder::from(&sdk)
        .force_path_style(sdk.endpoint_url().is_some())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    Ok(Notes {
        s3: aws_sdk_s3::Client::from_conf(s3.build()),
        sqs: aws_sdk_sqs::Client::new(&sdk),
        dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
        bucket: std::env::var("BUCKET")?,
        queue: std::env::var("QUEUE_URL")?,
        table: std::env::var("TABLE")?,
    })
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().without_time().with_max_level(tracing::Level::INFO).init();
    let notes = clients().await?;
    let notes = &notes;
    run(service_fn(|request: Request| route(request, notes))).await
}
