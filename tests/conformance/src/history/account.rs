//! The balance of a ledger: what must be there, what must not, and in which order.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use bytes::Bytes;
use skyport_core::queue::port::QueueInfo;

use super::ledger::{Book, Delivered, End, Fate, Sent, Settled};

/// What a queue promises beyond the contract, which allows duplicates and attempts that are counted roughly.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Promises {
    /// What was acknowledged never comes again, and each delivery of a message has a greater attempt than the one before, unless it is in an ordered group, where what
    /// returns because of another has spent none. Else that is counted alone.
    pub exact: bool,
    /// Whoever receives acknowledges nothing while something before it in its group is not over, as core's worker does.
    pub in_order: bool,
}

impl Promises {
    /// And receivers that keep the order themselves.
    #[must_use]
    pub fn in_order(self) -> Self {
        Self { in_order: true, ..self }
    }

    /// No duplicate, and exact attempts.
    #[must_use]
    pub fn exact() -> Self {
        Self { exact: true, ..Self::default() }
    }
}

/// What went through a queue, and is right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Messages that were accepted.
    pub accepted: usize,
    /// Messages of which nobody knew whether they were.
    pub unknown: usize,
    /// Of these, those that arrived.
    pub arrived: usize,
    /// Deliveries, of dead letters too.
    pub deliveries: usize,
    /// Acknowledgements that were answered Ok.
    pub acknowledged: usize,
    /// Messages that came as dead letters.
    pub dead: usize,
    /// Deliveries of messages that had been acknowledged.
    pub again: usize,
    /// Deliveries whose attempt is not greater than that of the one before.
    pub uncounted: usize,
}

impl std::ops::AddAssign for Account {
    fn add_assign(&mut self, more: Self) {
        self.accepted += more.accepted;
        self.unknown += more.unknown;
        self.arrived += more.arrived;
        self.deliveries += more.deliveries;
        self.acknowledged += more.acknowledged;
        self.dead += more.dead;
        self.again += more.again;
        self.uncounted += more.uncounted;
    }
}

/// One thing that is wrong, with the body of the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was accepted and never delivered.
    Lost(Bytes),
    /// It was delivered, and then neither acknowledged nor a dead letter.
    Forgotten(Bytes),
    /// It was sent to the dead letters, and is not there.
    LetterLost(Bytes),
    /// It was delivered and had not been sent, or had been refused.
    Forged(Bytes),
    /// Its attributes or its group are others than were sent.
    Altered(Bytes),
    /// In an ordered group, the second came or was acknowledged before the first.
    Overtaken(Bytes, Bytes),
    /// It was acknowledged, and delivered again.
    CameBack(Bytes),
    /// A delivery has no greater attempt than the one before.
    Uncounted(Bytes, u32),
}

impl Wrong {
    fn bodies(&self) -> Vec<&Bytes> {
        match self {
            Self::Overtaken(first, second) => vec![first, second],
            Self::Lost(body)
            | Self::Forgotten(body)
            | Self::LetterLost(body)
            | Self::Forged(body)
            | Self::Altered(body)
            | Self::CameBack(body)
            | Self::Uncounted(body, _) => vec![body],
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |body: &Bytes| String::from_utf8_lossy(body).into_owned();
        match self {
            Self::Lost(body) => write!(f, "{} was accepted and never delivered", text(body)),
            Self::Forgotten(body) => {
                write!(f, "{} was neither acknowledged nor is it a dead letter", text(body))
            }
            Self::LetterLost(body) => {
                write!(f, "{} is not among the dead letters it was sent to", text(body))
            }
            Self::Forged(body) => write!(f, "{} was delivered and had not been sent", text(body)),
            Self::Altered(body) => {
                write!(f, "{} has other attributes, or another group, than were sent", text(body))
            }
            Self::Overtaken(first, second) => {
                write!(f, "{} overtook {} in its group", text(second), text(first))
            }
            Self::CameBack(body) => write!(f, "{} came again after it was acknowledged", text(body)),
            Self::Uncounted(body, attempt) => {
                write!(f, "{} came again as attempt {attempt}, which is not more than before", text(body))
            }
        }
    }
}

/// All that is wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imbalance {
    /// Each thing.
    pub wrong: Vec<Wrong>,
    /// What happened to the messages that it is about, in order.
    pub story: String,
}

impl fmt::Display for Imbalance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} things are wrong with the queue", self.wrong.len())?;
        for wrong in self.wrong.iter().take(20) {
            write!(f, "; {wrong}")?;
        }
        write!(f, "\n{}", self.story)
    }
}

impl std::error::Error for Imbalance {}

