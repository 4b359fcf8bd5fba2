use serde_json::{Value, json};
use skyport_core::ErrorKind;

use super::*;

async fn whole(response: Response, shape: Shape) -> Value {
    match answer(response, shape, Some(&Method::GET), false).await {
        Answer::Whole(json) => serde_json::from_slice(&json).expect("JSON"),
        other => panic!("{other:?}"),
    }
}

fn rich() -> Response {
    Response::text("gr\u{fc}\u{df}e")
        .with_header("set-cookie", "a=1")
        .with_header("set-cookie", "b=2; Path=/")
        .with_header("x-many", "one")
        .with_header("x-many", "two")
}

#[tokio::test]
async fn each_gateway_gets_the_form_that_it_takes() {
    assert_eq!(
        whole(rich(), Shape::V1).await,
        json!({
            "statusCode": 200,
            "multiValueHeaders": {
                "content-type": ["text/plain; charset=utf-8"],
                "set-cookie": ["a=1", "b=2; Path=/"],
                "x-many": ["one", "two"],
            },
            "body": "gr\u{fc}\u{df}e",
            "isBase64Encoded": false,
        })
    );
    assert_eq!(
        whole(rich(), Shape::V2).await,
        json!({
            "statusCode": 200,
            "headers": {"content-type": "text/plain; charset=utf-8", "x-many": "one, two"},
            "cookies": ["a=1", "b=2; Path=/"],
            "body": "gr\u{fc}\u{df}e",
            "isBase64Encoded": false,
        })
    );
    let multi = whole(rich(), Shape::Alb { multi: true }).await;
    assert_eq!(multi["statusDescription"], "200 OK");
    assert_eq!(multi["multiValueHeaders"]["set-cookie"], json!(["a=1", "b=2; Path=/"]));
    assert_eq!(multi["headers"], Value::Null);
    let single = whole(rich().with_status(StatusCode::IM_A_TEAPOT), Shape::Alb { multi: false }).await;
    assert_eq!(single["statusDescription"], "418 I'm a teapot");
    assert_eq!(
        single["headers"],
        json!({"content-type": "text/plain; charset=utf-8", "set-cookie": "a=1", "x-many": "one, two"})
    );
    assert_eq!((&single["multiValueHeaders"], &single["cookies"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_body_travels_as_base64_where_it_is_no_text_or_is_compressed() {
    let binary = whole(Response::ok(&b"\xff\0"[..]), Shape::V2).await;
    assert_eq!((&binary["body"], &binary["isBase64Encoded"]), (&json!("/wA="), &json!(true)));
    assert_eq!(binary["headers"]["content-type"], "application/octet-stream");
    let packed = whole(Response::text("text").with_header("content-encoding", "br"), Shape::V1).await;
    assert_eq!((&packed["body"], &packed["isBase64Encoded"]), (&json!("dGV4dA=="), &json!(true)));
    let empty = whole(Response::no_content(), Shape::V2).await;
    assert_eq!((&empty["body"], &empty["headers"]), (&json!(""), &json!({})));
    let streamed =
        Body::from_stream(futures_util::stream::iter([Ok::<_, skyport_core::Error>("a"), Ok("b")]));
    assert_eq!(whole(Response::ok(streamed), Shape::V2).await["body"], "ab");
}

#[tokio::test]
async fn a_response_that_cannot_be_sent_becomes_a_500_that_leaks_nothing() {
    let broken = futures_util::stream::iter([Err::<Bytes, _>(skyport_core::Error::new(
        ErrorKind::Unavailable,
        "secret",
    ))]);
    let large = vec![b'x'; 6_291_556];
    let base64 = vec![0xff; 5_000_000];
    let quoted = vec![b'"'; 4_000_000];
    for body in [Body::from_stream(broken), large.into(), base64.into(), quoted.into()] {
        let answer = whole(Response::ok(body), Shape::V2).await;
        assert_eq!(answer["statusCode"], 500);
        assert_eq!(answer["headers"]["content-type"], "application/problem+json");
        assert!(!answer.to_string().contains("secret"));
    }
    let fits = whole(Response::ok(vec![b'x'; 6_000_000]), Shape::V2).await;
    assert_eq!(fits["statusCode"], 200);
    assert_eq!(whole(Response::ok(vec![b'x'; 1 << 20]), Shape::Alb { multi: true }).await["statusCode"], 500);
}

#[tokio::test]
async fn a_head_tells_the_length_and_sends_nothing() {
    let answered = answer(Response::text("four"), Shape::V2, Some(&Method::HEAD), false).await;
    let Answer::Whole(json) = answered else { panic!("{answered:?}") };
    let json: Value = serde_json::from_slice(&json).expect("JSON");
    assert_eq!((&json["body"], &json["headers"]["content-length"]), (&json!(""), &json!("4")));
}

#[tokio::test]
async fn a_stream_has_a_prelude_in_the_gateways_form_and_a_load_balancer_gets_none() {
    for (shape, expected) in [
        (
            Shape::V2,
            json!({"statusCode": 200, "headers": {"content-type": "text/plain; charset=utf-8", "x-many": "one, two"}, "cookies": ["a=1", "b=2; Path=/"]}),
        ),
        (
            Shape::V1,
            json!({"statusCode": 200, "multiValueHeaders": {"content-type": ["text/plain; charset=utf-8"], "set-cookie": ["a=1", "b=2; Path=/"], "x-many": ["one", "two"]}}),
        ),
    ] {
        let answered = answer(rich(), shape, None, true).await;
        let Answer::Streamed(prelude, body) = answered else { panic!("{answered:?}") };
        assert_eq!(serde_json::from_slice::<Value>(&prelude).expect("JSON"), expected);
        assert_eq!(&body.collect(100).await.expect("a body")[..], "gr\u{fc}\u{df}e".as_bytes());
    }
    let answered = answer(rich(), Shape::Alb { multi: true }, None, true).await;
    assert!(matches!(answered, Answer::Whole(_)), "{answered:?}");
}
