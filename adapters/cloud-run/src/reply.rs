//! From outcomes to the wire: whoever sent the event reads nothing but the status.

use http::StatusCode;
use skyport_core::Error;
use skyport_core::http::{Response, problem};

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// It is done: never again.
    Done,
    /// No version of this application could do anything with it, so that it is not to come again either; what it is.
    PassedOver(String),
    /// It is not what it claims to be, and why.
    Refused(StatusCode, String),
    /// No function of this deployment is for it: another deployment may have one.
    Nobody(String),
    /// It is to come again.
    Again,
}

impl Answer {
    /// An event that cannot be read, in the words of whoever found out.
    pub(crate) fn malformed(error: &Error) -> Self {
        Self::Refused(StatusCode::BAD_REQUEST, error.message().to_owned())
    }

    /// An event that no function of this deployment is for. Which there are is for the log alone.
    pub(crate) fn nobody(error: &Error) -> Self {
        Self::Nobody(error.message().to_owned())
    }

    /// The worse of two, for several events of one request, which has one status.
    pub(crate) fn worse(self, other: Self) -> Self {
        let rank = |answer: &Self| match answer {
            Self::Done => 0,
            Self::PassedOver(_) => 1,
            Self::Refused(..) => 2,
            Self::Nobody(_) => 3,
            Self::Again => 4,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// The response, which tells nothing that is not the sender's to know; the rest is logged.
    pub(crate) fn into_response(self, id: &str) -> Response {
        let told = |status, detail: &str| problem::response(status, Some(detail), Some(id));
        match self {
            Self::Done => Response::no_content(),
            Self::PassedOver(what) => {
                tracing::warn!("{what} came, and was passed over: no function can be for it");
                told(
                    StatusCode::ACCEPTED,
                    "the event was passed over: no function can be for events of its type",
                )
            }
            Self::Refused(status, why) => {
                tracing::warn!(%status, why, "an event was refused");
                told(status, &why)
            }
            Self::Nobody(why) => {
                tracing::error!(why, "an event came that no function of this deployment is for");
                told(
                    StatusCode::NOT_FOUND,
                    "no function of this deployment is for this event; its log tells which there are, and what to do",
                )
            }
            Self::Again => told(StatusCode::SERVICE_UNAVAILABLE, "the event is not done: send it again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_status_says_whether_the_event_is_to_come_again_and_the_text_leaks_nothing() {
        let secret = || "the functions are alpha and beta".to_owned();
        for (answer, status) in [
            (Answer::Done, 204),
            (Answer::PassedOver(secret()), 202),
            (Answer::Refused(StatusCode::BAD_REQUEST, "no id".to_owned()), 400),
            (Answer::Nobody(secret()), 404),
            (Answer::Again, 503),
        ] {
            let response = answer.into_response("id-1");
            assert_eq!(response.status().as_u16(), status);
            let body = response.into_body().collect(4_096).await.expect("small");
            let text = String::from_utf8(body.to_vec()).expect("text");
            assert!(!text.contains("alpha") && (status == 204 || text.contains("id-1")), "{text}");
        }
    }

    #[test]
    fn of_several_the_worst_is_told() {
        let nobody = Answer::Nobody(String::new());
        let all = [Answer::Done, nobody.clone(), Answer::PassedOver(String::new())];
        assert_eq!(all.clone().into_iter().fold(Answer::Done, Answer::worse), nobody);
        assert_eq!(all.into_iter().fold(Answer::Again, Answer::worse), Answer::Again);
    }
}
