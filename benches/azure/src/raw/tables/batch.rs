//! A transaction as multipart of multipart, and the etags in its answer.

use std::fmt::Write as _;

use super::{JSON, Tables};

/// The content type and the body of a transaction that puts these rows.
pub(super) fn write(table: &Tables, partition: &str, rows: &[String], entity: &str) -> (String, String) {
    let mut body = String::with_capacity(rows.len() * (entity.len() + 512));
    body.push_str("--batch_1\r\nContent-Type: multipart/mixed; boundary=changeset_1\r\n\r\n");
    for row in rows {
        // Writing into a string does not fail.
        let _ = write!(
            body,
            "--changeset_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n\
             PUT {} HTTP/1.1\r\nAccept: {JSON}\r\nDataServiceVersion: 3.0\r\nPrefer: return-no-content\r\n\
             Content-Type: application/json\r\n\r\n{entity}\r\n",
            table.url(partition, row)
        );
    }
    body.push_str("--changeset_1--\r\n--batch_1--\r\n");
    ("multipart/mixed; boundary=batch_1".to_owned(), body)
}

/// One for each that was done.
pub(super) fn etags(answer: &str) -> Vec<String> {
    let headers = answer.lines().filter_map(|line| line.split_once(':'));
    let etags = headers.filter(|(name, _)| name.eq_ignore_ascii_case("etag"));
    etags.map(|(_, value)| value.trim().to_owned()).collect()
}
