//! The requests of HTTP/2 connections, each watched by itself.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::Executor;
use tokio::time::{Instant, Sleep, sleep_until};

use super::WAITS;

/// Runs the requests of HTTP/2 connections, each in a task of its own. One whose client takes no piece of its response for
/// `limit` is dropped, which resets its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requests {
    pub(crate) limit: Duration,
}

impl<F> Executor<F> for Requests
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, request: F) {
        let limit = self.limit;
        tokio::spawn(async move {
            if watched(request, limit).await.is_none() {
                tracing::debug!("a response broke off: its client does not take it in");
            }
        });
    }
}

/// Runs `request` to its end; `None` where its client took nothing for `limit`.
async fn watched<F: Future>(request: F, limit: Duration) -> Option<F::Output> {
    let watched = async move {
        let mut request = pin!(request);
        let mut timer = None;
        poll_fn(|cx| match request.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => overdue(&mut timer, limit, cx).map(|()| None),
        })
        .await
    };
    WAITS.scope(Cell::new(None), watched).await
}

/// Ready once a piece has waited for `limit`. A timer is kept although the piece it was for is taken: it is not to be set
/// anew for each.
fn overdue(timer: &mut Option<Pin<Box<Sleep>>>, limit: Duration, cx: &mut Context<'_>) -> Poll<()> {
    while let Some(due) = WAITS.with(Cell::get).and_then(|since| since.checked_add(limit)) {
        if due <= Instant::now() {
            return Poll::Ready(());
        }
        let set = timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        ready!(set.as_mut().poll(cx));
        *timer = None;
    }
    Poll::Pending
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::time::{advance, sleep};

    use super::super::{PIECE, asked, piece};
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_request_ends_once_a_piece_has_waited_for_too_long() {
        let start = Instant::now();
        let request = async {
            for _ in 0..10 {
                // A slow client, but one that takes what it gets.
                asked();
                assert_eq!(piece(&mut Bytes::from_static(b"piece")), "piece");
                sleep(LIMIT * 2 / 3).await;
            }
            std::future::pending::<()>().await;
        };
        assert_eq!(watched(request, LIMIT).await, None);
        assert_eq!(start.elapsed().as_secs(), (LIMIT * 2 / 3 * 9 + LIMIT).as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_may_take_its_time_before_and_between_pieces() {
        let request = async {
            sleep(LIMIT * 10).await;
            piece(&mut Bytes::from_static(b"piece"));
            asked();
            sleep(LIMIT * 10).await;
            "whole"
        };
        assert_eq!(watched(request, LIMIT).await, Some("whole"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_beyond_all_time_is_none() {
        let request = async {
            piece(&mut Bytes::from_static(b"piece"));
            advance(LIMIT * 1000).await;
            "whole"
        };
        assert_eq!(watched(request, Duration::MAX).await, Some("whole"));
    }

    #[tokio::test]
    async fn pieces_are_small_where_a_request_is_watched_and_whole_elsewhere() {
        let whole = Bytes::from(vec![b'x'; PIECE * 2 + 1]);
        assert_eq!(piece(&mut whole.clone()), whole);
        let request = async {
            let mut rest = whole.clone();
            let pieces = [piece(&mut rest), piece(&mut rest), piece(&mut rest)];
            assert!(rest.is_empty());
            pieces.map(|piece| piece.len())
        };
        assert_eq!(watched(request, LIMIT).await, Some([PIECE, PIECE, 1]));
    }
}