/// All that concerns one body.
#[derive(Default)]
struct Message<'b> {
    sent: Vec<&'b Sent>,
    /// In the queue itself.
    delivered: Vec<&'b Delivered>,
    dead: Vec<&'b Delivered>,
    /// Of deliveries of the queue itself.
    settled: Vec<&'b Settled>,
}

impl Message<'_> {
    /// Perhaps: an answer that was lost may have been an Ok.
    fn may_have_ended(&self, end: End) -> bool {
        self.settled.iter().any(|settled| settled.end == end && settled.fate != Fate::Refused)
    }

    fn was_accepted(&self) -> bool {
        self.sent.iter().any(|sent| sent.fate == Fate::Done)
    }

    fn was_sent(&self) -> bool {
        self.sent.iter().any(|sent| sent.fate != Fate::Refused)
    }

    fn is_over(&self) -> bool {
        self.may_have_ended(End::Acknowledged) || !self.dead.is_empty()
    }
}

fn messages(book: &Book) -> BTreeMap<&Bytes, Message<'_>> {
    let mut messages: BTreeMap<&Bytes, Message<'_>> = BTreeMap::new();
    for sent in &book.sent {
        messages.entry(&sent.body).or_default().sent.push(sent);
    }
    for delivered in &book.delivered {
        let message = messages.entry(&delivered.body).or_default();
        if delivered.dead { message.dead.push(delivered) } else { message.delivered.push(delivered) }
    }
    for settled in &book.settled {
        let delivered = &book.delivered[settled.delivery];
        if let Some(message) = messages.get_mut(&delivered.body).filter(|_| !delivered.dead) {
            message.settled.push(settled);
        }
    }
    messages
}

pub(super) fn open(book: &Book) -> usize {
    messages(book).values().filter(|message| message.was_accepted() && !message.is_over()).count()
}

impl Account {
    pub(super) fn of(book: &Book, info: &QueueInfo, promises: Promises) -> Result<Self, Imbalance> {
        let messages = messages(book);
        let (mut account, mut wrong) =
            (Self { deliveries: book.delivered.len(), ..Self::default() }, Vec::new());
        for (body, message) in &messages {
            account.count(message);
            wrong.extend(missing(body, message));
            wrong.extend(
                message.delivered.iter().chain(&message.dead).filter_map(|one| strange(message, one)),
            );
        }
        if info.settings.ordered {
            wrong.extend(overtaken(book, &messages, promises));
        }
        let again = came_back(book);
        let uncounted = if info.capabilities.attempts.is_supported() { uncounted(book) } else { Vec::new() };
        (account.again, account.uncounted) = (again.len(), uncounted.len());
        if promises.exact {
            wrong.extend(again);
            // Of an ordered group, what returns because one before it failed has spent no attempt.
            if !info.settings.ordered {
                wrong.extend(uncounted);
            }
        }
        // From 1, on every queue.
        let none = book.delivered.iter().filter(|delivered| delivered.attempt == 0);
        wrong.extend(none.map(|delivered| Wrong::Uncounted(delivered.body.clone(), 0)));
        if wrong.is_empty() {
            return Ok(account);
        }
        let story = book.story(&wrong.iter().flat_map(Wrong::bodies).collect());
        Err(Imbalance { wrong, story })
    }

    fn count(&mut self, message: &Message<'_>) {
        let arrived = !message.delivered.is_empty() || !message.dead.is_empty();
        if message.was_accepted() {
            self.accepted += 1;
        } else if message.was_sent() {
            self.unknown += 1;
            self.arrived += usize::from(arrived);
        }
        let acknowledged =
            |settled: &&&Settled| settled.end == End::Acknowledged && settled.fate == Fate::Done;
        self.acknowledged += message.settled.iter().filter(acknowledged).count();
        self.dead += usize::from(!message.dead.is_empty());
    }
}

/// What must be there and is not.
fn missing(body: &Bytes, message: &Message<'_>) -> Option<Wrong> {
    let sent_to_the_dead =
        message.settled.iter().any(|settled| settled.end == End::Dead && settled.fate == Fate::Done);
    if sent_to_the_dead && message.dead.is_empty() {
        return Some(Wrong::LetterLost(body.clone()));
    }
    if message.delivered.is_empty() && message.dead.is_empty() {
        return message.was_accepted().then(|| Wrong::Lost(body.clone()));
    }
    // What arrived has an end, whether its sender knew that it was sent or not.
    (!message.is_over()).then(|| Wrong::Forgotten(body.clone()))
}

/// What is there and must not be, or not so.
fn strange(message: &Message<'_>, delivered: &Delivered) -> Option<Wrong> {
    let before = |sent: &&&Sent| sent.fate != Fate::Refused && sent.called < delivered.at;
    let mut sources = message.sent.iter().filter(before).peekable();
    if sources.peek().is_none() {
        return Some(Wrong::Forged(delivered.body.clone()));
    }
    // Without a group it may have been given one of its own.
    let same = |sent: &&Sent| {
        sent.attributes == delivered.attributes && (sent.group.is_none() || sent.group == delivered.group)
    };
    (!sources.any(same)).then(|| Wrong::Altered(delivered.body.clone()))
}

