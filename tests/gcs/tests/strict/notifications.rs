//! Notifications, published to a socket of this test's.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use skyport_gcs::{Options, Server};

use crate::client::{JSON, ask, object, put};

/// A Pub/Sub that refuses the first of each `refused`, and what it is told: the line and the message.
fn pubsub(mut refused: usize) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let (mut line, mut length) = (String::new(), 0);
            reader.read_line(&mut line).unwrap();
            loop {
                let mut header = String::new();
                reader.read_line(&mut header).unwrap();
                if header == "\r\n" {
                    break;
                }
                if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let status = if refused > 0 { "503 Later" } else { "200 OK" };
            write!(reader.get_mut(), "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\n{{}}").unwrap();
            if refused > 0 {
                refused -= 1;
                continue;
            }
            let message = serde_json::from_slice::<Value>(&body).unwrap()["messages"][0].clone();
            if sender.send((line.trim_end().to_owned(), message)).is_err() {
                return;
            }
        }
    });
    (url, receiver)
}

fn told(receiver: &Receiver<(String, Value)>) -> (String, Value, Value) {
    let (line, message) = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(line, "POST /v1/projects/p/topics/t:publish HTTP/1.1");
    let data = STANDARD.decode(message["data"].as_str().unwrap()).unwrap();
    let attributes = message["attributes"].clone();
    let kind = attributes["eventType"].as_str().unwrap().to_owned();
    (kind, attributes, serde_json::from_slice(&data).unwrap_or_default())
}

fn listening(pubsub: String, config: &str) -> Server {
    let mut options = Options::default();
    options.pubsub = Some(pubsub);
    let server = Server::start_with(options).unwrap();
    ask(&server, "POST /storage/v1/b?project=p", &[JSON], br#"{"name":"bkt"}"#);
    let made = ask(&server, "POST /storage/v1/b/bkt/notificationConfigs", &[JSON], config.as_bytes());
    assert_eq!(made.status, 200, "{}", made.text());
    server
}

const CONFIG: &str =
    r#"{"topic":"//pubsub.googleapis.com/projects/p/topics/t","payload_format":"JSON_API_V1"}"#;

#[test]
fn every_change_is_told_with_its_object() {
    let (url, receiver) = pubsub(0);
    let server = listening(url, CONFIG);
    let first = put(&server, "a%2Fb", b"one", "").generation().to_string();
    let (kind, attributes, data) = told(&receiver);
    assert_eq!(kind, "OBJECT_FINALIZE");
    assert_eq!(attributes["bucketId"], "bkt");
    assert_eq!(attributes["objectId"], "a/b");
    assert_eq!(attributes["objectGeneration"], first);
    assert_eq!(attributes["payloadFormat"], "JSON_API_V1");
    assert!(
        attributes["notificationConfig"]
            .as_str()
            .unwrap()
            .starts_with("projects/_/buckets/bkt/notificationConfigs/")
    );
    assert_eq!(attributes.get("overwroteGeneration"), None);
    assert_eq!(
        (&data["name"], &data["size"], &data["generation"]),
        (&"a/b".into(), &"3".into(), &first.as_str().into())
    );

    let second = put(&server, "a%2Fb", b"two", "").generation().to_string();
    let mut both = [told(&receiver), told(&receiver)];
    both.sort_by(|a, b| a.0.cmp(&b.0));
    let [(gone, of_old, _), (new, of_new, _)] = both;
    assert_eq!((gone.as_str(), new.as_str()), ("OBJECT_DELETE", "OBJECT_FINALIZE"));
    assert_eq!(of_old["overwrittenByGeneration"], second);
    assert_eq!(of_new["overwroteGeneration"], first);

    ask(&server, "PATCH /storage/v1/b/bkt/o/a%2Fb", &[JSON], br#"{"metadata":{"x":"y"}}"#);
    assert_eq!(told(&receiver).0, "OBJECT_METADATA_UPDATE");
    object(&server, "DELETE", "a%2Fb", "");
    let (kind, attributes, _) = told(&receiver);
    assert_eq!((kind.as_str(), attributes.get("overwrittenByGeneration")), ("OBJECT_DELETE", None));
}

#[test]
fn only_what_was_asked_for_is_told_and_a_refusal_is_no_loss() {
    let (url, receiver) = pubsub(2);
    let config = CONFIG.replace(
        '}',
        r#","event_types":["OBJECT_DELETE"],"object_name_prefix":"in/","custom_attributes":{"own":"1"}}"#,
    );
    let server = listening(url, &config);
    for name in ["out", "in%2Fk"] {
        put(&server, name, b"x", "");
        object(&server, "DELETE", name, "");
    }
    let (kind, attributes, _) = told(&receiver);
    assert_eq!(
        (kind.as_str(), &attributes["objectId"], &attributes["own"]),
        ("OBJECT_DELETE", &"in/k".into(), &"1".into())
    );
    assert!(receiver.recv_timeout(Duration::from_millis(300)).is_err());
}

#[test]
fn configurations_are_kept_until_they_are_deleted() {
    let server = listening("http://127.0.0.1:1".to_owned(), CONFIG);
    let all = "/storage/v1/b/bkt/notificationConfigs";
    let listed = ask(&server, &format!("GET {all}"), &[], b"").json();
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let one = ask(&server, &format!("GET {all}/{id}"), &[], b"").json();
    assert_eq!(one["topic"], "//pubsub.googleapis.com/projects/p/topics/t");
    assert_eq!(one["payload_format"], "JSON_API_V1");
    assert_eq!(ask(&server, &format!("DELETE {all}/{id}"), &[], b"").status, 204);
    assert_eq!(ask(&server, &format!("DELETE {all}/{id}"), &[], b"").reason(), "notFound");
    for wrong in [
        "{}",
        r#"{"topic":"t","payload_format":"NONE"}"#,
        r#"{"topic":"//pubsub.googleapis.com/projects/p/topics/t"}"#,
        r#"{"topic":"//pubsub.googleapis.com/projects/p/topics/t","payload_format":"NONE","event_types":["X"]}"#,
    ] {
        let refused = ask(&server, &format!("POST {all}"), &[JSON], wrong.as_bytes());
        assert_eq!(refused.status, 400, "{wrong}");
    }
}
