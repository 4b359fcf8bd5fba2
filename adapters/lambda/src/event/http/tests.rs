use serde_json::json;

use super::*;

fn read(event: Value, shape: Shape) -> Request {
    request(event, shape).expect("a request")
}

fn texts<'r>(request: &'r Request, name: &str) -> Vec<&'r str> {
    request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
}

fn function_url() -> Value {
    json!({
        "version": "2.0",
        "rawPath": "/a%2Fb/%E2%98%BA",
        "rawQueryString": "q=1&q=%2B+x&empty=",
        "cookies": ["a=1", "b=2"],
        "headers": {"x-many": "one,two, three", "content-type": "text/plain", "cookie": "a=1; b=2"},
        "queryStringParameters": {"q": "1,+ x", "empty": ""},
        "requestContext": {
            "domainName": "abc.lambda-url.us-east-1.on.aws",
            "stage": "$default",
            "http": {"method": "PUT", "path": "/a/b"},
        },
        "body": "/wA=",
        "isBase64Encoded": true,
    })
}

#[tokio::test]
async fn a_function_url_keeps_path_and_query_and_tells_what_it_joined() {
    let request = read(function_url(), Shape::V2);
    assert_eq!(request.method(), "PUT");
    assert_eq!(request.uri(), "/a%2Fb/%E2%98%BA?q=1&q=%2B+x&empty=");
    assert_eq!(texts(&request, "x-many"), ["one,two, three"]);
    assert_eq!(texts(&request, "cookie"), ["a=1; b=2"]);
    let fidelity = request.fidelity();
    assert!(fidelity.headers_joined && fidelity.buffered && !fidelity.path_decoded);
    assert_eq!(&request.bytes().await.expect("a body")[..], b"\xff\0");
}

#[test]
fn an_http_api_decodes_the_path_and_puts_its_stage_before_it() {
    let mut event = function_url();
    event["rawPath"] = json!("/dev/users/me?x#y/\u{e9} 100%");
    event["requestContext"]["stage"] = json!("dev");
    event["requestContext"]["domainName"] = json!("abc.execute-api.us-east-1.amazonaws.com");
    let request = read(event.clone(), Shape::V2);
    assert_eq!(request.path(), "/users/me%3Fx%23y/%C3%A9%20100%25");
    assert!(request.fidelity().path_decoded);
    for (path, expected) in [("/dev", "/"), ("/dev/", "/"), ("/devices", "/devices"), ("/", "/")] {
        event["rawPath"] = json!(path);
        assert_eq!(read(event.clone(), Shape::V2).path(), expected);
    }
    // Its other format does the same; a REST API, which names no version, neither.
    let mut old = json!({
        "path": "/dev/a%2Fb",
        "httpMethod": "GET",
        "requestContext": {"stage": "dev"},
    });
    assert_eq!(read(old.clone(), Shape::V1).path(), "/dev/a%2Fb");
    assert!(!read(old.clone(), Shape::V1).fidelity().path_decoded);
    old["version"] = json!("1.0");
    assert_eq!(read(old, Shape::V1).path(), "/a%2Fb");
}

#[test]
fn a_rest_api_tells_every_value_once() {
    let event = json!({
        "resource": "/{proxy+}",
        "path": "/mirror",
        "httpMethod": "GET",
        "headers": {"X-Many": "three", "Host": "example.org"},
        "multiValueHeaders": {"X-Many": ["one", "two, three"], "Host": ["example.org"]},
        "queryStringParameters": {"q": "+ x"},
        "multiValueQueryStringParameters": {"q": ["1", "+ x"], "empty": [""]},
        "requestContext": {"stage": "prod"},
        "body": null,
        "isBase64Encoded": false,
    });
    let request = read(event.clone(), Shape::V1);
    assert_eq!(request.uri(), "/mirror?empty=&q=1&q=%2B%20x");
    assert_eq!(request.query_param::<String>("q").expect("one").as_deref(), Some("1"));
    assert_eq!(texts(&request, "x-many"), ["one", "two, three"]);
    assert!(!request.fidelity().headers_joined);
    // Where only the last of each is told, it is said that some may be missing.
    let mut last = event;
    last["multiValueHeaders"] = Value::Null;
    last["multiValueQueryStringParameters"] = Value::Null;
    let request = read(last, Shape::V1);
    assert_eq!((request.uri().query(), texts(&request, "x-many")), (Some("q=%2B%20x"), vec!["three"]));
    assert!(request.fidelity().headers_joined);
}

#[test]
fn a_load_balancer_leaves_the_query_encoded() {
    let event = json!({
        "requestContext": {"elb": {"targetGroupArn": "arn"}},
        "httpMethod": "POST",
        "path": "/a%20b",
        "queryStringParameters": {"q%20r": "%2B+x", "bad": "a b"},
        "headers": {"host": "example.org"},
        "body": "",
        "isBase64Encoded": false,
    });
    let kind = super::super::kind(&event);
    let shape = shape(&event, kind).expect("HTTP");
    assert_eq!(shape, Shape::Alb { multi: false });
    assert_eq!(read(event.clone(), shape).uri(), "/a%20b?bad=a%20b&q%20r=%2B+x");
    let mut multi = event;
    multi["multiValueHeaders"] = json!({"x": ["1", "2"]});
    let shape = super::shape(&multi, kind).expect("HTTP");
    assert_eq!(shape, Shape::Alb { multi: true });
    assert_eq!(texts(&read(multi, shape), "x"), ["1", "2"]);
}

#[test]
fn what_is_no_request_is_refused_and_nothing_panics() {
    let with = |change: fn(&mut Value)| {
        let mut event = function_url();
        change(&mut event);
        request(event, Shape::V2).map(drop).err()
    };
    assert!(with(|event| event["requestContext"]["http"]["method"] = json!("GE T")).is_some());
    assert!(with(|event| event["requestContext"]["http"]["method"] = json!(1)).is_some());
    assert!(with(|event| event["body"] = json!("no base64!")).is_some());
    assert!(with(|event| event["rawPath"] = json!("x".repeat(70_000))).is_some());
    assert!(with(|event| event["headers"] = json!({"a b": "c"})).is_some());
    assert!(with(|event| event["headers"] = json!({"a": "b\r\nc: d"})).is_some());
    let many: serde_json::Map<String, Value> = (0..40_000).map(|n| (format!("x-{n}"), json!("v"))).collect();
    let mut crowded = function_url();
    crowded["headers"] = many.into();
    assert!(request(crowded, Shape::V2).is_err());
    // What is only odd is passed over.
    assert_eq!(with(|event| event["headers"] = json!("odd")), None);
    assert_eq!(with(|event| event["headers"] = json!({"a": 1, "b": null, "\u{e9}".to_uppercase(): 1})), None);
    assert_eq!(with(|event| event["cookies"] = json!({"a": 1})), None);
    assert_eq!(with(|event| event["body"] = json!(7)), None);
    assert_eq!(with(|event| event["rawPath"] = json!(null)), None);
    for event in [json!(null), json!([]), json!({"requestContext": []})] {
        for shape in [Shape::V1, Shape::V2, Shape::Alb { multi: true }] {
            assert!(request(event.clone(), shape).is_err());
        }
    }
}
