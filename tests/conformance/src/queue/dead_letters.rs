//! Dead letters: how messages get there, what they carry, and their way back.

use skyport_core::ErrorKind;
use skyport_core::queue::QueueSettings;

use super::{
    Bodies, LONG, NOW, SECOND, bodies, drain, expect_nothing, kind_of, next, send, take, text, texts,
};
use crate::case::{CaseResult, cases};
use crate::{Context, Outcome};

cases![
    spent_attempts_end_in_the_dead_letters,
    leases_that_end_spend_attempts,
    a_message_can_be_sent_there_with_a_reason,
    a_long_reason_is_cut,
    a_letter_carries_what_the_message_carried,
    letters_are_acknowledged_like_messages,
    what_is_retried_in_the_dead_letters_stays,
    dead_letters_have_none_of_their_own,
    redrive_sends_letters_back_as_new,
    redrive_of_nothing_is_nothing,
    poison_does_not_stop_its_neighbours,
];

async fn attempts(context: &Context, max: u32) -> Result<Bodies, skyport_core::Error> {
    let mut settings = QueueSettings::default();
    settings.max_attempts = max;
    Ok(bodies(context.queue_with(settings).await?))
}

async fn spent_attempts_end_in_the_dead_letters(context: Context) -> CaseResult {
    let queue = attempts(&context, 2).await?;
    send(&queue, "poison").await?;
    for _ in 0..2 {
        next(&queue, LONG).await?.retry(NOW).await?;
    }
    let letter = next(&queue.dead_letters()?, LONG).await?;
    assert_eq!(text(&letter), "poison");
    assert_eq!(letter.reason(), Some("attempts"));
    letter.ack().await?;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn leases_that_end_spend_attempts(context: Context) -> CaseResult {
    let queue = attempts(&context, 1).await?;
    send(&queue, "crashes its handler").await?;
    drop(next(&queue, SECOND).await?);
    context.pass(SECOND).await;
    expect_nothing(&queue).await?;
    let letter = next(&queue.dead_letters()?, LONG).await?;
    assert_eq!(letter.reason(), Some("attempts"));
    letter.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_message_can_be_sent_there_with_a_reason(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "broken").await?;
    next(&queue, LONG).await?.dead_letter("cannot be decoded: ü").await?;
    let letter = next(&queue.dead_letters()?, LONG).await?;
    assert_eq!(text(&letter), "broken");
    assert_eq!(letter.reason(), Some("cannot be decoded: ü"));
    letter.ack().await?;
    expect_nothing(&queue).await?;
    Ok(Outcome::Passed)
}

async fn a_long_reason_is_cut(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "x").await?;
    let reason = format!("x{}", "ü".repeat(1000));
    next(&queue, LONG).await?.dead_letter(reason.clone()).await?;
    let letter = next(&queue.dead_letters()?, LONG).await?;
    let kept = letter.reason().unwrap_or_default();
    assert!(reason.starts_with(kept) && kept.len() == 255, "{kept}");
    letter.ack().await?;
    Ok(Outcome::Passed)
}

async fn a_letter_carries_what_the_message_carried(context: Context) -> CaseResult {
    let queue = attempts(&context, 1).await?;
    for way in ["explicit", "attempts"] {
        queue.send(&way.to_owned().into()).attribute("tenant", "a7").await?;
        let delivery = next(&queue, LONG).await?;
        let trace = delivery.trace().cloned();
        match way {
            "explicit" => delivery.dead_letter("explicit").await?,
            _ => delivery.retry(NOW).await?,
        }
        let letter = next(&queue.dead_letters()?, LONG).await?;
        assert_eq!(text(&letter), way);
        assert_eq!(letter.reason(), Some(way));
        assert_eq!(letter.attributes().get("tenant").map(String::as_str), Some("a7"));
        assert_eq!(letter.trace().cloned(), trace);
        letter.ack().await?;
    }
    Ok(Outcome::Passed)
}