/// Of each group, what was accepted earlier comes earlier, and nothing later is acknowledged while it is to come again.
fn overtaken(book: &Book, messages: &BTreeMap<&Bytes, Message<'_>>, promises: Promises) -> Vec<Wrong> {
    let mut first: HashMap<&Bytes, usize> = HashMap::new();
    for (place, delivered) in book.delivered.iter().enumerate().filter(|(_, delivered)| !delivered.dead) {
        first.entry(&delivered.body).or_insert(place);
    }
    let mut groups: BTreeMap<&str, Vec<(usize, &Sent)>> = BTreeMap::new();
    for (place, sent) in book.sent.iter().enumerate() {
        if let Some(group) = &sent.group {
            groups.entry(group).or_default().push((place, sent));
        }
    }
    let mut wrong = Vec::new();
    for group in groups.values() {
        for (place, later) in group {
            let Some(came) = first.get(&later.body) else { continue };
            let earlier = group.iter().filter(|(before, sent)| {
                let in_one_call = sent.called == later.called && before < place;
                sent.fate == Fate::Done && (sent.answered < later.called || in_one_call)
            });
            for (_, earlier) in earlier.filter(|(_, earlier)| earlier.body != later.body) {
                let came_before = first.get(&earlier.body).is_some_and(|before| before < came);
                if !came_before || done_too_early(messages, earlier, later, promises) {
                    wrong.push(Wrong::Overtaken(earlier.body.clone(), later.body.clone()));
                }
            }
        }
    }
    wrong
}

/// Whether the later was acknowledged while the earlier was to come again: what has failed holds up what stands behind it. A lease
/// that is not over yet, or of which nobody knows here, holds up nothing.
fn done_too_early(
    messages: &BTreeMap<&Bytes, Message<'_>>,
    earlier: &Sent,
    later: &Sent,
    promises: Promises,
) -> bool {
    let (Some(earlier), Some(later)) = (messages.get(&earlier.body), messages.get(&later.body)) else {
        return false;
    };
    let acknowledged = |settled: &&&Settled| settled.end == End::Acknowledged && settled.fate == Fate::Done;
    let Some(done) = later.settled.iter().filter(acknowledged).min_by_key(|settled| settled.answered) else {
        return false;
    };
    // Once it has come again, what it failed with before holds up nothing.
    let last =
        earlier.delivered.iter().filter(|delivered| delivered.at < done.called).max_by_key(|one| one.at);
    let failed = |settled: &&Settled| {
        let retried =
            settled.end == End::Retried && settled.fate == Fate::Done && settled.answered < done.called;
        retried && last.is_some_and(|last| last.at < settled.called)
    };
    let over = |settled: &&Settled| {
        // What is of unknown fate may have been done at once, whenever its caller was told so.
        settled.end != End::Retried
            && (settled.fate == Fate::Unknown
                || (settled.fate == Fate::Done && settled.called < done.answered))
    };
    let holds_up = promises.in_order || earlier.settled.iter().any(failed);
    holds_up && !earlier.settled.iter().any(over) && earlier.dead.is_empty()
}

/// Deliveries after an acknowledgement that was answered Ok.
fn came_back(book: &Book) -> Vec<Wrong> {
    let mut done: HashMap<(&str, bool), u64> = HashMap::new();
    for settled in &book.settled {
        let delivered = &book.delivered[settled.delivery];
        if settled.end == End::Acknowledged && settled.fate == Fate::Done {
            let at = done.entry((delivered.id.as_str(), delivered.dead)).or_insert(u64::MAX);
            *at = settled.answered.min(*at);
        }
    }
    let again = book.delivered.iter().filter(|delivered| {
        done.get(&(delivered.id.as_str(), delivered.dead)).is_some_and(|done| *done < delivered.at)
    });
    again.map(|delivered| Wrong::CameBack(delivered.body.clone())).collect()
}

/// Deliveries of the queue itself whose attempt is not greater than that of the one before.
fn uncounted(book: &Book) -> Vec<Wrong> {
    let mut last: HashMap<&str, u32> = HashMap::new();
    let mut wrong = Vec::new();
    for delivered in book.delivered.iter().filter(|delivered| !delivered.dead) {
        let before = last.insert(delivered.id.as_str(), delivered.attempt).unwrap_or(0);
        if delivered.attempt <= before {
            wrong.push(Wrong::Uncounted(delivered.body.clone(), delivered.attempt));
        }
    }
    wrong
}
