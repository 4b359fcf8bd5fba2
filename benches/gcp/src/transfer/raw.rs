//! By hand: a session, a piece of 8 MiB after the other; and a download read as it comes.

use bytes::BytesMut;
use skyport_measure::Outcome;

use super::{Way, pieces};
use crate::raw::storage::Storage;

const PIECE: usize = 8 << 20;

pub(super) async fn transfer(endpoint: &str, way: Way, size: u64) -> Outcome<u64> {
    let storage = Storage::new(endpoint, "b")?;
    if way == Way::Down {
        return storage.drain("k").await;
    }
    let session = storage.start("k").await?;
    let (mut sent, mut pieces, mut done) = (0, pieces(size), false);
    while sent < size {
        let mut piece = BytesMut::with_capacity(PIECE);
        for next in pieces.by_ref() {
            piece.extend_from_slice(&next);
            if piece.len() >= PIECE {
                break;
            }
        }
        let end = sent + piece.len() as u64;
        let total = if end == size { size.to_string() } else { "*".to_owned() };
        done = storage.piece(&session, format!("bytes {sent}-{}/{total}", end - 1), piece.freeze()).await?;
        sent = end;
    }
    if done { Ok(sent) } else { Err("the session has not ended".into()) }
}