async fn letters_are_acknowledged_like_messages(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    send(&queue, "x").await?;
    next(&queue, LONG).await?.dead_letter("no").await?;
    let letters = queue.dead_letters()?;
    let letter = next(&letters, SECOND).await?;
    drop(letter);
    next(&letters, LONG).await?.ack().await?;
    context.pass(SECOND).await;
    expect_nothing(&letters).await?;
    Ok(Outcome::Passed)
}

async fn what_is_retried_in_the_dead_letters_stays(context: Context) -> CaseResult {
    let queue = attempts(&context, 1).await?;
    send(&queue, "kept").await?;
    next(&queue, LONG).await?.dead_letter("why").await?;
    let letters = queue.dead_letters()?;
    for _ in 0..4 {
        next(&letters, LONG).await?.retry(NOW).await?;
    }
    let letter = next(&letters, LONG).await?;
    assert_eq!((text(&letter).as_str(), letter.reason()), ("kept", Some("why")));
    letter.ack().await?;
    Ok(Outcome::Passed)
}

async fn dead_letters_have_none_of_their_own(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    let letters = queue.dead_letters()?;
    let unsupported = Some(ErrorKind::Unsupported);
    assert_eq!(kind_of(letters.dead_letters()), unsupported);
    assert_eq!(kind_of(letters.redrive(1).await), unsupported);
    send(&queue, "x").await?;
    next(&queue, LONG).await?.dead_letter("no").await?;
    let Err(refused) = next(&letters, LONG).await?.dead_letter("again").await else {
        return Err("a dead letter died twice".into());
    };
    assert_eq!(refused.error().kind(), ErrorKind::Unsupported);
    refused.into_delivery().ack().await?;
    Ok(Outcome::Passed)
}

async fn redrive_sends_letters_back_as_new(context: Context) -> CaseResult {
    let queue = attempts(&context, 1).await?;
    for n in 0..3 {
        let sending = queue.send(&n.to_string().into());
        sending.attribute("n", n.to_string()).await?;
        next(&queue, LONG).await?.dead_letter("mended since").await?;
    }
    assert_eq!(queue.redrive(2).await?, 2);
    assert_eq!(take(&queue, 2).await?.len(), 2);
    // Those two stay leased: what comes now is the third.
    assert_eq!(queue.redrive(10).await?, 1);
    let back = next(&queue, LONG).await?;
    assert_eq!((back.reason(), back.attempt()), (None, 1));
    assert_eq!(back.attributes().get("n"), Some(&text(&back)));
    back.ack().await?;
    expect_nothing(&queue.dead_letters()?).await?;
    Ok(Outcome::Passed)
}

async fn redrive_of_nothing_is_nothing(context: Context) -> CaseResult {
    let queue = bodies(context.queue().await?);
    assert_eq!(queue.redrive(10).await?, 0);
    send(&queue, "alive").await?;
    assert_eq!(queue.redrive(10).await?, 0);
    assert_eq!(drain(&queue, 1).await?.len(), 1);
    Ok(Outcome::Passed)
}

async fn poison_does_not_stop_its_neighbours(context: Context) -> CaseResult {
    let queue = attempts(&context, 3).await?;
    for body in ["good 1", "poison", "good 2", "good 3"] {
        send(&queue, body).await?;
    }
    let mut done = Vec::new();
    loop {
        let received = queue.receive(2, SECOND, LONG).await?;
        if received.is_empty() {
            break;
        }
        for delivery in received {
            if text(&delivery) == "poison" {
                delivery.retry(NOW).await?;
            } else {
                done.push(text(&delivery));
                delivery.ack().await?;
            }
        }
    }
    done.sort();
    done.dedup();
    assert_eq!(done, ["good 1", "good 2", "good 3"]);
    let letters = take(&queue.dead_letters()?, 1).await?;
    assert_eq!(texts(&letters), ["poison"]);
    Ok(Outcome::Passed)
}
